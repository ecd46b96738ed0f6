/** Answers on connections, senders, messaging services, refusals and queues. */
import { z } from 'zod';
import { count, sidOf, textOrNull, time, urlOf } from './answer-fields.js';

const dates = { date_created: time, date_updated: time };
const object = z.record(z.string(), z.unknown());
const field = z.strictObject({ name: z.string(), required: z.boolean(), description: textOrNull });

export const carrierAnswer = z.strictObject({
  name: z.string(), title: z.string(), channels: z.array(z.string()).min(1), rate: z.number().nullable(), credentials: z.array(field), settings: z.array(field),
});
export const carriersAnswer = z.strictObject({ carriers: z.array(carrierAnswer) });
export const connectionAnswer = z.strictObject({
  sid: sidOf('CX'), account_sid: sidOf('AC'), carrier: z.string(), friendly_name: textOrNull, settings: object,
  webhook_url: z.url().meta({ description: 'What the carrier is told to call.' }), ...dates, url: urlOf('account', 'CarrierConnections/{CX}'),
});
export const senderAnswer = z.strictObject({
  sid: sidOf('XE'), account_sid: sidOf('AC'), connection_sid: sidOf('CX'), carrier: z.string(), channel: z.string(), address: z.string(),
  rate: z.number().nullable(), daily_cap: count.nullable(), capabilities: z.array(z.string()).nullable(), policy: object, state: object, ...dates, url: urlOf('account', 'Senders/{XE}'),
});
export const messagingServiceAnswer = z.strictObject({
  sid: sidOf('MG'), account_sid: sidOf('AC'), friendly_name: z.string(), sticky_sender: z.boolean(), ...dates, url: urlOf('account', 'MessagingServices/{MG}'),
  links: z.strictObject({ senders: urlOf('account', 'MessagingServices/{MG}/Senders') }),
});
export const poolSenderAnswer = z.strictObject({
  sid: sidOf('XE'), account_sid: sidOf('AC'), service_sid: sidOf('MG'), channel: z.string(), address: z.string(), place: count, date_created: time,
  url: urlOf('account', 'MessagingServices/{MG}/Senders/{XE}'),
});
export const optOutAnswer = z.strictObject({
  sid: sidOf('XO'), account_sid: sidOf('AC'), channel: z.string(), sender: z.string(), recipient: z.string(),
  reason: z.string().meta({ description: 'keyword, agent, bounce, complaint, unsubscribe; marketing: of marketing templates on WhatsApp alone.' }), date_created: time, url: urlOf('account', 'OptOuts/{XO}'),
});
export const queuesAnswer = z.strictObject({
  queues: z.array(z.strictObject({ channel: z.string(), sender: z.string(), depth: count, oldest_seconds: count, held: count, exact: z.boolean() })),
});
export const deadLetterAnswer = z.strictObject({
  sid: sidOf('DY'), account_sid: sidOf('AC'), conversation_sid: z.string(), message_sid: z.string(), channel: z.string(), sender: z.string(), attempts: count,
  error_code: count, date_failed: time, url: urlOf('account', 'Queues/DeadLetters/{DY}'),
});
export const deadLettersAnswer = z.strictObject({ dead_letters: z.array(deadLetterAnswer) });
export const replayAnswer = z.strictObject({ sid: sidOf('DY'), status: z.literal('queued') });
const attemptAnswer = z.strictObject({
  attempt: count, way: count.meta({ description: 'Which of its ways, from 0 (docs/routing.md).' }), channel: textOrNull, sender: textOrNull, recipient: textOrNull, outcome: textOrNull,
  error_code: count.nullable(), carrier_code: textOrNull.meta({ description: 'As the carrier wrote it.' }), date_started: time, date_ended: time.nullable(),
});
export const deliveryAnswer = z.strictObject({
  sid: sidOf('DY'), account_sid: sidOf('AC'), conversation_sid: sidOf('CH').nullable(), message_sid: z.string(), participant_sid: z.string(), channel: z.string(), sender: z.string(),
  recipient: z.string(), status: z.enum(['queued', 'sending', 'unknown', 'accepted', 'sent', 'delivered', 'read', 'failed', 'undelivered', 'cancelled']), error_code: count,
  carrier_message_ids: z.array(z.string()), date_due: time, date_deadline: time, ...dates, url: urlOf('account', 'Queues/Deliveries/{DY}'), attempts: z.array(attemptAnswer),
});
export const deliveriesAnswer = z.strictObject({ deliveries: z.array(deliveryAnswer).max(100) });
