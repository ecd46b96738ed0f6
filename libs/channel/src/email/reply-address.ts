/**
 * Addresses of our own making, at the domain where answers come in. `reply+<conversation>.<signature>@` names the conversation
 * an answer belongs to; `bounce+im-<delivery>@` (VERP) the delivery that came back; `unsub+<delivery>.<signature>@` who wants no more.
 * Local parts are compared in lower case: some servers fold them. At most 64 characters, as RFC 5321 allows.
 */
import { isSid, type ConversationSid, type ReceiptSid } from '@parley/domain/sid';
import { createHmac, timingSafeEqual } from 'node:crypto';

const SIGNATURE_CHARS = 10;
const localPart = (address: string) => address.slice(0, address.lastIndexOf('@')).toLowerCase();
const signatureOf = (key: string, text: string) => createHmac('sha256', key).update(text).digest('hex').slice(0, SIGNATURE_CHARS);

function fits(key: string, text: string, signature: string): boolean {
  const [given, expected] = [Buffer.from(signature), Buffer.from(signatureOf(key, text))];
  return given.length === expected.length && timingSafeEqual(given, expected);
}

export function replyAddress(key: string, conversation: string, domain: string): string {
  const name = conversation.toLowerCase();
  return `reply+${name}.${signatureOf(key, name)}@${domain}`;
}

export const isReplyAddress = (address: string): boolean => localPart(address).startsWith('reply+');

/** The conversation, if the signature is ours. */
export function conversationOf(key: string, address: string): ConversationSid | undefined {
  const [, hex, signature] = /^reply\+ch([0-9a-f]{32})\.([0-9a-f]{10})$/.exec(localPart(address)) ?? [];
  return hex !== undefined && fits(key, `ch${hex}`, signature!) ? `CH${hex}` as ConversationSid : undefined;
}

/** What stands for a delivery in Message-IDs and bounce addresses. */
export const nameOf = (deliveryId: string): string => `im-${deliveryId.slice(2).toLowerCase()}`;
export const messageIdOf = (deliveryId: string, domain: string): string => `<${nameOf(deliveryId)}@${domain}>`;
export const bounceAddress = (deliveryId: string, domain: string): string => `bounce+${nameOf(deliveryId)}@${domain}`;

/** The name in a bounce address: `im-…`. */
export const bouncedName = (address: string): string | undefined => /^bounce\+(im-[0-9a-z]{1,40})$/.exec(localPart(address))?.[1];

/** The delivery a Message-ID, a bounce address's name or an envelope id of ours stands for. */
export function deliveryOf(name: string): ReceiptSid | undefined {
  const sid = `DY${/^<?im-([0-9a-f]{32})(?:@|$)/.exec(name.toLowerCase())?.[1] ?? ''}`;
  return isSid(sid, 'DY') ? sid : undefined;
}

export function unsubscribeToken(key: string, deliveryId: string): string {
  const name = deliveryId.slice(2).toLowerCase();
  return `${name}.${signatureOf(key, `unsub ${name}`)}`;
}

/** The delivery whose recipient wants no more. */
export function unsubscribedOf(key: string, token: string): ReceiptSid | undefined {
  const [, hex, signature] = /^([0-9a-f]{32})\.([0-9a-f]{10})$/.exec(token.toLowerCase()) ?? [];
  return hex !== undefined && fits(key, `unsub ${hex}`, signature!) ? `DY${hex}` as ReceiptSid : undefined;
}
export const unsubscribeTokenIn = (address: string): string | undefined => /^unsub\+(.+)$/.exec(localPart(address))?.[1];
