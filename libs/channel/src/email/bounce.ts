/**
 * Mail about mail of ours: delivery reports (RFC 3464), what servers wrote before there were any, complaints (RFC 5965). Each
 * becomes the status of the delivery it is about, found by the address it came back to, else the envelope id it was sent with,
 * else the Message-ID it quotes.
 */
import type { DeliveryReceipt } from '../inbound-event.js';
import { meaningOf } from '../inbound-values.js';
import type { Mail } from './mail.js';
import { failureOf, statusIn } from './mail-codes.js';
import { bouncedName, deliveryOf } from './reply-address.js';

/** What it says of one recipient, and about which of our mails: `im-…`. */
type Report = { name: string | undefined; recipient: string | undefined; action: string; status: string | undefined; reply: number | undefined; text: string | undefined };
type Fields = Map<string, string>;

const CODE_CHARS_MAX = 200;
const statuses: Record<string, DeliveryReceipt['status']> = {
  failed: 'undelivered', delayed: 'sent', relayed: 'sent', expanded: 'sent', delivered: 'delivered',
};

/**
 * undefined: it is not about mail of ours. `to`: the address it came back to. Without an address to link it by it is a report
 * about nothing we know, with the id that is quoted, or none.
 */
export function bounceOf(mail: Mail, to: string, domain: string, isBounce: boolean): DeliveryReceipt | 'unlinked' | undefined {
  const verp = bouncedName(to);
  const report = complaintOf(mail, verp) ?? deliveryReportOf(mail, verp) ?? (isBounce ? oldBounceOf(mail, verp) : undefined);
  if (!report) return undefined;
  const status = report.action === 'complaint' ? 'delivered' : meaningOf(statuses, report.action);
  if (report.name === undefined || status === undefined) return 'unlinked';
  const deliveryId = deliveryOf(report.name);
  const about = {
    channel: 'email' as const, kind: 'status' as const, from: report.recipient ?? mail.from?.address ?? '', to,
    providerMessageId: `<${report.name}@${domain}>`, text: null, media: [] as [], inReplyTo: null, ...(deliveryId && { deliveryId }),
  };
  if (report.action === 'complaint') return { ...about, status, suppress: 'complaint' };
  if (report.action !== 'failed') return { ...about, status };
  const { errorCode, retryable, dead } = failureOf(report.status, report.reply);
  const carrierCode = [report.status, report.text].filter(Boolean).join(' ').slice(0, CODE_CHARS_MAX);
  return { ...about, status, errorCode, retryable, ...(carrierCode && { carrierCode }), ...(dead && { suppress: 'bounce' as const }) };
}

function deliveryReportOf(mail: Mail, verp: string | undefined): Report | undefined {
  const part = mail.attachments.find(({ contentType }) => contentType === 'message/delivery-status');
  if (!part) return undefined;
  const [perMessage, ...perRecipient] = blocksOf(part.content.toString());
  // One recipient to a mail is how we send; of several reports the failure counts.
  const block = perRecipient.find((fields) => fields.get('action')?.toLowerCase() === 'failed') ?? perRecipient[0];
  if (!perMessage || !block) return undefined;
  const diagnostic = typed(block.get('diagnostic-code'));
  return {
    name: verp ?? ownName(perMessage.get('original-envelope-id')) ?? quotedName(mail),
    recipient: typed(block.get('original-recipient')) ?? typed(block.get('final-recipient')),
    action: block.get('action')?.split(/\s/)[0]!.toLowerCase() ?? '', status: statusIn(block.get('status') ?? ''),
    reply: Number(/^\s*(\d{3})\b/.exec(diagnostic ?? '')?.[1]) || undefined, text: diagnostic,
  };
}

/** From before there were reports: words alone, and only the address it came back to links it surely. */
function oldBounceOf(mail: Mail, verp: string | undefined): Report | undefined {
  const status = statusIn(mail.text);
  const reply = Number(/\b(55\d|45\d)\b/.exec(mail.text)?.[1]) || undefined;
  if (status === undefined && reply === undefined) return undefined;
  const passing = (status ?? String(reply)).startsWith('4');
  const about = /^\s*<([^<>\s]+@[^<>\s]+)>:?/m.exec(mail.text)?.[1];
  return { name: verp ?? quotedName(mail), recipient: about, action: passing ? 'delayed' : 'failed', status, reply, text: undefined };
}

function complaintOf(mail: Mail, verp: string | undefined): Report | undefined {
  const part = mail.attachments.find(({ contentType }) => contentType === 'message/feedback-report');
  if (!part) return undefined;
  const fields = new Map(blocksOf(part.content.toString()).flatMap((block) => [...block]));
  const returnPath = fields.get('original-mail-from')?.replace(/[<>]/g, '').trim();
  return {
    name: verp ?? (returnPath && bouncedName(returnPath)) ?? quotedName(mail), recipient: fields.get('original-rcpt-to')?.replace(/[<>]/g, '').trim(),
    action: 'complaint', status: undefined, reply: undefined, text: undefined,
  };
}

/** Our Message-ID in the copy of our mail that the report brings. */
function quotedName(mail: Mail): string | undefined {
  const copies = mail.attachments.filter(({ contentType }) => contentType === 'message/rfc822' || contentType === 'text/rfc822-headers')
    .map(({ content }) => content.toString('latin1'));
  for (const copy of [...copies, mail.text]) {
    const id = /^message-id:\s*<(im-[0-9a-z]{1,40})@/im.exec(copy)?.[1];
    if (id !== undefined) return id.toLowerCase();
  }
  return undefined;
}

const ownName = (text: string | undefined): string | undefined => /^im-[0-9a-z]{1,40}$/.exec(text?.trim().toLowerCase() ?? '')?.[0];
/** `rfc822; ana@example.com`: without the type. */
const typed = (field: string | undefined): string | undefined => field?.slice(field.indexOf(';') + 1).trim() || undefined;

function blocksOf(text: string): Fields[] {
  return text.replaceAll('\r\n', '\n').split(/\n[ \t]*\n/).map((block) => new Map(
    block.replace(/\n[ \t]+/g, ' ').split('\n').filter((line) => line.includes(':'))
      .map((line) => [line.slice(0, line.indexOf(':')).trim().toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const),
  )).filter((fields) => fields.size > 0);
}
