/** What carriers tell us, in one form for all of them (channel facts, section 0.1). One webhook can carry several. */
import type { ReceiptStatus } from '@parley/domain/delivery/delivery';
import type { ReceiptSid } from '@parley/domain/sid';

export type CarrierChannel = 'sms' | 'whatsapp';

export type InboundMedia = { contentType: string; url: string };

/** A person wrote to one of our senders. The keyword kinds are messages too: they still appear in the conversation. */
export type InboundMessage = {
  kind: 'message' | 'opt_out' | 'opt_in' | 'help';
  channel: CarrierChannel;
  /** As the carrier says it, never validated: short codes, names and WhatsApp user ids write as well. */
  from: string;
  to: string;
  text: string | null;
  media: InboundMedia[];
  providerMessageId: string;
  /** The carrier's id of the message it answers. */
  inReplyTo: string | null;
  /** WhatsApp's business-scoped user id, without prefix. */
  externalUserId?: string;
  profileName?: string;
  buttonPayload?: string;
};

/** What became of a message of ours. `accepted`: the carrier has it, which is no receipt yet. */
export type DeliveryReceipt = {
  kind: 'status';
  channel: CarrierChannel;
  from: string;
  to: string;
  text: null;
  media: [];
  providerMessageId: string;
  inReplyTo: null;
  status: 'accepted' | ReceiptStatus;
  /** Our own reference, when the carrier hands it back. */
  deliveryId?: ReceiptSid;
  errorCode?: number;
  /** With an errorCode: the same message may succeed later. */
  retryable?: boolean;
  /** With an errorCode: only a template would have been let through. */
  needsTemplate?: true;
};

export type InboundEvent = InboundMessage | DeliveryReceipt;

/** Carriers repeat themselves: the same key again is the same event (within one account and carrier). */
export const eventKeyOf = (event: InboundEvent): string =>
  event.kind === 'status' ? `${event.providerMessageId}/${event.status}` : event.providerMessageId;
