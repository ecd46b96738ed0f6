/**
 * Mail knows more than its address pair (channel facts, 3.8): the reply address it was sent to, the mails it answers. What follows
 * for routing: the conversation, as whom its sender speaks there, who joins.
 */
import type { InboundMessage } from '@parley/contracts/commands';
import type { ConversationSid } from '@parley/domain/sid';
import type { MailBook, MailPolicy } from './mail-book.js';

export type MailRouting = {
  /** With the sender and our address as the conversation has them, and what agents should know in its attributes. */
  message: InboundMessage;
  /** Where it belongs; undefined: to the conversation of its address pair, or a new one. */
  conversation: ConversationSid | undefined;
  /** Its sender takes part in no conversation: it is shown in one of its own, and nobody answers it by mistake. */
  apart: boolean;
  /** Join the conversation. */
  join: readonly string[];
};

export async function routeMail(book: Pick<MailBook, 'placeOf' | 'senderFor'>, account: string, message: InboundMessage): Promise<MailRouting> {
  const { email, from, to } = message;
  if (!email) return { message, conversation: undefined, apart: false, join: [] };
  const place = await book.placeOf(account, from, email);
  const sender = await book.senderFor(account, place?.proxyAddress ?? to);
  const policy: MailPolicy = sender?.policy ?? {};
  const proxyAddress = place?.participant?.proxyAddress ?? place?.proxyAddress ?? sender?.address ?? to;
  const join = policy.copies === 'join' ? email.others.map(({ address }) => address) : [];
  const known = { ...message, to: proxyAddress };
  if (email.doubtful) return { message: noted(known, { unverified: true, ...about(place?.conversationSid) }), conversation: undefined, apart: true, join: [] };
  if (place?.participant) return { message: { ...known, from: place.participant.address }, conversation: place.conversationSid, apart: false, join };
  if (place && policy.strangers === 'join') return { message: noted(known, { stranger: true }), conversation: place.conversationSid, apart: false, join: [from, ...join] };
  return { message: place ? noted(known, { stranger: true, ...about(place.conversationSid) }) : known, conversation: undefined, apart: false, join };
}

const about = (conversation: ConversationSid | undefined) => (conversation === undefined ? {} : { about: conversation });

function noted(message: InboundMessage, more: Record<string, unknown>): InboundMessage {
  const attributes = JSON.parse(message.attributes ?? '{}') as { email?: Record<string, unknown> };
  return { ...message, attributes: JSON.stringify({ ...attributes, email: { ...attributes.email, ...more } }) };
}
