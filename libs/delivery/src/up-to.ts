/**
 * Reports about all that a person was sent until some moment (Messenger's watermarks), as reports about each message. By the
 * time an attempt began, by our clock: the carrier stamps the message between that and its answer.
 */
import type { DeliveryReceipt } from '@parley/channel/inbound-event';
import type { Pool } from '@parley/event-store/database';

/** `pending`: something sent before may be meant, and its ids are not known yet. */
export async function messagesUpTo(pool: Pool, account: string, { upTo, ...event }: DeliveryReceipt): Promise<{ events: DeliveryReceipt[]; pending: boolean }> {
  const { rows } = await pool.query<{ ids: string[] }>({
    name: 'messages-up-to', text: upToSql, values: [account, event.channel, event.from, event.to, upTo],
  });
  return {
    events: rows.flatMap(({ ids }) => ids.map((providerMessageId) => ({ ...event, providerMessageId }))),
    pending: rows.some(({ ids }) => ids.length === 0),
  };
}

// The second condition on the channel is the index's (0015_messenger.sql): no other channel reports like this, and none pays for it.
const upToSql = `
select d.provider_message_ids as ids from (
  select delivery_id, attempt, provider_message_ids from delivery.delivery
   where account = $1 and channel = $2 and sender = $3 and recipient = $4 and channel = 'messenger' and state in ('accepted', 'sent', 'delivered')
  union all
  select delivery_id, attempt, provider_message_ids from delivery.delivery
   where account = $1 and channel = $2 and sender = $3 and recipient = $4 and state in ('sending', 'unknown')) d
  join delivery.attempt a on a.delivery_id = d.delivery_id and a.attempt = d.attempt and a.started_at <= $5`;
