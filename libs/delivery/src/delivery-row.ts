/** Rows of `delivery.delivery` as the code sees them (migrations/0003_delivery.sql says what the columns mean). */
import type { ReceiptStatus } from '@parley/domain/delivery/delivery';
import type { ConversationSid, MessageSid, ParticipantSid, ReceiptSid } from '@parley/domain/sid';
import type { Lane } from './lane.js';

export type DeliveryState = 'queued' | 'sending' | 'unknown' | 'accepted' | 'cancelled' | ReceiptStatus;

/** What a receipt is made of. */
export type DeliveryRow = Lane & {
  delivery_id: ReceiptSid;
  /** Empty for what is sent outside any conversation. */
  conversation_sid: ConversationSid | '';
  message_sid: MessageSid;
  participant_sid: ParticipantSid;
  state: DeliveryState;
  error_code: number;
  provider_message_ids: string[];
};
export const DELIVERY_ROW =
  'd.delivery_id, d.account, d.conversation_sid, d.message_sid, d.participant_sid, d.channel, d.sender, d.recipient, d.state, d.error_code, d.provider_message_ids';
