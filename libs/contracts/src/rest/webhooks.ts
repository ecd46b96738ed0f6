/** Parameters of the webhook resources (API reference 1.3, 1.8 and 1.17). */
import { z } from 'zod';
import { conversationEvents, globalEvents, serviceEvents, type WebhookEvent } from '../webhook-events.js';
import type { ErrorCode } from '../error-catalogue.js';
import { fault, given, integer, oneOf, text } from './parameters.js';

export const WEBHOOK_URL_CHARS_MAX = 512;
const TRIGGERS_MAX = 5;
const TRIGGER_CHARS_MAX = 256;
const INDEX_MAX = 2_147_483_647;

export const isWebUrl = (value: string): boolean => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);

export const webUrl = text(WEBHOOK_URL_CHARS_MAX, 50372).refine(isWebUrl, fault(50054));
/** `Name=` takes the URL away. */
const webUrlOrNone = text(WEBHOOK_URL_CHARS_MAX, 50372).refine((value) => value === '' || isWebUrl(value), fault(50054)).transform((value) => value || null);
const method = oneOf(['get', 'post'], 50055);

/** A single empty one is the empty list; case does not matter, the API's own spelling is kept. */
export const eventNames = <N extends WebhookEvent>(allowed: readonly N[], invalid: ErrorCode = 50365) => {
  const named = new Map(allowed.map((name) => [name.toLowerCase(), name]));
  return z.array(z.string()).transform((names, context) => {
    const found = names.filter((name) => name !== '').map((name) => named.get(name.toLowerCase()));
    if (found.includes(undefined)) context.addIssue({ code: 'custom', message: String(invalid) });
    return [...new Set(found as N[])];
  });
};

const configuration = <N extends WebhookEvent>(events: readonly N[]) => ({
  PreWebhookUrl: webUrlOrNone.optional(), PostWebhookUrl: webUrlOrNone.optional(), Filters: eventNames(events).optional(),
  Method: method.transform((name) => name.toUpperCase()).optional(),
});
type Configuration = z.output<z.ZodObject<ReturnType<typeof configuration>>> & { Target?: string | undefined };

/** Columns of `webhook_configuration`; what was not given is absent. */
const columnsOf = (p: Configuration) => given({
  pre_webhook_url: p.PreWebhookUrl, post_webhook_url: p.PostWebhookUrl, filters: p.Filters as string[] | undefined, method: p.Method,
  target: p.Target,
});
export const updateGlobalWebhooks = z
  .object({ ...configuration(globalEvents), Target: oneOf(['webhook', 'flex'], 20001).optional() }).transform(columnsOf);
export const updateServiceWebhooks = z.object(configuration(serviceEvents)).transform(columnsOf);
export type WebhookSettings = z.output<typeof updateGlobalWebhooks>;

/** More than five is a fault of its own. */
const triggers = z.array(z.string()).transform((given) => given.filter((keyword) => keyword !== ''))
  .superRefine((keywords, context) => {
    const code = keywords.length > TRIGGERS_MAX ? 50362 : keywords.some((keyword) => keyword.length > TRIGGER_CHARS_MAX) ? 50366 : undefined;
    if (code !== undefined) context.addIssue({ code: 'custom', message: String(code) });
  });

const scoped = {
  'Configuration.Url': webUrl.optional(),
  'Configuration.Method': method.optional(),
  'Configuration.Filters': eventNames(conversationEvents).optional(),
  'Configuration.Triggers': triggers.optional(),
  'Configuration.FlowSid': z.string().regex(/^FW[0-9a-fA-F]{32}$/, fault(50367)).optional(),
};
type Scoped = z.output<z.ZodObject<typeof scoped>>;

/** Columns of `conversation_webhook`; what was not given is absent. */
const scopedColumns = (p: Scoped) => given({
  url: p['Configuration.Url'], method: p['Configuration.Method'], filters: p['Configuration.Filters'] as string[] | undefined,
  triggers: p['Configuration.Triggers'], flow_sid: p['Configuration.FlowSid'],
});
export type ScopedTarget = 'webhook' | 'trigger' | 'studio';
export type ScopedSettings = {
  url?: string | null; method?: string | null; filters?: string[] | null; triggers?: string[] | null; flow_sid?: string | null;
};

/** What its target cannot do without. */
export function scopedFault(target: ScopedTarget, { url, filters, triggers: keywords, flow_sid }: ScopedSettings): ErrorCode | undefined {
  if (target === 'studio') return flow_sid ? undefined : 50367;
  if (!url) return 50369;
  if (target === 'webhook') return filters?.length ? undefined : 50370;
  return keywords?.length ? undefined : 50371;
}

export const createConversationWebhook = z
  .object({
    Target: z.string(fault(50368)).min(1, fault(50368)).pipe(oneOf(['webhook', 'trigger', 'studio'], 50364)),
    ...scoped,
    'Configuration.ReplayAfter': integer(0, INDEX_MAX, 20001).optional(),
  })
  .transform((p) => ({ target: p.Target, replay_after: p['Configuration.ReplayAfter'] ?? null, ...scopedColumns(p) }))
  .superRefine(({ target, ...settings }, context) => {
    const code = scopedFault(target, settings);
    if (code !== undefined) context.addIssue({ code: 'custom', message: String(code) });
  });
export type CreateConversationWebhook = z.output<typeof createConversationWebhook>;

export const updateConversationWebhook = z.object(scoped).transform(scopedColumns);
