/**
 * SIDs: two upper-case letters and 32 hex digits (API reference, section 0). New ones start with the milliseconds since
 * 1970, so rows made together lie together in an index; never shard by those leading digits.
 */
export type SidPrefix =
  | 'AC' | 'SK' | 'IS' | 'CH' | 'IM' | 'MB' | 'DY' | 'WH' | 'US' | 'RL' | 'CR' | 'BS' | 'IG' | 'ME' | 'MG' | 'HX'
  | 'SM' | 'MM' | 'RQ' | 'SE' | 'CX' | 'XE' | 'XO' | 'RP';
export type Sid<P extends SidPrefix = SidPrefix> = `${P}${string}`;
export type AccountSid = Sid<'AC'>;
export type ServiceSid = Sid<'IS'>;
export type ConversationSid = Sid<'CH'>;
export type MessageSid = Sid<'IM'>;
export type ParticipantSid = Sid<'MB'>;
export type ReceiptSid = Sid<'DY'>;

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
// Randomness is drawn in pages: one system call per 400 SIDs instead of one each.
const page = new Uint8Array(4000);
let used = page.length;

/** A new SID: 48 bits of time, 80 random bits. */
export function newSid<P extends SidPrefix>(prefix: P, now: number = Date.now()): Sid<P> {
  if (used + 10 > page.length) {
    globalThis.crypto.getRandomValues(page);
    used = 0;
  }
  let sid = prefix + now.toString(16).padStart(12, '0');
  for (const end = used + 10; used < end; used++) sid += hexOfByte[page[used]!];
  return sid as Sid<P>;
}

const pattern = /^[A-Z]{2}[0-9a-fA-F]{32}$/;

/** True for a well-formed SID of that kind; says nothing about its existence. */
export function isSid<P extends SidPrefix>(text: string, prefix: P): text is Sid<P> {
  return text.length === 34 && text.startsWith(prefix) && pattern.test(text);
}
