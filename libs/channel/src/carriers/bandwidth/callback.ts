/** Bandwidth's callbacks: an array of events, of which one may come twice (channel facts, 1.5). */
import { faultOf } from '../../carrier-errors.js';
import type { DeliveryReceipt, InboundEvent } from '../../inbound-event.js';
import { listOf, meaningOf, nameOf, objectOf, referenceOf, textOf } from '../../inbound-values.js';
import { fileAt } from '../../sms/file-names.js';
import { keywordOf, type SmsSettings } from '../../sms/sms-settings.js';
import { bandwidthCodes, foundBeforeSending, isNetworkTrouble } from './errors.js';

const MEDIA_MAX = 10;
/** In the tag of a message to a group, after our reference. */
export const OF_GROUP = ' group';
const statuses: Readonly<Record<string, DeliveryReceipt['status']>> = {
  'message-sending': 'sent', 'message-sent': 'sent', 'message-delivered': 'delivered', 'message-read': 'read', 'message-failed': 'undelivered',
};

export function parseBandwidthCallback(body: string, settings: SmsSettings): InboundEvent[] {
  let events: unknown;
  try { events = JSON.parse(body); } catch { return []; }
  return listOf(events).map(objectOf).flatMap((event) => (event['type'] === 'message-received' ? inbound(event, settings) : receipt(event)));
}

function inbound(event: Record<string, unknown>, settings: SmsSettings): InboundEvent[] {
  const message = objectOf(event['message']);
  // Each of our numbers in a group is told by an event of its own.
  const [providerMessageId, from, to] = [nameOf(message['id']), nameOf(message['from']), nameOf(message['owner'] ?? event['to'])];
  if (providerMessageId === undefined || from === undefined || to === undefined) return [];
  const text = textOf(message['text']);
  const group = listOf(message['to']).map(nameOf).filter((number) => number !== undefined && number !== to && number !== from) as string[];
  const sentAt = nameOf(message['time']);
  return [{
    channel: 'sms', from, to, providerMessageId, ...keywordOf(text, settings), text, inReplyTo: null,
    media: listOf(message['media']).slice(0, MEDIA_MAX + 1).flatMap((url) => fileAt(url) ?? []),
    ...(sentAt !== undefined && { sentAt }), ...(group.length > 0 && { group }),
  }];
}

/** In a group there is one for each recipient. */
function receipt(event: Record<string, unknown>): InboundEvent[] {
  const message = objectOf(event['message']);
  const [providerMessageId, from, to] = [nameOf(message['id']), nameOf(message['from']), nameOf(event['to'] ?? listOf(message['to'])[0])];
  const word = meaningOf(statuses, nameOf(event['type']));
  if (providerMessageId === undefined || from === undefined || to === undefined || word === undefined) return [];
  const tag = nameOf(message['tag']);
  const group = tag?.endsWith(OF_GROUP) === true;
  const code = nameOf(event['errorCode']);
  const failed = word === 'undelivered';
  return [{
    channel: 'sms', from, to, providerMessageId, kind: 'status', text: null, media: [], inReplyTo: null,
    status: failed && foundBeforeSending(code) ? 'failed' : word,
    ...(failed && faultOf(bandwidthCodes, code, isNetworkTrouble(code) ? 'carrier_down' : 'unknown')), ...referenceOf(group ? tag.slice(0, -OF_GROUP.length) : tag), ...(group && { recipient: to }),
  }];
}
