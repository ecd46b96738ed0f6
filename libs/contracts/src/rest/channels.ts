/**
 * Parameters of what an account reaches people by: connections to carriers, senders, messaging services, refusals. Resources
 * of our own: nothing wire-compatible is to be kept to but the style. What only a carrier's definition can tell about
 * Credentials and Settings is checked by libs/delivery/src/connections.ts.
 */
import { ADDRESS_CHARS_MAX } from '@parley/domain/address';
import { z } from 'zod';
import { jsonObject } from './json-object.js';
import { clearable, fault, flag, given, integer, oneOf, parsed, sid, text } from './parameters.js';
import { senderPolicy } from './sender-policy.js';

const object = jsonObject(z.record(z.string(), z.unknown())).meta({ description: 'A JSON object.' });

const connection = {
  FriendlyName: clearable(64, 50003).optional(),
  Credentials: object.optional(),
  Settings: object.optional(),
};
export const createConnection = z.object({ ...connection, Carrier: text(32, 20001).min(1), Credentials: object.default({}) }).transform((p) =>
  ({ carrier: p.Carrier, friendlyName: p.FriendlyName ?? null, credentials: p.Credentials, settings: p.Settings ?? {} }));
export type CreateConnection = z.output<typeof createConnection>;
export const updateConnection = z.object(connection).transform((p) => given({ friendlyName: p.FriendlyName, credentials: p.Credentials, settings: p.Settings }));
export type UpdateConnection = z.output<typeof updateConnection>;

/** Whole or not, above zero; empty takes it away. */
const rate = parsed((value) => {
  if (value === '') return null;
  const number = /^\d{1,5}(\.\d{1,4})?$/.test(value) ? Number(value) : 0;
  return number > 0 ? number : undefined;
}, 20001).meta({ description: 'Messages a second, above zero; empty: as the carrier allows.' });
const cap = z.union([z.literal('').transform(() => null), integer(1, 100_000_000, 20001)], fault(20001));
const channels = ['sms', 'whatsapp', 'email', 'messenger'] as const;
/** What is told of numbers one by one; everything else is the carrier's. */
export const senderCapabilities = ['mms', 'group'] as const;
const capabilities = parsed((value): string[] | null | undefined => {
  if (value === '') return null;
  const named = value.split(',').map((each) => each.trim());
  return named.every((each) => each === 'none' ? named.length === 1 : (senderCapabilities as readonly string[]).includes(each)) ? named.filter((each) => each !== 'none') : undefined;
}, 20001).meta({ description: 'mms, group, both with a comma between, or none; empty: what the carrier can.' });
const policy = jsonObject(senderPolicy).meta({ description: 'JSON: opt_out (answers, stop, start, help), regions, recipient_rate (every_seconds, burst), email (copies, strangers), mark_read, typing (docs/senders.md).' });

const sender = { Rate: rate.optional(), DailyCap: cap.optional(), Capabilities: capabilities.optional(), Policy: policy.optional() };
type Sender = { Rate?: number | null | undefined; DailyCap?: number | null | undefined; Capabilities?: string[] | null | undefined; Policy?: z.output<typeof senderPolicy> | undefined };
const senderOf = (p: Sender) => ({ rate: p.Rate, dailyCap: p.DailyCap, capabilities: p.Capabilities, policy: p.Policy });
export const createSender = z.object({ ...sender, Address: text(ADDRESS_CHARS_MAX, 50408).min(1, fault(50412)), ConnectionSid: sid('CX', 20001) }).transform((p) =>
  ({ address: p.Address, connection: p.ConnectionSid, ...given(senderOf(p)) }));
export type CreateSender = z.output<typeof createSender>;
export const updateSender = z.object({ ...sender, ConnectionSid: sid('CX', 20001).optional() }).transform((p) => given({ connection: p.ConnectionSid, ...senderOf(p) }));
export type UpdateSender = z.output<typeof updateSender>;
export const listSenders = z.object({ Channel: oneOf(channels, 20001).optional() });
export type ListSenders = z.output<typeof listSenders>;

export const createMessagingService = z.object({ FriendlyName: text(64, 50003).min(1, fault(50000)), StickySender: flag(20001).default(true) })
  .transform((p) => ({ friendlyName: p.FriendlyName, sticky: p.StickySender }));
export type CreateMessagingService = z.output<typeof createMessagingService>;
export const updateMessagingService = z.object({ FriendlyName: text(64, 50003).min(1, fault(50000)).optional(), StickySender: flag(20001).optional() })
  .transform((p) => given({ friendlyName: p.FriendlyName, sticky: p.StickySender }));
export type UpdateMessagingService = z.output<typeof updateMessagingService>;
export const addPoolSender = z.object({ SenderSid: sid('XE', 20001), Place: integer(0, 100_000, 20001).optional() })
  .transform((p) => ({ sender: p.SenderSid, ...given({ place: p.Place }) }));
export type AddPoolSender = z.output<typeof addPoolSender>;

const address = text(ADDRESS_CHARS_MAX, 20001).min(1);
export const createOptOut = z.object({ Sender: address, Recipient: address }).transform((p) => ({ sender: p.Sender, recipient: p.Recipient }));
export type CreateOptOut = z.output<typeof createOptOut>;
export const listOptOuts = z.object({ Sender: address.optional(), Recipient: address.optional() });
export type ListOptOuts = z.output<typeof listOptOuts>;

/** Of one message, else what waits. */
export const listDeliveries = z.object({ MessageSid: sid('IM', 20001).optional(), Sender: address.optional() })
  .refine(({ MessageSid, Sender }) => MessageSid === undefined || Sender === undefined, { path: ['Sender'], ...fault(20001) });
export type ListDeliveries = z.output<typeof listDeliveries>;
