/**
 * Addresses of people outside the chat and of our own senders (proxy addresses). The prefix tells the channel (API
 * reference, section 3.4); an address is at most 256 characters.
 */
export type ChannelType = 'sms' | 'whatsapp' | 'messenger' | 'rcs' | 'email' | 'gbm' | 'apple';
export type MessagingBinding = { type: ChannelType; address: string; proxyAddress: string };

export const ADDRESS_CHARS_MAX = 256;

const e164 = /^\+[1-9]\d{6,14}$/;
// WhatsApp also knows people by a business-scoped user id: two-letter country, dot, digits or letters (2026).
const businessScopedUserId = /^[A-Z]{2}\.(ENT\.)?[0-9A-Za-z]{1,128}$/;
const email = /^[^\s@<>"]+@[^\s@<>"]+\.[^\s@<>".]+$/;
const shortCode = /^\d{3,8}$/;
/** A name, which nobody can answer. */
const alphanumericSender = /^(?=.*[A-Za-z])[A-Za-z0-9 +_&-]{1,11}$/;

/** The channel an address belongs to, or undefined when it is not an address we can reach. */
export function channelOf(address: string): ChannelType | undefined {
  if (address.length === 0 || address.length > ADDRESS_CHARS_MAX) return undefined;
  const colon = address.indexOf(':');
  if (colon > 0) {
    const rest = address.slice(colon + 1);
    switch (address.slice(0, colon)) {
      case 'whatsapp': return e164.test(rest) || businessScopedUserId.test(rest) ? 'whatsapp' : undefined;
      case 'rcs': return rest.length > 0 ? 'rcs' : undefined;
      case 'messenger': return rest.length > 0 ? 'messenger' : undefined;
      case 'gbm': return rest.length > 0 ? 'gbm' : undefined;
      case 'urn': return rest.startsWith('mbid:') ? 'apple' : undefined;
      default: return undefined;
    }
  }
  if (e164.test(address)) return 'sms';
  return email.test(address) ? 'email' : undefined;
}

/** The channel of one of our own senders: short codes and alphanumeric names send SMS too. */
export function channelOfProxy(address: string): ChannelType | undefined {
  return channelOf(address) ?? (shortCode.test(address) || alphanumericSender.test(address) ? 'sms' : undefined);
}
