/**
 * Receipts of one message outside the chat: one per recipient. Stream: `delivery-<IM sid>`, in the shard of its
 * conversation, so receipts never contend with messages. States only move forward (API reference 3.8, channel facts 0.2):
 * late and repeated callbacks change nothing; a `delivered` or `read` after a failure wins, as WhatsApp really does that.
 */
import type { Decider } from '../decider.js';
import type { ConversationSid, MessageSid, ParticipantSid, ReceiptSid } from '../sid.js';

export type ReceiptStatus = 'sent' | 'delivered' | 'read' | 'failed' | 'undelivered';
export type Receipt = {
  receiptSid: ReceiptSid;
  conversationSid: ConversationSid;
  messageSid: MessageSid;
  participantSid: ParticipantSid;
  /** The carrier's id of the message in the API's form (`SM…`, `WA…`), null until it is known. */
  channelMessageSid: string | null;
  status: ReceiptStatus;
  /** 0 when there is none. */
  errorCode: number;
};
export type DeliveryEvent = { type: 'DeliveryUpdated'; data: Receipt & { updatedAt: string } };
export type DeliveryCommand = { type: 'ReportDelivery'; data: Receipt & { now: string } };
export type Delivery = { readonly [receiptSid: string]: { status: ReceiptStatus; errorCode: number } };

const rank: Record<ReceiptStatus, number> = { sent: 1, failed: 2, undelivered: 2, delivered: 3, read: 4 };

export const delivery: Decider<Delivery, DeliveryCommand, DeliveryEvent> = {
  initialState: {},
  decide({ data: { now: updatedAt, ...receipt } }, state) {
    const known = state[receipt.receiptSid];
    if (known && rank[receipt.status] <= rank[known.status]) return [];
    return [{ type: 'DeliveryUpdated', data: { ...receipt, updatedAt } }];
  },
  evolve(state, { data: { receiptSid, status, errorCode } }) {
    return { ...state, [receiptSid]: { status, errorCode } };
  },
};
