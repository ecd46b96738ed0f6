/**
 * Routing policies: how messages of an account, or of one conversation, reach people outside the chat. A resource of our own;
 * what the parts mean is said beside the decision, libs/domain/src/delivery/routing.ts, and in docs/routing.md.
 */
import { ADDRESS_CHARS_MAX, channelOfProxy } from '@parley/domain/address';
import { isTimeZone } from '@parley/domain/delivery/quiet-hours';
import { fallbackReasons, type RoutingPolicy } from '@parley/domain/delivery/routing';
import { isSid } from '@parley/domain/sid';
import { z } from 'zod';
import { sidOf, time, urlOf } from './answer-fields.js';
import { jsonObject } from './json-object.js';
import { sid } from './parameters.js';

const WAYS_MAX = 5;
const REGIONS_MAX = 250;

const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'HH:MM, from 00:00 to 23:59');
const beginnings = z.array(z.string().regex(/^\+[1-9]\d{0,6}$/, 'the beginning of a number, as +1 or +4930')).min(1).max(REGIONS_MAX);
const channels = z.array(z.enum(['sms', 'whatsapp', 'email', 'messenger'])).min(1);
const way = z.strictObject({
  template: z.string().refine((value) => isSid(value, 'HX'), 'no SID of a content template: HX and 32 hex digits').optional(),
  sender: z.string().max(ADDRESS_CHARS_MAX).refine((value) => channelOfProxy(value) !== undefined, 'no address of any channel').optional(),
}).refine(({ template, sender }) => template !== undefined || sender !== undefined, 'neither template nor sender');

export const routingPolicy = z.strictObject({
  fallback: z.strictObject({ on: z.array(z.enum(fallbackReasons)).min(1).optional(), ways: z.array(way).min(1).max(WAYS_MAX) }).optional(),
  quiet_hours: z.strictObject({ start: clock, end: clock, time_zone: z.string().max(64).refine(isTimeZone, 'no time zone, as Europe/Berlin'), channels: channels.optional() })
    .refine(({ start, end }) => start !== end, 'start and end are the same').optional(),
  regions: z.strictObject({ allow: beginnings.optional(), deny: beginnings.optional() }).optional(),
  media: z.enum(['link', 'refuse']).optional(),
  author_name: z.enum(['never', 'group', 'always']).optional(),
  long_text: z.enum(['refuse', 'split']).optional(),
});

const policy = jsonObject(routingPolicy).transform((read) => read as RoutingPolicy)
  .meta({ description: 'JSON: fallback, quiet_hours, regions, media, author_name, long_text (docs/routing.md).' });

export const createRoutingPolicy = z.object({ ConversationSid: sid('CH', 20001).optional(), Policy: policy })
  .transform((p) => ({ conversation: p.ConversationSid, policy: p.Policy }));
export type CreateRoutingPolicy = z.output<typeof createRoutingPolicy>;
export const updateRoutingPolicy = z.object({ Policy: policy }).transform((p) => ({ policy: p.Policy }));
export type UpdateRoutingPolicy = z.output<typeof updateRoutingPolicy>;
export const listRoutingPolicies = z.object({ ConversationSid: sid('CH', 20001).optional() });
export type ListRoutingPolicies = z.output<typeof listRoutingPolicies>;

export const routingPolicyAnswer = z.strictObject({
  sid: sidOf('RP'), account_sid: sidOf('AC'), conversation_sid: sidOf('CH').nullable().meta({ description: 'null: of every conversation of the account.' }),
  policy: routingPolicy, date_created: time, date_updated: time, url: urlOf('account', 'RoutingPolicies/{RP}'),
});
