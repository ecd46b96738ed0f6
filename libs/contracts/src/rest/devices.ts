/** Parameters and answers of our own push resources (docs/push.md): registering devices and browsers, and what became of notifications. */
import { isIdentity } from '@parley/domain/identity';
import { z } from 'zod';
import { count, sidOf, textOrNull, time, urlOf } from './answer-fields.js';
import { fault, oneOf, sid } from './parameters.js';

export const messageTypes = ['new_message', 'added_to_conversation', 'removed_from_conversation'] as const;
const bindingTypes = ['apn', 'gcm', 'fcm', 'webpush'] as const;

/** Tokens of FCM have about 160 characters and no promised bound; a subscription is a URL and two short keys. */
const ADDRESS_CHARS_MAX = 4096;
const ENDPOINT_URL_CHARS_MAX = 2048;
const P256_POINT_BYTES = 65;
const AUTH_BYTES = 16;

/** As browsers write it (`JSON.stringify(subscription)`); other fields are left out. */
const subscription = z.object({ endpoint: z.string().max(ENDPOINT_URL_CHARS_MAX), keys: z.object({ p256dh: z.string(), auth: z.string() }) });

/** The address as it is stored; undefined when it cannot be one of that platform. */
function addressOf(type: (typeof bindingTypes)[number], text: string): string | undefined {
  if (type === 'apn') return /^[0-9a-fA-F]{16,400}$/.test(text) ? text.toLowerCase() : undefined;
  if (type !== 'webpush') return /^[\x21-\x7e]+$/.test(text) ? text : undefined;
  const read = subscription.safeParse(jsonOf(text));
  if (!read.success) return undefined;
  const { endpoint, keys: { p256dh, auth } } = read.data;
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) return undefined;
  const [point, secret] = [p256dh, auth].map(bytesOf);
  if (point?.length !== P256_POINT_BYTES || point[0] !== 4 || secret?.length !== AUTH_BYTES) return undefined;
  return JSON.stringify({ endpoint: new URL(endpoint).href, keys: { p256dh, auth } });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
// Four characters are three bytes; one over is none.
const bytesOf = (text: string) => (/^[\w-]+$/.test(text) && text.length % 4 !== 1 ? Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0)) : undefined);

export const createDevice = z
  .object({
    BindingType: oneOf(bindingTypes, 50209),
    Address: z.string().min(1).max(ADDRESS_CHARS_MAX).meta({ description: 'FCM registration token, APNs device token in hex, or a PushSubscription as JSON.' }),
    CredentialSid: sid('CR', 20001).optional().meta({ description: "Default: the access token's `push_credential_sid`." }),
    Identity: z.string().refine(isIdentity, fault(20001)).optional().meta({ description: 'Whose it is; with an access token, the user himself.' }),
    Endpoint: z.string().min(1).max(256).optional().meta({ description: 'A name of your own for the device. Default: its SID.' }),
    MessageTypes: z.array(oneOf(messageTypes, 20001)).max(10).optional().meta({ description: 'Default: all.' }),
  })
  .transform((p, context) => {
    const address = addressOf(p.BindingType, p.Address);
    if (address === undefined) context.addIssue({ code: 'custom', message: '20001', path: ['Address'] });
    return {
      bindingType: p.BindingType, address: address!, credentialSid: p.CredentialSid, identity: p.Identity, endpoint: p.Endpoint,
      messageTypes: p.MessageTypes ? [...new Set(p.MessageTypes)] : [...messageTypes],
    };
  });
export type CreateDevice = z.output<typeof createDevice>;

export const pushNotificationsAnswer = z.strictObject({
  push_notifications: z.array(z.strictObject({
    id: z.string(), account_sid: sidOf('AC'), chat_service_sid: sidOf('IS'), conversation_sid: sidOf('CH'), message_sid: textOrNull, binding_sid: sidOf('BS'),
    type: z.enum(messageTypes), status: z.enum(['queued', 'sending', 'sent', 'failed', 'dropped']), attempts: count,
    reason: textOrNull.meta({ description: 'As the push service said it; of the last attempt.' }), date_created: time, date_updated: time,
  })),
});
export const deviceAnswer = z.strictObject({
  sid: sidOf('BS'), account_sid: sidOf('AC'), chat_service_sid: sidOf('IS'), credential_sid: sidOf('CR').nullable(), date_created: time, date_updated: time,
  endpoint: z.string(), identity: textOrNull, binding_type: z.enum(bindingTypes), message_types: z.array(z.enum(messageTypes)), url: urlOf('service', 'Bindings/{BS}'),
});
