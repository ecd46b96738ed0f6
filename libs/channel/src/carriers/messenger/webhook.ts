/**
 * Webhooks of Messenger (channel facts, section 4): entries of pages, each with what people did there. Deliveries name their
 * messages, reads only say up to when; echoes are what was written for the page, by us or by somebody else.
 */
import type { DeliveryReceipt, InboundEvent, InboundMedia, InboundMessage } from '../../inbound-event.js';
import { listOf, meaningOf, nameOf, objectOf, referenceOf, textOf } from '../../inbound-values.js';

type Json = Record<string, unknown>;
type Pages = { pages: readonly string[]; appId: string | undefined };
type About = { channel: 'messenger'; from: string; to: string };

const ECHO_REFERENCE = /^(DY[0-9a-f]{32})(\/\d+)?$/;
/** Latest time a Date can hold. */
const MILLIS_MAX = 8.64e15;
/** They name a kind, no type: what the bytes are is seen when they are fetched. */
const contentTypes: Readonly<Record<string, string>> = { image: 'image/jpeg', audio: 'audio/mp4', video: 'video/mp4' };

/** Throws nothing: it was signed, and what cannot be read in it no repetition would better. */
export function parseMessengerWebhook(body: Buffer, pages: Pages): InboundEvent[] {
  let payload: Json;
  try {
    payload = objectOf(JSON.parse(body.toString()));
  } catch {
    return [];
  }
  if (payload['object'] !== 'page') return [];
  return listOf(payload['entry']).map(objectOf).flatMap((entry) => listOf(entry['messaging']).map(objectOf).flatMap((item) => eventsOf(item, String(entry['id']), pages)));
}

function eventsOf(item: Json, page: string, { pages, appId }: Pages): InboundEvent[] {
  const [sender, recipient] = [nameOf(objectOf(item['sender'])['id']), nameOf(objectOf(item['recipient'])['id'])];
  // A page of the same app that this connection was not given: nothing of ours.
  if (!pages.includes(page) || sender === undefined || recipient === undefined) return [];
  const about: About = { channel: 'messenger', from: `messenger:${sender}`, to: `messenger:${recipient}` };
  const at = timeOf(item['timestamp']);
  if (item['message']) return messageOf(objectOf(item['message']), about, at, appId);
  if (item['postback']) return postbackOf(objectOf(item['postback']), about, at);
  if (item['reaction']) return reactionOf(objectOf(item['reaction']), about, at);
  // Reports come from the person; in ours the message goes from the page to them.
  const ours: About = { ...about, from: about.to, to: about.from };
  if (item['delivery']) return deliveredOf(objectOf(item['delivery']), ours);
  if (item['read']) return upTo(objectOf(item['read']), 'read', ours);
  return [];
}

function messageOf(message: Json, about: About, at: string | undefined, appId: string | undefined): InboundEvent[] {
  const id = nameOf(message['mid']);
  if (id === undefined) return [];
  if (message['is_echo'] === true) {
    const [, reference, part] = ECHO_REFERENCE.exec(textOf(message['metadata']) ?? '') ?? [];
    // Of several messages of one delivery the last speaks for all.
    if (part !== undefined) return [];
    const fromUs = reference !== undefined || (appId !== undefined && nameOf(message['app_id']) === appId);
    if (fromUs) return [{ ...about, kind: 'status', providerMessageId: id, text: null, media: [], inReplyTo: null, status: 'sent', ...referenceOf(reference) }];
  }
  const media = listOf(message['attachments']).map(objectOf).flatMap(mediaOf);
  const text = textOf(message['text']);
  const kind = message['is_echo'] === true ? 'echo' : text === null && media.length === 0 ? 'unsupported' : 'message';
  return [said(about, id, at, {
    kind, text, media, inReplyTo: nameOf(objectOf(message['reply_to'])['mid']) ?? null, ...payloadOf(objectOf(message['quick_reply'])['payload']),
  })];
}

/** A button of ours was tapped: its title is what the person said. */
function postbackOf(postback: Json, about: About, at: string | undefined): InboundEvent[] {
  const id = nameOf(postback['mid']) ?? `postback/${about.from}/${at}`;
  return [said(about, id, at, { kind: 'message', text: textOf(postback['title']) ?? textOf(postback['payload']), media: [], inReplyTo: null, ...payloadOf(postback['payload']) })];
}

/** `unreact` takes it away: text null. */
function reactionOf(reaction: Json, about: About, at: string | undefined): InboundEvent[] {
  const to = nameOf(reaction['mid']);
  if (to === undefined) return [];
  const text = reaction['action'] === 'unreact' ? null : textOf(reaction['emoji']) ?? textOf(reaction['reaction']);
  return [said(about, `${to.slice(0, 150)}/reaction/${at}`, at, { kind: 'reaction', text, media: [], inReplyTo: to })];
}

function deliveredOf(delivery: Json, about: About): InboundEvent[] {
  const ids = listOf(delivery['mids']).map(nameOf).filter((id) => id !== undefined);
  if (ids.length === 0) return upTo(delivery, 'delivered', about);
  return ids.map((providerMessageId) => ({ ...about, kind: 'status', providerMessageId, text: null, media: [], inReplyTo: null, status: 'delivered' }));
}

/** All that was sent to this person until then. */
function upTo({ watermark }: Json, status: DeliveryReceipt['status'], about: About): InboundEvent[] {
  const time = timeOf(watermark);
  if (time === undefined) return [];
  return [{ ...about, kind: 'status', providerMessageId: `${about.from}/${about.to.slice(0, 150)}/${time}`, text: null, media: [], inReplyTo: null, status, upTo: time }];
}

function mediaOf({ type, payload }: Json): InboundMedia[] {
  const url = textOf(objectOf(payload)['url']);
  if (url === null || !URL.canParse(url)) return [];
  return [{ contentType: meaningOf(contentTypes, String(type)) ?? 'application/octet-stream', url }];
}

const said = (about: About, providerMessageId: string, at: string | undefined, what: Pick<InboundMessage, 'kind' | 'text' | 'media' | 'inReplyTo' | 'buttonPayload'>): InboundMessage =>
  ({ ...about, providerMessageId, ...what, ...(at !== undefined && { sentAt: at }) });
const payloadOf = (payload: unknown) => {
  const text = textOf(payload);
  return text === null ? {} : { buttonPayload: text };
};
const timeOf = (millis: unknown): string | undefined =>
  typeof millis === 'number' && millis > 0 && millis < MILLIS_MAX ? new Date(millis).toISOString() : undefined;
