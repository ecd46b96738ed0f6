/** Which message of ours a carrier's id means, and what a carrier calls a message of ours: for answers, reactions, corrections. */
import type { InboundMessage } from '@parley/channel/inbound-event';
import { receiptSidOf } from '@parley/domain/delivery/receipt-sid';
import type { ConversationSid, MessageSid } from '@parley/domain/sid';
import type { Pool } from '@parley/event-store/database';
import type { Claim } from './delivery-store.js';

export type KnownMessage = { conversationSid: ConversationSid; messageSid: MessageSid };

export async function noteInboundMessage(
  pool: Pool, account: string, { channel, to, providerMessageId }: InboundMessage, person: string, { conversationSid, messageSid }: KnownMessage,
): Promise<void> {
  await pool.query(
    `insert into delivery.inbound_message (account, provider_message_id, channel, sender, recipient, conversation_sid, message_sid)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`, [account, providerMessageId, channel, to, person, conversationSid, messageSid]);
}

/** Theirs or ours. undefined: none of this account's, or from too long ago. */
export async function messageOfProvider(pool: Pool, account: string, providerMessageId: string): Promise<KnownMessage | undefined> {
  const { rows: [known] } = await pool.query<KnownMessage>({
    name: 'message-of-provider',
    text: `select conversation_sid as "conversationSid", message_sid as "messageSid" from (
             (select conversation_sid, message_sid from delivery.inbound_message where account = $1 and provider_message_id = $2)
             union all
             (select conversation_sid, message_sid from delivery.delivery where account = $1 and provider_message_ids[1] = $2 and provider_message_ids <> '{}' limit 1)
             union all
             (select d.conversation_sid, d.message_sid from delivery.segment g join delivery.delivery d on d.delivery_id = g.delivery_id
               where g.account = $1 and g.provider_message_id = $2)) m limit 1`,
    values: [account, providerMessageId],
  });
  return known;
}

/** What this recipient's carrier calls the message: one of theirs, or ours as they got it. */
export async function providerIdFor(pool: Pool, { account, channel, recipient, participant_sid }: Claim, messageSid: MessageSid): Promise<string | undefined> {
  const { rows: [known] } = await pool.query<{ id: string }>({
    name: 'provider-id-for',
    text: `select id from (
             (select provider_message_id as id from delivery.inbound_message where account = $1 and message_sid = $2 and channel = $3 and recipient = $4 limit 1)
             union all
             (select provider_message_ids[1] from delivery.delivery d where d.delivery_id = $5 and d.account = $1 and d.provider_message_ids <> '{}')) k limit 1`,
    values: [account, messageSid, channel, recipient, receiptSidOf(messageSid, participant_sid)],
  });
  return known?.id;
}
