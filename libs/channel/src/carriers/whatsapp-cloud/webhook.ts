/**
 * Webhooks of the Cloud API (channel facts, 2.4 to 2.6): one carries many changes, of several numbers, in no order. Fields,
 * types and statuses nobody knows yet are no errors: messages show as unsupported, everything else is passed over.
 */
import { createHash } from 'node:crypto';
import { ADDRESS_CHARS_MAX } from '@parley/domain/address';
import { isSid } from '@parley/domain/sid';
import type { DeliveryReceipt, InboundChange, InboundEvent } from '../../inbound-event.js';
import type { CloudSettings } from './definition.js';
import { statusFailure } from './errors.js';
import { cleaned, messageOf, nameOf, personOf, record, records, text, type About, type Json, type Place } from './inbound-message.js';

const statuses: Readonly<Record<string, DeliveryReceipt['status']>> = {
  // A voice note that was listened to was read.
  sent: 'sent', delivered: 'delivered', read: 'read', played: 'read', failed: 'failed',
};
/** What they say about our own numbers and templates; shown with the sender. */
const stateFields: ReadonlySet<string> = new Set([
  'phone_number_quality_update', 'phone_number_name_update', 'message_template_status_update', 'message_template_quality_update',
  'account_update', 'account_alerts', 'business_capability_update',
]);

export function parseCloudWebhook(body: Buffer, settings: CloudSettings): InboundEvent[] {
  let payload: Json;
  try {
    payload = record(JSON.parse(body.toString()));
  } catch {
    return []; // Signed, so it is theirs; nothing we could read in it, and nothing a repetition would better.
  }
  return records(payload['entry']).flatMap((entry) => records(entry['changes']).flatMap((change) => changeOf(text(change['field']) ?? '', record(change['value']), entry, settings)));
}

function changeOf(field: string, value: Json, entry: Json, settings: CloudSettings): InboundEvent[] {
  const place = placeOf(value, settings);
  if (place) {
    const contacts = records(value['contacts']);
    const events = [
      ...records(value['messages']).map((message) => messageOf(message, contacts, place)),
      ...records(value['message_echoes']).map((message) => messageOf(message, [], place, 'echo')),
      ...records(value['statuses']).map((status) => receiptOf(status, place)),
    ].filter((event) => event !== undefined);
    if (field === 'messages' || events.length > 0) return events;
  }
  if (field === 'user_id_update') {
    const { user_id_update: updates = value } = value;
    return records(Array.isArray(updates) ? updates : [updates]).flatMap((update) => userIdOf(update, place, settings));
  }
  if (field === 'user_preferences') return place ? records(value['user_preferences']).flatMap((preference) => preferenceOf(preference, place)) : [];
  if (stateFields.has(field)) return stateOf(field, value, entry, settings);
  return [{ ...nowhere(place, settings), kind: 'ignore', providerMessageId: fingerprint(field, entry, value), reason: `field ${field.slice(0, 64).toWellFormed()}` }];
}

/** Which of our numbers it is about; undefined: of none of this connection. */
function placeOf(value: Json, { phone_numbers, baseUrl, api_version }: CloudSettings): Place | undefined {
  const id = text(record(value['metadata'])['phone_number_id']);
  const known = phone_numbers.find((number) => number.id === id);
  return known && { sender: `whatsapp:${known.number}`, mediaUrl: (file) => `${baseUrl}/${api_version}/${encodeURIComponent(file)}?phone_number_id=${known.id}` };
}

function receiptOf(status: Json, { sender }: Place): DeliveryReceipt | undefined {
  const [id, word] = [text(status['id']), text(status['status'])];
  const known = word === undefined || !Object.hasOwn(statuses, word) ? undefined : statuses[word];
  if (id === undefined || id.length > ADDRESS_CHARS_MAX || known === undefined) return undefined;
  // Of several messages of one delivery only the last carries our plain reference; the others are found by their own ids.
  const reference = text(status['biz_opaque_callback_data']) ?? '';
  const code = records(status['errors'])[0]?.['code'];
  const phone = text(status['recipient_id']);
  return {
    channel: 'whatsapp', kind: 'status', from: sender, to: phone === undefined ? `whatsapp:${text(status['recipient_user_id']) ?? ''}` : `whatsapp:+${phone}`,
    providerMessageId: id, text: null, media: [], inReplyTo: null, status: known,
    ...(isSid(reference, 'DY') && { deliveryId: reference }),
    ...(known === 'failed' && statusFailure(typeof code === 'number' ? code : -1)),
  };
}

/** A person's id became another: their number changed, or they are known by an id of its own from now on. */
function userIdOf(update: Json, place: Place | undefined, settings: CloudSettings): InboundChange[] {
  // With or without a frame around the pair: the facts leave that open.
  const { previous, current } = 'user_id' in update ? record(update['user_id']) : update;
  const [from, to] = [nameOf(previous), nameOf(current)];
  if (from === undefined || to === undefined || from === to) return [];
  return [{
    ...nowhere(place, settings), from: `whatsapp:${from}`, providerMessageId: `user_id_update/${from}/${to}`, kind: 'system', change: 'address_changed', newAddress: `whatsapp:${to}`,
  }];
}

/** `stop` and `resume` of marketing, tapped in WhatsApp itself; what other preferences there will be is not known. */
function preferenceOf(preference: Json, { sender }: Place): InboundChange[] {
  const [from, value] = [personOf(text(preference['wa_id']), text(preference['user_id'])), text(preference['value'])];
  if (from === undefined || preference['category'] !== 'marketing_messages' || (value !== 'stop' && value !== 'resume')) return [];
  return [{
    channel: 'whatsapp', from, to: sender, providerMessageId: `user_preferences/${from}/${value}/${Number(preference['timestamp']) || 0}`, kind: 'system', change: 'marketing', allowed: value === 'resume',
  }];
}

/** Reports that name a number are about that one, others about all of the connection. */
function stateOf(field: string, value: Json, entry: Json, { phone_numbers }: CloudSettings): InboundChange[] {
  const named = text(value['display_phone_number'])?.replaceAll(/\D/g, '');
  const id = fingerprint(field, entry, value);
  return phone_numbers.filter(({ number }) => named === undefined || number === `+${named}`).map(({ number }) => ({
    channel: 'whatsapp', kind: 'system', change: 'sender_state', from: `whatsapp:${number}`, to: `whatsapp:${number}`,
    providerMessageId: `${id}/${number}`, state: { [field]: cleaned(value) },
  }));
}

const nowhere = (place: Place | undefined, { phone_numbers }: CloudSettings): Omit<About, 'providerMessageId'> => {
  const sender = place?.sender ?? `whatsapp:${phone_numbers[0]!.number}`;
  return { channel: 'whatsapp', from: sender, to: sender };
};
const fingerprint = (field: string, { time }: Json, value: Json) =>
  `${field.slice(0, 64).toWellFormed()}/${createHash('sha256').update(JSON.stringify([time, cleaned(value)])).digest('hex').slice(0, 32)}`;
