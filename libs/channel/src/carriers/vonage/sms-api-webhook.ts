/**
 * Webhooks of the older SMS API, for numbers that are still configured by it (channel facts, 1.2): long messages come in pieces,
 * each a webhook of its own, and parameters by JSON, form or query, as the account is set.
 */
import { faultOf } from '../../carrier-errors.js';
import type { RawWebhook } from '../../channel-adapter.js';
import type { DeliveryReceipt, InboundEvent } from '../../inbound-event.js';
import { jsonOf } from '../../http-call.js';
import { meaningOf, nameOf, referenceOf, textOf } from '../../inbound-values.js';
import { withPlus } from '../../sms/numbers.js';
import { keywordOf, type SmsSettings } from '../../sms/sms-settings.js';
import { receiptCodes } from './errors.js';

const statuses: Readonly<Record<string, DeliveryReceipt['status']>> = {
  buffered: 'accepted', accepted: 'sent', delivered: 'delivered', expired: 'undelivered', failed: 'undelivered', rejected: 'failed',
};

export function parametersOf({ method, url, headers, body }: RawWebhook): Record<string, string> {
  if (method === 'GET') return Object.fromEntries(new URL(url).searchParams);
  if (!String(headers['content-type']).includes('json')) return Object.fromEntries(new URLSearchParams(body.toString()));
  return Object.fromEntries(Object.entries(jsonOf({ text: body.toString() })).map(([name, value]) => [name, String(value)]));
}

export function parseSmsApiWebhook(parameters: Readonly<Record<string, string>>, settings: SmsSettings): InboundEvent[] {
  const [providerMessageId, person, to] = ['messageId', 'msisdn', 'to'].map((name) => nameOf(parameters[name]));
  if (providerMessageId === undefined || person === undefined || to === undefined) return [];
  const about = { channel: 'sms' as const, from: withPlus(person), to: withPlus(to), providerMessageId };
  if (parameters['status'] !== undefined) return receipt({ ...about, from: about.to, to: about.from }, parameters);
  if (parameters['type'] === 'binary') return [{ ...about, kind: 'ignore', reason: 'a binary SMS' }];
  const [reference, total, number] = [nameOf(parameters['concat-ref']), Number(parameters['concat-total']), Number(parameters['concat-part'])];
  if (parameters['concat'] === 'true' && reference !== undefined && number >= 1 && number <= total && total <= 255) {
    // UTF-16 keeps half of a character that was cut in two.
    const bytes = Buffer.from(parameters['text'] ?? '', 'utf16le').swap16().toString('base64');
    return [{ ...about, kind: 'part', part: { reference, number, total, bytes, encoding: 'ucs2' } }];
  }
  const text = textOf(parameters['text']);
  return [{ ...about, ...keywordOf(text, settings), text, media: [], inReplyTo: null }];
}

function receipt(about: Pick<DeliveryReceipt, 'channel' | 'from' | 'to' | 'providerMessageId'>, parameters: Readonly<Record<string, string>>): InboundEvent[] {
  const status = meaningOf(statuses, parameters['status']);
  if (status === undefined) return [];
  const failed = status === 'failed' || status === 'undelivered';
  return [{
    ...about, kind: 'status', text: null, media: [], inReplyTo: null, status,
    ...(failed && faultOf(receiptCodes, parameters['err-code'], parameters['status'] === 'expired' ? 'expired' : 'unknown')), ...referenceOf(parameters['client-ref']),
  }];
}
