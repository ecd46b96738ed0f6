/** Webhooks of the Messages API: inbound messages and statuses (channel facts, 1.2). Numbers come without plus. */
import { faultOf } from '../../carrier-errors.js';
import type { DeliveryReceipt, InboundEvent, InboundMedia } from '../../inbound-event.js';
import { listOf, meaningOf, nameOf, objectOf, referenceOf, textOf } from '../../inbound-values.js';
import { withPlus } from '../../sms/numbers.js';
import { keywordOf, type SmsSettings } from '../../sms/sms-settings.js';
import { codeOf, messagesCodes } from './errors.js';

const statuses: Readonly<Record<string, DeliveryReceipt['status']>> = {
  submitted: 'sent', delivered: 'delivered', read: 'read', rejected: 'failed', undeliverable: 'undelivered',
};
/** What a file is when its address does not tell: the kinds come without a content type. */
const kinds: Readonly<Record<string, string>> = { image: 'image/jpeg', audio: 'audio/mpeg', video: 'video/mp4', vcard: 'text/vcard', file: 'application/octet-stream' };
const MEDIA_MAX = 10;

export function parseMessagesWebhook(webhook: Record<string, unknown>, settings: SmsSettings): InboundEvent[] {
  const [providerMessageId, from, to] = [nameOf(webhook['message_uuid']), addressOf(webhook['from']), addressOf(webhook['to'])];
  // The account's other channels (Viber, Messenger) come by the same webhook.
  if (providerMessageId === undefined || from === undefined || to === undefined || !['sms', 'mms'].includes(webhook['channel'] as string)) return [];
  const about = { channel: 'sms' as const, from, to, providerMessageId, inReplyTo: null };
  if (webhook['status'] !== undefined) {
    const status = meaningOf(statuses, nameOf(webhook['status']));
    if (status === undefined) return [];
    const failed = status === 'failed' || status === 'undelivered';
    return [{
      ...about, kind: 'status', text: null, media: [], status,
      ...(failed && faultOf(messagesCodes, codeOf(objectOf(webhook['error'])))), ...referenceOf(webhook['client_ref']),
    }];
  }
  const files = [webhook, ...listOf(webhook['content']).map(objectOf)].flatMap(filesOf).slice(0, MEDIA_MAX);
  const captions = files.map(({ caption }) => caption).filter((caption) => caption !== null);
  const text = textOf(webhook['text']) ?? textOf(captions.join('\n'));
  const group = listOf(objectOf(webhook['mms'])['participants']).map((one) => addressOf(typeof one === 'object' ? objectOf(one)['number'] : one))
    .filter((number) => number !== undefined && number !== from && number !== to) as string[];
  const sentAt = nameOf(webhook['timestamp']);
  return [{
    ...about, ...keywordOf(text, settings), text, media: files.map(({ file }) => file),
    ...(sentAt !== undefined && { sentAt }), ...(group.length > 0 && { group }),
  }];
}

/** `{message_type: 'image', image: {url, name, caption}}`, or in `content` the same with `type`. */
function filesOf(part: Record<string, unknown>): { file: InboundMedia; caption: string | null }[] {
  const kind = nameOf(part['message_type'] ?? part['type']) ?? '';
  const { url, name, caption } = { ...part, ...objectOf(part[kind]) };
  const contentType = meaningOf(kinds, kind);
  if (contentType === undefined || typeof url !== 'string' || url === '') return [];
  const filename = nameOf(name);
  return [{ file: { contentType, url, ...(filename !== undefined && { filename }) }, caption: textOf(caption) }];
}

function addressOf(value: unknown): string | undefined {
  const name = nameOf(value);
  return name === undefined ? undefined : withPlus(name);
}
