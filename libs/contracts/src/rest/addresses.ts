/** Parameters of the Address Configuration resource (API reference 1.2): which of our addresses open conversations. */
import { ADDRESS_CHARS_MAX, channelOfProxy } from '@parley/domain/address';
import { z } from 'zod';
import type { AutoCreation } from '../commands.js';
import { conversationEvents } from '../webhook-events.js';
import { clearable, fault, flag, given, integer, oneOf, sid } from './parameters.js';
import { eventNames, webUrl } from './webhooks.js';

const types = ['sms', 'whatsapp', 'messenger', 'gbm', 'email', 'rcs', 'apple', 'chat'] as const;
const isType = (type: string) => (types as readonly string[]).includes(type);

const shared = {
  FriendlyName: clearable(256, 50003).optional(),
  'AutoCreation.Enabled': flag(20001).optional(),
  'AutoCreation.Type': oneOf(['webhook', 'studio', 'default'], 20001).optional(),
  'AutoCreation.ConversationServiceSid': sid('IS', 50050).optional(),
  'AutoCreation.WebhookUrl': webUrl.optional(),
  'AutoCreation.WebhookMethod': oneOf(['get', 'post'], 50055).transform((method) => method.toUpperCase()).optional(),
  'AutoCreation.WebhookFilters': eventNames(conversationEvents).transform((names): string[] => names).optional(),
  'AutoCreation.StudioFlowSid': z.string().regex(/^FW[0-9a-fA-F]{32}$/, fault(50367)).optional(),
  'AutoCreation.StudioRetryCount': integer(0, 3, 50065).optional(),
};
type Shared = z.output<z.ZodObject<typeof shared>>;

/** The API's own names: this object is stored and answered as it is. */
const autoCreationOf = (p: Shared): Partial<AutoCreation> => given({
  enabled: p['AutoCreation.Enabled'], type: p['AutoCreation.Type'],
  conversation_service_sid: p['AutoCreation.ConversationServiceSid'], webhook_url: p['AutoCreation.WebhookUrl'],
  webhook_method: p['AutoCreation.WebhookMethod'], webhook_filters: p['AutoCreation.WebhookFilters'],
  studio_flow_sid: p['AutoCreation.StudioFlowSid'], studio_retry_count: p['AutoCreation.StudioRetryCount'],
});

/** A webhook needs its URL, a flow its SID. */
export const autoCreationFault = (auto: Partial<AutoCreation>): 50369 | 50367 | undefined => {
  if (auto.type === 'webhook' && auto.webhook_url === undefined) return 50369;
  return auto.type === 'studio' && auto.studio_flow_sid === undefined ? 50367 : undefined;
};

export const createAddressConfiguration = z
  .object({
    ...shared,
    // Answered as it was written: the API echoes the caller's casing here.
    Type: z.string().refine((type) => isType(type.toLowerCase())),
    Address: z.string().min(1).max(ADDRESS_CHARS_MAX),
    AddressCountry: z.string().regex(/^[A-Za-z]{2}$/).transform((country) => country.toUpperCase()).optional(),
  })
  .refine(({ Type, Address }) => {
    const type = Type.toLowerCase();
    return !['sms', 'whatsapp', 'email'].includes(type) || channelOfProxy(Address) === type;
  }, { error: '20001', path: ['Address'] })
  .transform((p) => ({
    type: p.Type, address: p.Address, friendlyName: p.FriendlyName ?? null, addressCountry: p.AddressCountry ?? null,
    autoCreation: { enabled: false, type: 'default' as const, ...autoCreationOf(p) },
  }))
  .superRefine(({ autoCreation }, context) => {
    const code = autoCreationFault(autoCreation);
    if (code !== undefined) context.addIssue({ code: 'custom', message: String(code) });
  });

export const updateAddressConfiguration = z.object(shared).transform((p) =>
  given({ friendlyName: p.FriendlyName, autoCreation: autoCreationOf(p) }));

export const listAddressConfigurations = z.object({ Type: oneOf(types, 20001).optional() });
export type ListAddressConfigurations = z.output<typeof listAddressConfigurations>;

/** Parameters that are lists: a single occurrence is a list of one. */
export const listParameters: ReadonlySet<string> = new Set(['AutoCreation.WebhookFilters', 'Participant', 'Permission', 'Filters', 'Configuration.Filters', 'Configuration.Triggers', 'MessageTypes']);
