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
    `update delivery.delivery set state = 'queued', place = default, due_at = now(), error_code = 0, dead_letter = false,
            deadline = now() + $2 * interval '1 s', updated_at = now()
      where delivery_id = any ($1) and dead_letter`, [deliveryIds, deadlineSeconds],
  );
  return rowCount ?? 0;
}
