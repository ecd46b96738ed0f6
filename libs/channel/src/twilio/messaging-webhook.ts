/**
 * Twilio's Messaging webhooks: inbound messages and status callbacks of SMS and of WhatsApp through Twilio (channel facts,
 * 1.1). Parameters are added without notice: what is not named here is ignored, as are statuses nobody knows yet.
 */
import { isSid } from '@parley/domain/sid';
import type { CarrierChannel, DeliveryReceipt, InboundEvent, InboundMessage } from '../inbound-event.js';
import { keywordKind } from '../opt-out.js';
import { isTransient, OUTSIDE_WINDOW } from './errors.js';

const MEDIA_MAX = 10;

const statuses: Record<string, DeliveryReceipt['status']> = {
  accepted: 'accepted', scheduled: 'accepted', queued: 'accepted', sending: 'accepted',
  sent: 'sent', delivered: 'delivered', read: 'read', failed: 'failed', canceled: 'failed', undelivered: 'undelivered',
};
const optOutTypes: Record<string, InboundMessage['kind']> = { STOP: 'opt_out', START: 'opt_in', HELP: 'help' };

/** The account at Twilio a webhook claims to come from: whose secret its signature has to be checked with. */
export const accountSidOf = (body: string): string => new URLSearchParams(body).get('AccountSid') ?? '';

export function parseMessagingWebhook(form: URLSearchParams, deliveryId: string | null): InboundEvent[] {
  // No text column takes a NUL, and nobody means one.
  const value = (name: string) => form.get(name)?.replaceAll('\0', '') || undefined;
  const providerMessageId = value('MessageSid') ?? value('SmsSid');
  const from = value('From');
  const to = value('To');
  if (providerMessageId === undefined || from === undefined || to === undefined) return [];
  const about = { channel: channelOf(from, to), from, to, providerMessageId };
  return value('MessageStatus') === undefined
    ? [{ ...about, ...messageOf(value, about.channel) }]
    : receiptOf(value).map((receipt) => ({ ...about, ...receipt, ...referenceOf(deliveryId) }));
}

type Value = (name: string) => string | undefined;

function messageOf(value: Value, channel: CarrierChannel) {
  const text = value('Body') ?? null;
  const mediaCount = Math.min(Number(value('NumMedia') ?? 0) || 0, MEDIA_MAX);
  const media = Array.from({ length: mediaCount }, (_, i) => ({
    contentType: value(`MediaContentType${i}`) ?? 'application/octet-stream', url: value(`MediaUrl${i}`) ?? '',
  })).filter(({ url }) => url !== '');
  return {
    // Twilio says so when it took note already; otherwise keywords bind on SMS only, in a chat "stop" is just a word.
    kind: optOutTypes[value('OptOutType') ?? ''] ?? (channel === 'sms' ? keywordKind(text) : 'message'),
    text, media, inReplyTo: value('OriginalRepliedMessageSid') ?? null,
    ...optional('externalUserId', value('ExternalUserId')?.replace(/^whatsapp:/, '')),
    ...optional('profileName', value('ProfileName')),
    ...optional('buttonPayload', value('ButtonPayload')),
  } as const;
}

function receiptOf(value: Value) {
  const status = statuses[value('MessageStatus') ?? ''];
  if (!status) return [];
  const errorCode = Number(value('ErrorCode') ?? 0);
  const error = errorCode > 0 && {
    errorCode, retryable: isTransient(errorCode), ...(errorCode === OUTSIDE_WINDOW && { needsTemplate: true as const }),
  };
  return [{ kind: 'status', text: null, media: [], inReplyTo: null, status, ...error }] as const;
}

const optional = <N extends string>(name: N, value: string | undefined) =>
  (value === undefined ? {} : { [name]: value }) as { [K in N]?: string };
const referenceOf = (deliveryId: string | null) =>
  deliveryId !== null && isSid(deliveryId, 'DY') ? { deliveryId } : {};
const channelOf = (from: string, to: string): CarrierChannel =>
  from.startsWith('whatsapp:') || to.startsWith('whatsapp:') ? 'whatsapp' : 'sms';
