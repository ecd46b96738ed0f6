/** What carriers tell us, in one form for all of them (channel facts, section 0.1). One webhook can carry several. */
import type { ReceiptStatus } from '@parley/domain/delivery/delivery';
import type { ReceiptSid } from '@parley/domain/sid';

/** Each has an app of ours that sends on it; what goes to other channels fails at once (apps/message-router). */
export const servedChannels = ['sms', 'whatsapp', 'email', 'messenger'] as const;
export type CarrierChannel = (typeof servedChannels)[number];

export type InboundMedia = {
  contentType: string;
  /** Where to fetch it, or how the carrier names it (ChannelAdapter.resolveMedia). Absent where the bytes came along. */
  url?: string;
  content?: Buffer;
  filename?: string;
  /** The carrier's id of the file. */
  providerMediaId?: string;
  bytes?: number;
  /** A mail's own text: as HTML, or all of it with what was quoted; absent: a file. */
  category?: 'body' | 'history';
  /** Shown inside the text (email), by this content id. */
  inline?: boolean;
  contentId?: string;
};

type About = {
  channel: CarrierChannel;
  /** As the carrier says it, never validated: short codes, names and WhatsApp user ids write as well. */
  from: string;
  to: string;
  providerMessageId: string;
};

/** A person wrote to one of our senders. The keyword kinds are messages too: they still appear in the conversation. */
export type InboundMessage = About & {
  /** `auto_reply`: nobody wrote it; it is shown, and never answered by a machine. */
  kind: 'message' | 'opt_out' | 'opt_in' | 'help' | 'auto_reply' | 'unsupported' | 'reaction' | 'echo';
  text: string | null;
  media: InboundMedia[];
  /** The carrier's id of the message it answers, or reacts to. */
  inReplyTo: string | null;
  /** What the channel's own kinds of message say (location, contacts, order, reaction, referral), under the channel's name. */
  attributes?: Readonly<Record<string, unknown>>;
  /** The keyword was recorded and answered by the carrier: it is not answered again. */
  keywordAnswered?: true;
  /** WhatsApp's business-scoped user id, without prefix. */
  externalUserId?: string;
  profileName?: string;
  buttonPayload?: string;
  /** ISO 8601, by the carrier's clock. */
  sentAt?: string;
  /** Everybody else in the group it was written to. */
  group?: readonly string[];
  /** Email alone. */
  email?: InboundEmail;
};

export type InboundEmail = {
  subject: string | null;
  /** Thread, oldest first; `inReplyTo` is the newest. */
  references: readonly string[];
  /** The conversation a signed reply address names; verified by the adapter's app, not by the sender. */
  replyToken?: string;
  fromName?: string;
  /** Where the sender wants answers, when that is not where they write from. */
  replyTo?: string;
  cc: readonly { address: string; name?: string }[];
  /** All of it, before quotes and signatures were taken off. */
  fullText: string;
  /** Cleaned. */
  html?: string;
  /** What the receiving mail server or we found. */
  authentication: { dkim?: string; spf?: string; dmarc?: string };
};

/** A piece of a long message: joined with the others before anybody sees it. */
export type InboundPart = About & {
  kind: 'part';
  part: {
    /** The same for all pieces of one message between the two addresses. */
    reference: string; number: number; total: number;
    /** base64; pieces are joined before they are decoded, as a character may be cut in two. */
    bytes: string; encoding: 'gsm7' | 'ucs2' | 'latin1' | 'utf8';
  };
};

/** What became of a message of ours. `accepted`: the carrier has it, which is no receipt yet. */
export type DeliveryReceipt = About & {
  kind: 'status';
  text: null;
  media: [];
  inReplyTo: null;
  status: 'accepted' | ReceiptStatus;
  /** Our own reference, when the carrier hands it back. */
  deliveryId?: ReceiptSid;
  /** Of a message to a group: the phone it is about. */
  recipient?: string;
  /** ISO 8601: it is about all that was sent to this person until then, and `providerMessageId` only tells reports apart. */
  upTo?: string;
  errorCode?: number;
  /** The carrier's own code, as it wrote it. */
  carrierCode?: string;
  /** With an errorCode: the same message may succeed later. */
  retryable?: boolean;
  /** With an errorCode: only a template would have been let through. */
  needsTemplate?: true;
  /** With an errorCode: this address is dead or does not want to hear from us; nothing more is sent there, or no marketing. */
  suppress?: 'bounce' | 'complaint' | 'unsubscribe' | 'marketing';
};

/** Something happened to a message or a person that we have. */
export type InboundChange = About & (
  | { kind: 'edit'; editedMessageId: string; text: string | null }
  | { kind: 'delete'; deletedMessageId: string }
  /** The person goes by another address from now on. */
  | { kind: 'system'; change: 'address_changed'; newAddress: string }
  /** The person refuses marketing, or allows it again. */
  | { kind: 'system'; change: 'marketing'; allowed: boolean }
  /** The sender of ours: its quality, limits, templates. */
  | { kind: 'system'; change: 'sender_state'; state: Readonly<Record<string, unknown>> }
  /** Understood, and nothing to do; `reason` for the log. */
  | { kind: 'ignore'; reason: string }
);

export type InboundEvent = InboundMessage | InboundPart | DeliveryReceipt | InboundChange;

/** Carriers repeat themselves: the same key again is the same event (within one account and carrier). */
export const eventKeyOf = (event: InboundEvent): string => {
  switch (event.kind) {
    case 'status': return `${event.providerMessageId}/${event.status}${event.suppress ? `/${event.suppress}` : ''}${event.recipient === undefined ? '' : `/${event.recipient}`}`;
    case 'part': return `${event.providerMessageId}/part`;
    case 'edit': case 'delete': case 'system': return `${event.providerMessageId}/${event.kind}`;
    default: return event.providerMessageId;
  }
};
