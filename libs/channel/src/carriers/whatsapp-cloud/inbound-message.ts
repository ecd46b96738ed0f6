/** One message of a person as the Cloud API reports it (channel facts, 2.5), in our form; what is WhatsApp's own goes to `attributes`. */
import { ADDRESS_CHARS_MAX } from '@parley/domain/address';
import type { InboundChange, InboundMedia, InboundMessage } from '../../inbound-event.js';

export type Json = Readonly<Record<string, unknown>>;
export type About = Pick<InboundMessage, 'channel' | 'from' | 'to' | 'providerMessageId'>;
/** Our number, and where its files are. */
export type Place = { sender: string; mediaUrl: (mediaId: string) => string };

/** API reference 3.6: inbound bodies have 32 KB. */
const TEXT_CHARS_MAX = 32 * 1024;
const FILENAME_CHARS_MAX = 255;
const NAME_CHARS_MAX = 256;
const PAYLOAD_CHARS_MAX = 512;
const DEPTH_MAX = 16;
/** What WhatsApp says beyond the text stays within what attributes hold (4 KB). */
const ATTRIBUTE_CHARS_MAX = 3_000;
const mediaTypes: ReadonlySet<string> = new Set(['image', 'audio', 'video', 'document', 'sticker']);

/** undefined: nothing in it that could be shown or done. */
export function messageOf(message: Json, contacts: Json[], place: Place, echo?: 'echo'): InboundMessage | InboundChange | undefined {
  const [id, type] = [text(message['id']), text(message['type']) ?? 'unknown'];
  const person = echo ? personOf(text(message['to']), text(message['to_user_id'])) : personOf(text(message['from']), text(message['from_user_id']));
  if (id === undefined || id.length > ADDRESS_CHARS_MAX || person === undefined) return undefined;
  const about: About = { channel: 'whatsapp', providerMessageId: id, ...(echo ? { from: place.sender, to: person } : { from: person, to: place.sender }) };
  const change = changeOf(type, message, about);
  if (change) return change;

  const said = contentOf(type, message, place);
  const contact = contacts.find((one) => text(one['user_id']) === text(message['from_user_id']) || text(one['wa_id']) === text(message['from'])) ?? contacts[0] ?? {};
  const context = record(message['context']);
  const inReplyTo = type === 'reaction' ? text(record(message['reaction'])['message_id']) : text(context['id']);
  const profile = record(contact['profile']);
  const more = bounded({
    ...said.attributes, ...pick(context, 'forwarded', 'frequently_forwarded', 'referred_product'), ...pick(message, 'referral'),
    ...renamed('groupId', message['group_id']), ...optional('parentUserId', echo ? undefined : nameOf(message['from_parent_user_id'])), ...optional('username', text(profile['username'], NAME_CHARS_MAX)),
  });
  const seconds = Number(text(message['timestamp']));
  return {
    ...about, kind: echo ?? said.kind ?? 'message', text: text(said.text) ?? null, media: said.media ?? [], inReplyTo: inReplyTo ?? null,
    ...(Object.keys(more).length > 0 && { attributes: { whatsapp: more } }),
    ...optional('externalUserId', echo ? undefined : nameOf(message['from_user_id']) ?? nameOf(contact['user_id'])),
    ...optional('profileName', text(profile['name'], NAME_CHARS_MAX)), ...optional('buttonPayload', text(said.payload, PAYLOAD_CHARS_MAX)),
    ...(seconds > 0 && seconds < 8e12 && { sentAt: new Date(seconds * 1000).toISOString() }),
  };
}

/** A phone number where there is one: people who go by a name may keep it to themselves. */
export const personOf = (phone: string | undefined, userId: string | undefined): string | undefined =>
  phone !== undefined && /^\d{5,15}$/.test(phone) ? `whatsapp:+${phone}` : nameOf(userId) === undefined ? undefined : `whatsapp:${userId}`;
/** A user id; longer ones than any that are documented are none. */
export function nameOf(value: unknown): string | undefined {
  const name = text(value);
  return name !== undefined && name !== '' && name.length <= 200 ? name : undefined;
}

function changeOf(type: string, message: Json, about: About): InboundChange | undefined {
  const detail = record(message[type]);
  const original = text(detail['original_message_id']);
  switch (type) {
    case 'edit': {
      const edited = record(detail['message']);
      const kind = text(edited['type']) ?? 'text';
      return original === undefined ? undefined
        : { ...about, kind: 'edit', editedMessageId: original, text: text(record(edited[kind])[kind === 'text' ? 'body' : 'caption']) ?? null };
    }
    case 'revoke': return original === undefined ? undefined : { ...about, kind: 'delete', deletedMessageId: original };
    case 'system': {
      const newAddress = personOf(text(detail['wa_id']), text(detail['user_id']));
      const moved = ['user_changed_number', 'user_changed_user_id'].includes(text(detail['type']) ?? '');
      return moved && newAddress !== undefined && newAddress !== about.from ? { ...about, kind: 'system', change: 'address_changed', newAddress }
        : { ...about, kind: 'ignore', reason: `system ${text(detail['type'], 64)}` };
    }
    case 'request_welcome': return { ...about, kind: 'ignore', reason: type };
    default: return undefined;
  }
}

type Said = { text: string | null; kind?: InboundMessage['kind']; media?: InboundMedia[]; attributes?: Json; payload?: string | undefined };

function contentOf(type: string, message: Json, place: Place): Said {
  const detail = record(message[type]);
  if (mediaTypes.has(type)) return { text: text(detail['caption']) ?? '', media: fileOf(detail, place), attributes: pick(detail, 'voice', 'animated') };
  switch (type) {
    case 'text': return { text: text(detail['body']) ?? '' };
    case 'location': {
      const { latitude, longitude } = detail;
      const point = `(${Number(latitude)},${Number(longitude)})`;
      return { text: [text(detail['name']), text(detail['address']), point].filter((line) => line !== undefined).join('\n'), attributes: { location: pick(detail, 'latitude', 'longitude', 'name', 'address', 'url') } };
    }
    case 'contacts': {
      const cards = records(message['contacts']);
      const line = (card: Json) => [text(record(card['name'])['formatted_name']), text(records(card['phones'])[0]?.['phone'])].filter((word) => word !== undefined).join(' ');
      return { text: cards.map(line).join('\n'), attributes: { contacts: cards } };
    }
    case 'button': return { text: text(detail['text']) ?? '', payload: text(detail['payload']) };
    case 'interactive': return answerOf(detail);
    case 'reaction': return { kind: 'reaction', text: text(detail['emoji']) ?? '', attributes: { reaction: { emoji: text(detail['emoji']) ?? '' } } };
    case 'order': {
      const items = records(detail['product_items']);
      const line = ({ quantity, product_retailer_id, item_price, currency }: Json) => `${Number(quantity)} × ${text(product_retailer_id) ?? '?'} (${Number(item_price)} ${text(currency) ?? ''})`;
      return { text: [`Order: ${items.map(line).join(', ')}`, text(detail['text'])].filter(Boolean).join('\n'), attributes: { order: detail } };
    }
    default: {
      const code = records(message['errors'])[0]?.['code'];
      return { kind: 'unsupported', text: null, attributes: { unsupported: { type: text(type, 64), ...(typeof code === 'number' && { errorCode: code }) } } };
    }
  }
}

/** What somebody tapped, or filled in. */
function answerOf(interactive: Json): Said {
  const kind = text(interactive['type']) ?? '';
  const reply = record(interactive[kind]);
  if (kind !== 'nfm_reply') return { text: text(reply['title']) ?? '', payload: text(reply['id']), ...(text(reply['description']) !== undefined && { attributes: { description: reply['description'] } }) };
  let flowResponse: unknown;
  try { flowResponse = JSON.parse(text(reply['response_json']) ?? ''); } catch { flowResponse = reply['response_json']; }
  return { text: text(reply['body']) ?? '', attributes: { flow: text(reply['name']), flowResponse } };
}

function fileOf(detail: Json, { mediaUrl }: Place): InboundMedia[] {
  const id = text(detail['id']);
  if (id === undefined) return [];
  // The name comes from a stranger: no path, nothing invisible.
  const filename = text(detail['filename'])?.split(/[/\\]/).at(-1)!.replaceAll(/\p{C}/gu, '').slice(0, FILENAME_CHARS_MAX).toWellFormed();
  return [{ contentType: text(detail['mime_type']) ?? 'application/octet-stream', providerMediaId: id, url: mediaUrl(id), ...(filename && { filename }) }];
}

/** Without NUL and half characters, which no text column takes. */
export const text = (value: unknown, charsMax = TEXT_CHARS_MAX): string | undefined =>
  typeof value === 'string' ? value.replaceAll('\0', '').slice(0, charsMax).toWellFormed() : undefined;
export const record = (value: unknown): Json => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {});
export const records = (value: unknown): Json[] => (Array.isArray(value) ? value.map(record) : []);
const optional = <N extends string>(name: N, value: string | undefined) => (value === undefined || value === '' ? {} : { [name]: value }) as { [K in N]?: string };
const renamed = (name: string, value: unknown) => (value === undefined ? {} : { [name]: value });
const pick = (from: Json, ...names: string[]): Json => Object.fromEntries(names.filter((name) => from[name] !== undefined).map((name) => [name, from[name]]));

/** The same with all its strings and names fit for the database, and no deeper than anybody writes. */
export function cleaned(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return text(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === DEPTH_MAX) return null;
  if (Array.isArray(value)) return value.map((member) => cleaned(member, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [text(name), cleaned(member, depth + 1)]));
}

/** What does not fit is left out, the largest first. */
function bounded(attributes: Json): Json {
  const clean = cleaned(attributes) as Record<string, unknown>;
  const size = (value: unknown) => JSON.stringify(value)?.length ?? 0;
  for (const [name] of Object.entries(clean).sort(([, a], [, b]) => size(b) - size(a))) {
    if (size(clean) <= ATTRIBUTE_CHARS_MAX) break;
    delete clean[name];
  }
  return clean;
}
