/** How much waits to leave the house, and for how long: by channel and sender of an account, or by channel for all. */
import type { Pool } from '@parley/event-store/database';

export type QueueState = {
  channel: string; sender: string;
  /** Deliveries that are not with the carrier yet. */
  depth: number;
  /** Whole seconds since the oldest was queued. */
  oldestSeconds: number;
  /** Of them, those that wait for a later moment: after a failure, or for their sender's rate. */
  held: number;
};
const UNFINISHED = "state in ('queued', 'sending', 'unknown')";
/** Counting stops there: a metric need not be exact above it. */
const COUNTED_MAX = 100_000;

export async function queueStates(pool: Pool, account: string): Promise<QueueState[]> {
  const { rows } = await pool.query<{ channel: string; sender: string; depth: number; oldest: number; held: number }>(
    `select channel, sender, count(*) as depth, floor(extract(epoch from now() - min(created_at)))::integer as oldest, count(*) filter (where due_at > now()) as held
       from delivery.delivery where account = $1 and ${UNFINISHED} group by channel, sender order by channel, sender limit 1000`, [account],
  );
  return rows.map(({ oldest, ...row }) => ({ ...row, oldestSeconds: Math.max(0, oldest) }));
}

/** Of all accounts together. */
export async function channelQueue(pool: Pool, channel: string): Promise<{ depth: number; oldestSeconds: number }> {
  const { rows: [row] } = await pool.query<{ depth: number; oldest: number | null }>(
    `select count(*) as depth, floor(extract(epoch from now() - min(created_at)))::integer as oldest
       from (select created_at from delivery.delivery where channel = $1 and ${UNFINISHED} limit ${COUNTED_MAX}) d`, [channel],
  );
  return { depth: row!.depth, oldestSeconds: Math.max(0, row!.oldest ?? 0) };
}
