/** Mailgun's event webhooks: what became of our mails. */
import { isSid } from '@parley/domain/sid';
import type { DeliveryReceipt } from '../../inbound-event.js';
import { meaningOf, nameOf } from '../../inbound-values.js';
import { failureOf, statusIn, SUPPRESSED } from '../../email/mail-codes.js';

type EventData = {
  event?: unknown; severity?: unknown; reason?: unknown; recipient?: unknown; message?: { headers?: { 'message-id'?: unknown } };
  reject?: { reason?: unknown; description?: unknown };
  'user-variables'?: { parley_delivery?: unknown }; 'delivery-status'?: { code?: unknown; message?: unknown; description?: unknown; 'enhanced-code'?: unknown };
};
const statuses: Record<string, DeliveryReceipt['status']> = {
  accepted: 'accepted', delivered: 'delivered', opened: 'read', complained: 'delivered', unsubscribed: 'delivered', rejected: 'failed',
};
const suppressions: Record<string, DeliveryReceipt['suppress']> = { complained: 'complaint', unsubscribed: 'unsubscribe' };
const CODE_CHARS_MAX = 200;

export function eventOf(data: unknown, domain: string): DeliveryReceipt[] {
  const said = (typeof data === 'object' && data !== null ? data : {}) as EventData;
  const [event, recipient, id] = [text(said.event), nameOf(said.recipient), nameOf(said.message?.headers?.['message-id'])];
  const status = event === 'failed' ? (said.severity === 'temporary' ? 'sent' : suppressed(said) ? 'failed' : 'undelivered') : meaningOf(statuses, event);
  if (!status || !recipient || !id) return [];
  const deliveryId = text(said['user-variables']?.parley_delivery);
  const suppress = meaningOf(suppressions, event);
  return [{
    channel: 'email', kind: 'status', from: recipient, to: domain, providerMessageId: id.replace(/^<|>$/g, ''), text: null, media: [], inReplyTo: null,
    status, ...(deliveryId && isSid(deliveryId, 'DY') && { deliveryId }), ...(suppress && { suppress }),
    ...((status === 'undelivered' || status === 'failed') && failure(said)),
  }];
}

/** Mailgun did not even try: it bounced, complained or unsubscribed before. */
const suppressed = ({ reason }: EventData) => typeof reason === 'string' && reason.startsWith('suppress-');

function failure(said: EventData): Partial<DeliveryReceipt> {
  if (suppressed(said)) return { errorCode: SUPPRESSED, retryable: false, carrierCode: said.reason as string };
  const { code, message, description, 'enhanced-code': enhanced } = said['delivery-status'] ?? {};
  const words = text(message) ?? text(description) ?? [text(said.reject?.reason), text(said.reject?.description)].filter(Boolean).join(': ');
  const status = statusIn(text(enhanced) ?? '') ?? statusIn(words);
  const { errorCode, retryable, dead } = failureOf(status, typeof code === 'number' ? code : undefined);
  const carrierCode = [status ?? code, words].filter(Boolean).join(' ').slice(0, CODE_CHARS_MAX);
  return { errorCode, retryable, ...(carrierCode && { carrierCode }), ...(dead && { suppress: 'bounce' as const }) };
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value.replaceAll('\0', '').toWellFormed() : undefined);
