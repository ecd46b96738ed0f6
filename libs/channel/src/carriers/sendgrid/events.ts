/** SendGrid's event webhook: what became of our mails, several at once. */
import { isSid } from '@parley/domain/sid';
import type { DeliveryReceipt } from '../../inbound-event.js';
import { meaningOf, nameOf } from '../../inbound-values.js';
import { failureOf, SUPPRESSED, statusIn } from '../../email/mail-codes.js';

type Event = { event?: unknown; email?: unknown; sg_message_id?: unknown; parley_delivery?: unknown; reason?: unknown; status?: unknown; type?: unknown; sg_machine_open?: unknown };

const statuses: Record<string, DeliveryReceipt['status']> = {
  processed: 'sent', deferred: 'sent', delivered: 'delivered', open: 'read', bounce: 'undelivered', dropped: 'failed',
  spamreport: 'delivered', unsubscribe: 'delivered', group_unsubscribe: 'delivered',
};
const suppressions: Record<string, DeliveryReceipt['suppress']> = { spamreport: 'complaint', unsubscribe: 'unsubscribe', group_unsubscribe: 'unsubscribe' };
const suppressedBefore = /^(?:bounced|unsubscribed|spam reporting) address|^invalid/i;
const EVENTS_MAX = 5_000;
const CODE_CHARS_MAX = 200;

export function eventsOf(body: Buffer, domain: string): DeliveryReceipt[] {
  const events = parsed(body);
  return (Array.isArray(events) ? events.slice(0, EVENTS_MAX) : []).flatMap((event: Event | null) => receiptOf(event ?? {}, domain));
}

function receiptOf(said: Event, domain: string): DeliveryReceipt[] {
  const [event, email, id, reason] = [text(said.event), nameOf(said.email), nameOf(said.sg_message_id), text(said.reason) ?? ''];
  const status = meaningOf(statuses, event);
  // Machines open mail before people do.
  if (!status || !email || !id || (event === 'open' && said.sg_machine_open === true)) return [];
  const deliveryId = text(said.parley_delivery);
  const suppress = meaningOf(suppressions, event);
  return [{
    channel: 'email', kind: 'status', from: email, to: domain, providerMessageId: id.split('.', 1)[0]!, text: null, media: [], inReplyTo: null, status,
    ...(deliveryId && isSid(deliveryId, 'DY') && { deliveryId }), ...(suppress && { suppress }), ...failure(said, status, reason),
  }];
}

function failure({ type, status: code }: Event, status: DeliveryReceipt['status'], reason: string): Partial<DeliveryReceipt> {
  if (status === 'failed') {
    const known = suppressedBefore.test(reason);
    return { errorCode: known ? SUPPRESSED : failureOf(undefined).errorCode, retryable: false, ...(reason && { carrierCode: reason.slice(0, CODE_CHARS_MAX) }) };
  }
  if (status !== 'undelivered') return {};
  const enhanced = statusIn(text(code) ?? '') ?? statusIn(reason);
  const { errorCode, retryable, dead } = failureOf(enhanced, Number(/\b([45]\d\d)\b/.exec(reason)?.[1]) || undefined);
  // `blocked` is this mail only, whatever the other server called it.
  return {
    errorCode, retryable: retryable || type === 'blocked', carrierCode: [enhanced, reason].filter(Boolean).join(' ').slice(0, CODE_CHARS_MAX),
    ...(dead && type !== 'blocked' && { suppress: 'bounce' as const }),
  };
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value.replaceAll('\0', '').toWellFormed() : undefined);

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
