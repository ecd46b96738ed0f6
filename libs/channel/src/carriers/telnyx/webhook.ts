/** Telnyx's webhooks: what people wrote, and what became of each recipient of a message of ours (channel facts, 1.3). */
import { faultOf } from '../../carrier-errors.js';
import type { DeliveryReceipt, InboundEvent, InboundMedia } from '../../inbound-event.js';
import { listOf, meaningOf, nameOf, objectOf, referenceOf, textOf } from '../../inbound-values.js';
import { keywordOf, STOP_AND_START, type SmsSettings } from '../../sms/sms-settings.js';
import { telnyxCodes } from './errors.js';

const MEDIA_MAX = 10;
const statuses: Readonly<Record<string, DeliveryReceipt['status']>> = {
  queued: 'accepted', sending: 'accepted', sent: 'sent', delivery_unconfirmed: 'sent', delivered: 'delivered',
  sending_failed: 'failed', expired: 'undelivered', delivery_failed: 'undelivered',
};

export function parseTelnyxWebhook(webhook: Record<string, unknown>, sent: Sent, settings: SmsSettings): InboundEvent[] {
  const payload = objectOf(objectOf(webhook['data'])['payload']);
  const providerMessageId = nameOf(payload['id']);
  const from = nameOf(objectOf(payload['from'])['phone_number']);
  if (providerMessageId === undefined || from === undefined) return [];
  const message = { payload, providerMessageId, from };
  if (payload['direction'] === 'inbound') return inbound(message, settings);
  return payload['direction'] === 'outbound' ? receipts(message, sent) : [];
}

/** As our own address for its receipts says. */
type Sent = { deliveryId: string | null; group: boolean };
type Message = { payload: Record<string, unknown>; providerMessageId: string; from: string };

function inbound({ payload, providerMessageId, from }: Message, settings: SmsSettings): InboundEvent[] {
  const people = [...listOf(payload['to']), ...listOf(payload['cc'])].map(objectOf);
  // Of several recipients the one that they brought to us is ours; of others they do not know.
  const ours = nameOf((people.find(({ status }) => status === 'webhook_delivered') ?? people[0])?.['phone_number']);
  if (ours === undefined) return [];
  const group = people.map(({ phone_number }) => nameOf(phone_number)).filter((number) => number !== undefined && number !== ours && number !== from) as string[];
  const text = textOf(payload['text']) ?? textOf(payload['subject']);
  const sentAt = nameOf(payload['received_at']);
  return [{
    channel: 'sms', from, to: ours, providerMessageId, ...keywordOf(text, settings, STOP_AND_START), text, inReplyTo: null,
    media: listOf(payload['media']).slice(0, MEDIA_MAX).map(objectOf).flatMap(mediaOf),
    ...(sentAt !== undefined && { sentAt }), ...(group.length > 0 && { group }),
  }];
}

function mediaOf({ url, content_type, size }: Record<string, unknown>): InboundMedia[] {
  if (typeof url !== 'string' || url === '' || content_type === 'application/smil') return [];
  return [{ url, contentType: nameOf(content_type) ?? 'application/octet-stream', ...(typeof size === 'number' && { bytes: size }) }];
}

/** One for each recipient; of a group most handsets never report. */
function receipts({ payload, providerMessageId, from }: Message, { deliveryId, group }: Sent): InboundEvent[] {
  const carrierCode = nameOf(objectOf(listOf(payload['errors'])[0])['code']);
  return [...listOf(payload['to']), ...listOf(payload['cc'])].map(objectOf).flatMap(({ phone_number, status: word }): DeliveryReceipt[] => {
    const to = nameOf(phone_number);
    const status = meaningOf(statuses, nameOf(word));
    if (to === undefined || status === undefined) return [];
    const failed = status === 'failed' || status === 'undelivered';
    return [{
      channel: 'sms', from, to, providerMessageId, kind: 'status', text: null, media: [], inReplyTo: null, status,
      ...(failed && faultOf(telnyxCodes, carrierCode, word === 'expired' ? 'expired' : 'unknown')), ...referenceOf(deliveryId), ...(group && { recipient: to }),
    }];
  });
}
