/**
 * Twilio's Messaging webhooks: inbound messages and status callbacks of SMS and of WhatsApp through Twilio (channel facts,
 * 1.1). Parameters are added without notice: what is not named here is ignored, as are statuses nobody knows yet.
 */
import { ADDRESS_CHARS_MAX } from '@parley/domain/address';
import { isSid } from '@parley/domain/sid';
import type { CarrierChannel, DeliveryReceipt, InboundEvent, InboundMessage } from '../inbound-event.js';
import { meaningOf, nameOf } from '../inbound-values.js';
import { UNKNOWN_ERROR } from '../send-error.js';
import { isTransient, OUTSIDE_WINDOW } from './errors.js';
import { placeText, whatsappAttributes } from './whatsapp-fields.js';

const MEDIA_MAX = 10;
const GROUP_MAX = 10;
/** API reference 3.6: inbound bodies have 32 KB. */
const TEXT_CHARS_MAX = 32 * 1024;
const ERROR_CODE_MAX = 999_999;
const CARRIER_CODE_CHARS_MAX = 200;

const statuses: Record<string, DeliveryReceipt['status']> = {
  accepted: 'accepted', scheduled: 'accepted', queued: 'accepted', sending: 'accepted',
  sent: 'sent', delivered: 'delivered', read: 'read', failed: 'failed', canceled: 'failed', undelivered: 'undelivered',
};
const optOutTypes: Record<string, InboundMessage['kind']> = { STOP: 'opt_out', START: 'opt_in', HELP: 'help' };

const accountSid = /(?:^|&)AccountSid=(AC[0-9a-fA-F]{32})(?:&|$)/;

/** The account a webhook claims to come from: whose secret its signature has to be checked with. */
export const claimedAccount = (body: string): string | undefined => accountSid.exec(body)?.[1];

/** `keyword`: what a text on SMS is by itself. */
export function parseMessagingWebhook(form: URLSearchParams, sent: Sent, keyword: KeywordReader): InboundEvent[] {
  // No text column takes a NUL, and nobody means one.
  const value = (name: string) => form.get(name)?.replaceAll('\0', '') || undefined;
  const [providerMessageId, from, to] = [value('MessageSid') ?? value('SmsSid'), value('From'), value('To')];
  if (!isName(providerMessageId) || !isName(from) || !isName(to)) return [];
  const about = { channel: channelOf(from, to), from, to, providerMessageId };
  if (value('MessageStatus') === undefined) return [messageOf(value, about, keyword)];
  const status = meaningOf(statuses, value('MessageStatus'));
  return status ? [receiptOf(value, about, status, sent)] : [];
}

/** As our own address for its receipts says. */
type Sent = { deliveryId: string | null; group: boolean };
type Value = (name: string) => string | undefined;
type KeywordReader = (text: string | null) => Pick<InboundMessage, 'kind' | 'keywordAnswered'>;
type About = Pick<InboundMessage, 'channel' | 'from' | 'to' | 'providerMessageId'>;

function messageOf(value: Value, about: About, keyword: KeywordReader): InboundMessage {
  const text = (value('Body') ?? placeText(value))?.slice(0, TEXT_CHARS_MAX).toWellFormed() ?? null;
  const mediaCount = Math.min(Number(value('NumMedia') ?? 0) || 0, MEDIA_MAX);
  const media = Array.from({ length: mediaCount }, (_, i) => ({
    contentType: value(`MediaContentType${i}`) ?? 'application/octet-stream', url: value(`MediaUrl${i}`) ?? '',
  })).filter(({ url }) => url !== '');
  // Our simulator's.
  const group = Array.from({ length: GROUP_MAX }, (_, i) => value(`OtherRecipients${i}`)).filter(isName);
  const told = meaningOf(optOutTypes, value('OptOutType'));
  return {
    ...about,
    // Twilio says so when it took note already; otherwise keywords bind on SMS only, in a chat "stop" is just a word.
    ...(told ? { kind: told, keywordAnswered: true } : about.channel === 'sms' ? keyword(text) : { kind: 'message' }),
    text, media, ...(group.length > 0 && { group }), inReplyTo: value('OriginalRepliedMessageSid') ?? null,
    ...optional('externalUserId', nameOf(value('ExternalUserId')?.replace(/^whatsapp:/, ''))),
    ...optional('profileName', value('ProfileName')),
    ...optional('buttonPayload', value('ButtonPayload')),
    ...(about.channel === 'whatsapp' && whatsappAttributes(value)),
  };
}

function receiptOf(value: Value, about: About, status: DeliveryReceipt['status'], { deliveryId, group }: Sent): DeliveryReceipt {
  const given = Number(value('ErrorCode') ?? 0);
  const errorCode = Number.isInteger(given) && given <= ERROR_CODE_MAX ? given : UNKNOWN_ERROR;
  return {
    ...about, kind: 'status', text: null, media: [], inReplyTo: null, status,
    ...(errorCode > 0 && { errorCode, retryable: isTransient(errorCode), carrierCode: value('ErrorCode')!.slice(0, CARRIER_CODE_CHARS_MAX) }),
    ...(errorCode === OUTSIDE_WINDOW && { needsTemplate: true }),
    ...(deliveryId !== null && isSid(deliveryId, 'DY') && { deliveryId }), ...(group && { recipient: about.to }),
  };
}

const isName = (text: string | undefined): text is string => text !== undefined && text.length <= ADDRESS_CHARS_MAX;
const optional = <N extends string>(name: N, value: string | undefined) =>
  (value === undefined ? {} : { [name]: value }) as { [K in N]?: string };
const prefixed = ['whatsapp', 'messenger'] as const;
const channelOf = (from: string, to: string): CarrierChannel =>
  prefixed.find((channel) => from.startsWith(`${channel}:`) || to.startsWith(`${channel}:`)) ?? 'sms';
