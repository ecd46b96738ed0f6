/** Plivo's webhooks: forms of inbound messages and of receipts (channel facts, 1.4). Numbers come without plus. */
import { faultOf } from '../../carrier-errors.js';
import type { DeliveryReceipt, InboundEvent } from '../../inbound-event.js';
import { meaningOf, nameOf, referenceOf, textOf } from '../../inbound-values.js';
import { fileAt } from '../../sms/file-names.js';
import { withPlus } from '../../sms/numbers.js';
import { keywordOf, type SmsSettings } from '../../sms/sms-settings.js';
import { plivoCodes } from './errors.js';

const MEDIA_MAX = 10;
const statuses: Readonly<Record<string, DeliveryReceipt['status']>> = {
  queued: 'accepted', sent: 'sent', delivered: 'delivered', read: 'read', failed: 'failed', undelivered: 'undelivered',
};

export function parsePlivoWebhook(form: URLSearchParams, deliveryId: string | null, settings: SmsSettings): InboundEvent[] {
  // Long messages are reported in pieces, each with an id of its own beside that of the whole.
  const providerMessageId = nameOf(form.get('ParentMessageUUID')) ?? nameOf(form.get('MessageUUID'));
  const [from, to] = [nameOf(form.get('From')), nameOf(form.get('To'))];
  if (providerMessageId === undefined || from === undefined || to === undefined) return [];
  const about = { channel: 'sms' as const, from: withPlus(from), to: withPlus(to), providerMessageId, inReplyTo: null };
  if (form.has('Status')) {
    const status = meaningOf(statuses, form.get('Status')!.toLowerCase());
    if (status === undefined) return [];
    const failed = status === 'failed' || status === 'undelivered';
    // "000" is none.
    const code = nameOf(form.get('ErrorCode'))?.replace(/^0+/, '') || undefined;
    return [{ ...about, kind: 'status', text: null, media: [], status, ...(failed && faultOf(plivoCodes, code)), ...referenceOf(deliveryId) }];
  }
  const text = textOf(form.get('Text'));
  const media = Array.from({ length: MEDIA_MAX }, (_, i) => fileAt(form.get(`Media${i}`)) ?? []).flat();
  return [{ ...about, ...keywordOf(text, settings), text, media }];
}
