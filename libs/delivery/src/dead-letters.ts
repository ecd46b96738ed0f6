/** Deliveries given up for reasons that may pass (carrier away too long, credentials wrong, sender missing). */
import type { ReceiptSid } from '@parley/domain/sid';
import { isoTime, type Pool } from '@parley/event-store/database';

export type DeadLetter = {
  deliveryId: ReceiptSid; account: string; conversationSid: string; messageSid: string; channel: string; sender: string;
  attempts: number; errorCode: number; since: string;
};
type Row = {
  delivery_id: ReceiptSid; account: string; conversation_sid: string; message_sid: string; channel: string; sender: string;
  attempt: number; error_code: number; updated_at: string;
};

/** Oldest first. */
export async function listDeadLetters(pool: Pool, { account, deliveryId, limit = 100 }: { account?: string; deliveryId?: string; limit?: number } = {}): Promise<DeadLetter[]> {
  const { rows } = await pool.query<Row>(
    `select delivery_id, account, conversation_sid, message_sid, channel, sender, attempt, error_code, updated_at
       from delivery.delivery where dead_letter and ($1::text is null or account = $1) and ($3::text is null or delivery_id = $3) order by updated_at limit $2`,
    [account ?? null, limit, deliveryId ?? null],
  );
  return rows.map((row) => ({
    deliveryId: row.delivery_id, account: row.account, conversationSid: row.conversation_sid, messageSid: row.message_sid,
    channel: row.channel, sender: row.sender, attempts: row.attempt, errorCode: row.error_code, since: isoTime(row.updated_at),
  }));
}

/**
 * Queues dead letters again, at the end of their lanes; the sweeper finds them. Each gets at least one more attempt. Returns
 * how many.
 */
export async function replayDeadLetters(pool: Pool, deliveryIds: readonly string[], deadlineSeconds = 14_400): Promise<number> {
  const { rowCount } = await pool.query(
    `with broken as (
       -- A carrier took a part of a long text and failed it later: which one is not worth knowing, all of it goes again.
       select d.delivery_id from delivery.delivery d where d.delivery_id = any ($1) and d.dead_letter and d.parts_left is not null
          and exists (select 1 from delivery.segment g where g.delivery_id = d.delivery_id and g.state in ('failed', 'undelivered'))
     ), forgotten as (
       delete from delivery.segment g using broken b where g.delivery_id = b.delivery_id
     )
     update delivery.delivery d set state = 'queued', place = default, due_at = now(), error_code = 0, dead_letter = false,
            deadline = now() + $2 * interval '1 s', deadline_since = now(), updated_at = now(),
            parts_left = case when d.delivery_id in (select b.delivery_id from broken b) then null else d.parts_left end
      where delivery_id = any ($1) and dead_letter`, [deliveryIds, deadlineSeconds],
  );
  return rowCount ?? 0;
}
