/** A mail that a carrier took apart before it told us: its fields, as if we had parsed it ourselves. */
import type { Attachment } from 'mailparser';
import { parseMail, type Mail } from './mail.js';

export type MailFields = {
  /** As it was, or made of name and value pairs. */
  head: string;
  text: string | undefined;
  html: string | undefined;
  files: { filename: string | undefined; contentType: string; bytes: Buffer; contentId: string | undefined }[];
};

export async function mailOf({ head, text, html, files }: MailFields): Promise<Mail> {
  const mail = await parseMail(Buffer.from(`${withoutBody(head)}\r\n\r\n`));
  return {
    ...mail, text: tidy(text ?? ''), html: html ? tidy(html) : undefined,
    attachments: files.map(({ filename, contentType, bytes, contentId }) => ({
      type: 'attachment', contentType, content: bytes, size: bytes.length, ...(filename && { filename }), ...(contentId && { cid: contentId.replace(/^<|>$/g, '') }),
    } as Attachment)),
  };
}

/** The head says how the body was encoded, which it is no more. */
const withoutBody = (head: string) => head.replaceAll('\0', '').replaceAll('\r\n', '\n').trimEnd()
  .replace(/^content-(?:type|transfer-encoding|disposition):.*(?:\n[ \t].*)*\n?/gim, '').trimEnd().replaceAll('\n', '\r\n');
const tidy = (text: string) => text.replaceAll('\0', '').replaceAll('\r\n', '\n').toWellFormed();
