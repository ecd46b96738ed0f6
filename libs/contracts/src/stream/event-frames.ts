/** Events on the websocket `/v1/stream` (docs/websocket.md): what happened in a conversation, with the fields of the REST resources. */
import { z } from 'zod';
import { count, jsonInText, sidOf, state, textOrNull, time, timers } from '../rest/answer-fields.js';

const position = z.int().min(1).describe('Orders the events of a conversation; grows, with gaps. To be named when resuming.');
const version = z.int().min(1).describe('Counts what happened to the conversation, or with receipts to the message, without gaps.');
const recordedAt = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/).meta({ format: 'date-time' });
const common = { account_sid: sidOf('AC'), conversation_sid: sidOf('CH') };

const binding = z.strictObject({
  type: z.string(), address: textOrNull.optional(), proxy_address: textOrNull.optional(), projected_address: z.string().optional(),
}).nullable();
const media = z.array(z.strictObject({ sid: sidOf('ME'), size: count.nullable(), content_type: z.string(), filename: textOrNull })).nullable();
const horizon = { last_read_message_index: count.nullable(), last_read_timestamp: z.string().nullable() };

const data = {
  onConversationAdded: z.strictObject({
    ...common, sid: sidOf('CH'), chat_service_sid: sidOf('IS'), messaging_service_sid: textOrNull, friendly_name: textOrNull, unique_name: textOrNull,
    attributes: jsonInText, state, timers, date_created: time, date_updated: time,
  }),
  onConversationUpdated: z.strictObject({
    ...common, messaging_service_sid: textOrNull.optional(), friendly_name: textOrNull.optional(), unique_name: textOrNull.optional(),
    attributes: jsonInText.optional(), timers: timers.optional(), date_created: time.optional(), date_updated: time,
  }),
  onConversationStateUpdated: z.strictObject({
    ...common, state, state_from: state, state_to: state, reason: z.enum(['API', 'TIMER', 'EVENT']), date_updated: time,
  }),
  onConversationRemoved: z.strictObject({ ...common, date_removed: time }),
  onParticipantAdded: z.strictObject({
    ...common, sid: sidOf('MB'), identity: textOrNull, messaging_binding: binding, role_sid: sidOf('RL').nullable(), attributes: jsonInText,
    date_created: time, date_updated: time, ...horizon,
  }),
  onParticipantUpdated: z.strictObject({
    ...common, sid: sidOf('MB'), identity: textOrNull.optional(), messaging_binding: binding.optional(), role_sid: sidOf('RL').nullable().optional(),
    attributes: jsonInText.optional(), last_read_message_index: horizon.last_read_message_index.optional(), last_read_timestamp: horizon.last_read_timestamp.optional(),
    date_created: time.optional(), date_updated: time,
  }),
  onParticipantRemoved: z.strictObject({ ...common, sid: sidOf('MB'), date_removed: time }),
  onMessageAdded: z.strictObject({
    ...common, sid: sidOf('IM'), index: count, author: z.string(), body: textOrNull, media, attributes: jsonInText, participant_sid: sidOf('MB').nullable(),
    content_sid: sidOf('HX').nullable(), date_created: time, date_updated: time,
  }),
  onMessageUpdated: z.strictObject({
    ...common, sid: sidOf('IM'), index: count, author: z.string().optional(), body: textOrNull.optional(), attributes: jsonInText.optional(),
    participant_sid: sidOf('MB').nullable().optional(), date_created: time.optional(), date_updated: time,
  }),
  onMessageRemoved: z.strictObject({ ...common, sid: sidOf('IM'), index: count, date_removed: time }),
  onDeliveryUpdated: z.strictObject({
    ...common, sid: sidOf('DY'), message_sid: sidOf('IM'), participant_sid: sidOf('MB').nullable(), channel_message_sid: textOrNull,
    status: z.enum(['sent', 'delivered', 'read', 'failed', 'undelivered']), error_code: count, date_updated: time,
  }),
};

const frameOf = (name: string, of: z.ZodType): z.ZodType =>
  z.strictObject({ type: z.literal('event'), conversation: sidOf('CH'), position, version, time: recordedAt, event: z.literal(name), data: of });

export type EventName = keyof typeof data;
export type EventFrame = { [Name in EventName]:
  { type: 'event'; conversation: string; position: number; version: number; time: string; event: Name; data: z.output<(typeof data)[Name]> } }[EventName];
/** By the event's name. */
export const eventFrames = Object.fromEntries(Object.entries(data).map(([name, of]) => [name, frameOf(name, of)])) as Readonly<Record<EventName, z.ZodType>>;
