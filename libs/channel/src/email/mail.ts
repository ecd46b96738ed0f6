/**
 * A mail as it came (RFC 5322, MIME), taken apart once for everything that looks at it. Parts, heads and depth are bounded: what
 * is larger is cut off, never an error of ours.
 */
import { simpleParser, type AddressObject, type Attachment } from 'mailparser';
import { createHash } from 'node:crypto';

export type Mailbox = { address: string; name?: string };
export type Mail = {
  /** Of this name, unfolded and undecoded, the topmost first. */
  headers(name: string): string[];
  from: Mailbox | undefined;
  replyTo: Mailbox | undefined;
  to: Mailbox[];
  cc: Mailbox[];
  subject: string | null;
  /** `<id@host>`; of a mail that has none `sha256:<hash>`, the same whichever way the mail came. */
  messageId: string;
  inReplyTo: string | null;
  /** The thread, oldest first. */
  references: string[];
  text: string;
  html: string | undefined;
  attachments: Attachment[];
  /** ISO 8601, by the sender's clock. */
  sentAt: string | undefined;
};

const PARTS_MAX = 200;
const HEAD_BYTES_MAX = 1024 * 1024;
const SUBJECT_CHARS_MAX = 256;
const ID_CHARS_MAX = 900;
/** Longer ones are known by their hash: they become keys. */
const OWN_ID_CHARS_MAX = 250;
const REFERENCES_MAX = 100;
/** Written by whoever carried the mail, so different each way it comes. */
const carriersHeaders = /^(?:received|delivered-to|return-path|x-original-to|authentication-results|envelope-to)\s*:/i;
const messageIds = /<[^<>\s]+>/g;

export async function parseMail(raw: Buffer): Promise<Mail> {
  const mail = await simpleParser(raw, {
    // Without it a report's machine-readable part is melted into the text. The other three: its own conversions leak addresses of
    // trackers and scripts into the text.
    keepDeliveryStatus: true, skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true,
    maxChildNodes: PARTS_MAX, maxHeadSize: HEAD_BYTES_MAX,
  });
  const headers = (name: string) => mail.headerLines.filter(({ key }) => key === name)
    .map(({ line }) => line.slice(line.indexOf(':') + 1).replace(/\r?\n[ \t]/g, ' ').trim());
  const inReplyTo = idsIn(mail.inReplyTo ?? '')[0] ?? null;
  return {
    headers, from: mailboxes(mail.from)[0], replyTo: mailboxes(mail.replyTo)[0], to: mailboxes(mail.to), cc: mailboxes(mail.cc),
    subject: mail.subject === undefined ? null : tidy(mail.subject).slice(0, SUBJECT_CHARS_MAX).toWellFormed(),
    messageId: idsIn(mail.messageId ?? '').find((id) => id.length <= OWN_ID_CHARS_MAX) ?? keyOf(raw), inReplyTo,
    references: idsIn([mail.references ?? []].flat().join(' ')).slice(-REFERENCES_MAX),
    text: tidy(mail.text ?? ''), html: mail.html ? tidy(mail.html) : undefined,
    // Of a part whose type is empty the parser says `false`.
    attachments: mail.attachments.map((file) => Object.assign(file, { contentType: (file.contentType as string | false) || 'application/octet-stream' })),
    // What cannot be read, the parser takes for now.
    sentAt: mail.date && headers('date').length > 0 ? mail.date.toISOString() : undefined,
  };
}

/** Message ids in a header's text, with their brackets. */
export const idsIn = (text: string): string[] => (text.match(messageIds) ?? []).filter((id) => id.length <= ID_CHARS_MAX);

/** As addresses are kept: bare, the domain in lower case, which is all that is certainly the same. */
export function bareAddress(address: string): string {
  const at = address.lastIndexOf('@');
  return `${address.slice(0, at)}@${address.slice(at + 1).toLowerCase()}`;
}

export const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase();

function mailboxes(header: AddressObject | AddressObject[] | undefined): Mailbox[] {
  const entries = [header ?? []].flat().flatMap(({ value }) => value).flatMap((entry) => [entry, ...(entry.group ?? [])]);
  return entries.flatMap(({ address, name }) =>
    (address?.includes('@') ? [{ address: bareAddress(tidy(address)), ...(name && { name: tidy(name) }) }] : []));
}

/** No text column takes a NUL or half a character. */
const tidy = (text: string) => text.replaceAll('\0', '').replaceAll('\r\n', '\n').toWellFormed();

/** The same whichever way it came. */
export function keyOf(raw: Buffer): string {
  const text = raw.toString('latin1').replaceAll('\r\n', '\n');
  const end = text.indexOf('\n\n');
  const head = end < 0 ? text : text.slice(0, end);
  const own = head.replace(/\n[ \t]+/g, ' ').split('\n').filter((line) => !carriersHeaders.test(line)).join('\n');
  return `sha256:${createHash('sha256').update(own + (end < 0 ? '' : text.slice(end)), 'latin1').digest('hex')}`;
}
