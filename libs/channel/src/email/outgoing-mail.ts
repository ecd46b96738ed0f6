/**
 * From a delivery to a mail: who it is from, what stands above it, which thread it belongs to, where answers and bounces go. The
 * text goes out as it is, with the plainest HTML beside it.
 */
import type { SendMailOptions } from 'nodemailer';
import { finished } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import type { Delivery, OutboundMedia } from '../channel-adapter.js';
import { SendError } from '../send-error.js';
import type { MailHome } from './inbound-mail.js';
import { bounceAddress, messageIdOf, replyAddress, unsubscribeToken } from './reply-address.js';
import { answerSubject, referencesWith } from './thread.js';

export type OutgoingRules = {
  home: MailHome;
  fromName: string | undefined;
  usualSubject: string;
  /** Where a token for one click is taken; undefined: mails carry none. */
  unsubscribeUrl: ((token: string) => string) | undefined;
};
export type OutgoingMail = SendMailOptions & { messageId: string; envelope: { from: string; to: string }; attachments: { content: Readable }[] };

/** Streams of its files are open: `closeFiles` when it was not sent. Throws SendError when a file cannot be read. */
export async function composeMail(delivery: Delivery, { home, fromName, usualSubject, unsubscribeUrl }: OutgoingRules): Promise<OutgoingMail> {
  const { deliveryId, sender, recipient, conversationSid, inReplyTo, authorName = fromName } = delivery;
  const { domain, key } = home;
  // A file that is not ours is not fetched on a stranger's word: its address goes along.
  const text = [delivery.body ?? '', ...delivery.media.filter(({ open }) => !open).map(({ url }) => url)].filter(Boolean).join('\n\n');
  const answers = inReplyTo !== undefined || (delivery.references ?? []).length > 0;
  const subject = delivery.subject ?? (answers ? answerSubject(usualSubject) : usualSubject);
  const references = referencesWith(delivery.references ?? [], inReplyTo);
  const token = key !== undefined && unsubscribeUrl ? unsubscribeToken(key, deliveryId) : undefined;
  return {
    from: authorName === undefined ? sender : { name: authorName, address: sender }, to: recipient,
    ...(conversationSid && key !== undefined && { replyTo: replyAddress(key, conversationSid, domain) }),
    subject: oneLine(subject), text, html: simpleHtml(text), messageId: messageIdOf(deliveryId, domain),
    ...(inReplyTo && { inReplyTo }), ...(references.length > 0 && { references }),
    headers: {
      'X-Conversations-Loop': home.loopMark,
      // RFC 3834, and what Exchange goes by. The way back is our bounce address, which answers nobody.
      ...(delivery.automatic && { 'Auto-Submitted': 'auto-replied', 'X-Auto-Response-Suppress': 'All' }),
      ...(token !== undefined && {
        'List-Unsubscribe': { prepared: true, value: `<${unsubscribeUrl!(token)}>, <mailto:unsub+${token}@${domain}>` },
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      }),
    },
    envelope: { from: bounceAddress(deliveryId, domain), to: recipient },
    attachments: await filesOf(delivery.media),
    disableFileAccess: true, disableUrlAccess: true,
  };
}

/** The same, for carriers that are handed bytes. */
export function closeFiles({ attachments }: Pick<OutgoingMail, 'attachments'>): void {
  for (const { content } of attachments) content.destroy();
}

async function filesOf(media: readonly OutboundMedia[]) {
  const files: { content: Readable; contentType?: string; filename?: string }[] = [];
  try {
    for (const { open, contentType, filename } of media)
      if (open) files.push({ content: await open(), ...(contentType && { contentType }), ...(filename && { filename }) });
    return files;
  } catch (error) {
    closeFiles({ attachments: files });
    throw new SendError('unreachable', 'retryable', { cause: error });
  }
}

/** A stream's bytes; ends it. Throws SendError. */
export async function bytesOf(content: Readable): Promise<Buffer> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of content) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  } catch (error) {
    throw new SendError('unreachable', 'retryable', { cause: error });
  } finally {
    content.destroy();
    await finished(content).catch(() => undefined);
  }
}

const oneLine = (text: string) => text.replace(/[\r\n\t]+/g, ' ').trim();
const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function simpleHtml(text: string): string {
  const escaped = text.replace(/[&<>"]/g, (character) => entities[character]!);
  const linked = escaped.replace(/https?:\/\/[^\s<>]+[^\s<>.,;:!?)]/g, (url) => `<a href="${url}">${url}</a>`);
  return `<div>${linked.replaceAll('\n', '<br>\n')}</div>`;
}
