/**
 * From a raw mail to what happened: somebody wrote, a mail of ours came back, or nothing that concerns a conversation. Whichever
 * way it came (SMTP, IMAP, a webhook), it goes through here.
 */
import { ADDRESS_CHARS_MAX } from '@parley/domain/address';
import { logger } from '@parley/telemetry/logger';
import type { InboundEmail, InboundEvent, InboundMedia, InboundMessage } from '../inbound-event.js';
import { statedAuthentication, type Authentication, type Authorities } from './authentication.js';
import { automaticKind, loopOf } from './automatic-mail.js';
import { bounceOf } from './bounce.js';
import { bareAddress, domainOf, keyOf, parseMail, type Mail } from './mail.js';
import { bouncedName, conversationOf, deliveryOf, isReplyAddress, unsubscribedOf, unsubscribeTokenIn } from './reply-address.js';
import { textOf } from './visible-text.js';

/** The connection a mail comes in by. */
export type MailHome = Authorities & {
  /** Where answers and bounces come in, lower case. */
  domain: string;
  /** Signs reply addresses; without one there are none. */
  key: string | undefined;
  /** In the header of every mail of ours. */
  loopMark: string;
};
/** As the mail was handed over, not as its header says. `from` '': nobody; undefined: nobody told us. */
export type Envelope = { from: string | undefined; to: readonly string[] };

const log = logger('mail');
const FILES_MAX = 10;
const FILE_BYTES_MAX = 20_000_000;
const FULL_CHARS_MAX = 1_000_000;
/** API reference 3.6: inbound bodies have 32 KB; the rest is in the full text. */
const BODY_BYTES_MAX = 32 * 1024;
const NAME_CHARS_MAX = 256;

export async function readMail(raw: Buffer, envelope: Envelope, home: MailHome, found?: Authentication): Promise<InboundEvent[]> {
  const mail = await parseMail(raw).catch((error: unknown) => {
    log.warn('a mail cannot be read', { error });
  });
  // It would not be readable the next time either: whoever brought it is told that we have it.
  if (!mail) return [{ channel: 'email', from: envelope.from ?? '', to: envelope.to[0] ?? '', providerMessageId: keyOf(raw), kind: 'ignore', reason: 'not readable' }];
  return [eventOf(mail, envelope, home, found ?? statedAuthentication(mail, home))];
}

export function eventOf(mail: Mail, envelope: Envelope, home: MailHome, authentication: Authentication): InboundEvent {
  const to = recipientOf(mail, envelope, home);
  const about = { channel: 'email' as const, from: mail.from?.address ?? '', to: to ?? '', providerMessageId: mail.messageId };
  const ignore = (reason: string): InboundEvent => ({ ...about, kind: 'ignore', reason });
  if (to === undefined || to.length > ADDRESS_CHARS_MAX) return ignore('to no address of ours');
  const verp = bouncedName(to);
  const nobody = envelope.from === '' || mail.headers('return-path')[0] === '<>' || /^mailer-daemon@/i.test(about.from);
  const bounce = bounceOf(mail, to, home.domain, nobody && (verp !== undefined || !isReplyAddress(to)) && !answered(mail));
  if (bounce === 'unlinked') return ignore('a report about no mail of ours');
  if (bounce) return bounce;
  const unsubscribed = home.key === undefined ? undefined : unsubscribedOf(home.key, unsubscribeTokenIn(to) ?? '');
  if (unsubscribed) return unsubscription(unsubscribed, about);
  const loop = loopOf(mail, {
    loopMark: home.loopMark, isOurs: (address) => address.toLowerCase() === to.toLowerCase() || isOwn(address, home),
    isOurMessageId: (id) => deliveryOf(id) !== undefined && domainOf(id.slice(1, -1)) === home.domain,
  });
  if (loop) return ignore(loop);
  if (about.from === '' || about.from.length > ADDRESS_CHARS_MAX) return ignore('from nobody');
  const conversation = home.key === undefined ? undefined : conversationOf(home.key, to);
  // Machines answer to the envelope's address, and may name no mail.
  const inReplyTo = mail.inReplyTo ?? mail.references.at(-1) ?? (verp === undefined ? null : `<${verp}@${home.domain}>`);
  const answersUs = conversation !== undefined || [inReplyTo ?? '', ...mail.references].some((id) => deliveryOf(id) !== undefined);
  const automatic = automaticKind(mail, envelope.from, answersUs);
  if (automatic === 'bulk') return ignore('bulk');
  return messageOf(mail, about, { kind: automatic ?? 'message', inReplyTo, conversation, authentication, home });
}

/** Somebody took the trouble to name what he answers: vacation notes do, bounces do not. */
const answered = (mail: Mail) => mail.inReplyTo !== null && mail.headers('auto-submitted').some((value) => /^auto-replied/i.test(value));

type Findings = { kind: 'message' | 'auto_reply'; inReplyTo: string | null; conversation: string | undefined; authentication: Authentication; home: MailHome };

function messageOf(mail: Mail, about: Pick<InboundMessage, 'channel' | 'from' | 'to' | 'providerMessageId'>, findings: Findings): InboundMessage {
  const { visible, full, html } = textOf(mail);
  const others = [...mail.to, ...mail.cc].filter(({ address }) => !isSame(address, about.to) && !isSame(address, about.from) && !isOwn(address, findings.home));
  const email: InboundEmail = {
    subject: mail.subject, references: mail.references, cc: others.map(({ address, name }) => ({ address, ...(name && { name: name.slice(0, NAME_CHARS_MAX) }) })),
    fullText: full.slice(0, FULL_CHARS_MAX), authentication: findings.authentication,
    ...(html && { html }),
    ...(findings.conversation !== undefined && { replyToken: findings.conversation }),
    ...(mail.from?.name && { fromName: mail.from.name.slice(0, NAME_CHARS_MAX) }),
    ...(mail.replyTo && !isSame(mail.replyTo.address, about.from) && { replyTo: mail.replyTo.address }),
  };
  return {
    ...about, kind: findings.kind, text: cut(visible) || null, media: filesOf(mail), inReplyTo: findings.inReplyTo, email,
    ...(email.fromName && { profileName: email.fromName }), ...(mail.sentAt && { sentAt: mail.sentAt }),
  };
}

/** Attachments before pictures of the text, when there are too many of both. */
function filesOf({ attachments, html }: Mail): InboundMedia[] {
  const files = attachments.filter(({ size }) => size > 0 && size <= FILE_BYTES_MAX).map((file) => {
    const shown = file.cid !== undefined && (file.related === true || html?.includes(`cid:${file.cid}`) === true);
    return {
      contentType: isProgram(file.content) ? 'application/octet-stream' : file.contentType.toLowerCase(), content: file.content, bytes: file.size,
      ...(file.filename && { filename: file.filename.replaceAll('\0', '').toWellFormed().slice(0, NAME_CHARS_MAX) }),
      ...(shown && { inline: true }), ...(file.cid && { contentId: file.cid }),
    };
  });
  const kept = new Set([...files].sort((a, b) => Number(a.inline ?? false) - Number(b.inline ?? false)).slice(0, FILES_MAX));
  return files.filter((file) => kept.has(file));
}

/** Whatever it says it is: Windows, ELF, Mach-O, scripts. */
const isProgram = (content: Buffer) => /^(?:4d5a|7f454c46|cffaedfe|cefaedfe|cafebabe|2321)/.test(content.subarray(0, 4).toString('hex'));

/** Of the addresses it was handed over for: one that says which conversation or bounce it is, else the first that is ours. */
function recipientOf(mail: Mail, { to }: Envelope, home: MailHome): string | undefined {
  const delivered = to.length > 0 ? to : [...mail.headers('x-original-to'), ...mail.headers('delivered-to')].flatMap((text) => /[^\s<>]+@[^\s<>]+/.exec(text) ?? []);
  const given = (delivered.length > 0 ? delivered : [...mail.to, ...mail.cc].map(({ address }) => address)).map(bareAddress);
  const ours = given.filter((address) => domainOf(address) === home.domain);
  return ours.find((address) => isReplyAddress(address) || isOwn(address, home)) ?? ours[0] ?? (to.length > 0 ? given[0] : undefined);
}

/** Addresses of our making; nobody writes from them. */
const isOwn = (address: string, { domain }: MailHome) => domainOf(address) === domain && /^(?:reply|bounce|unsub)\+/i.test(address);
const isSame = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

function cut(text: string): string {
  const bytes = Buffer.from(text);
  return bytes.length <= BODY_BYTES_MAX ? text : bytes.subarray(0, BODY_BYTES_MAX).toString().replace(/\ufffd+$/, '');
}

const unsubscription = (deliveryId: NonNullable<ReturnType<typeof unsubscribedOf>>, about: Pick<InboundMessage, 'channel' | 'from' | 'to' | 'providerMessageId'>): InboundEvent => ({
  ...about, kind: 'status', providerMessageId: about.providerMessageId, text: null, media: [], inReplyTo: null, status: 'delivered', deliveryId, suppress: 'unsubscribe',
});
