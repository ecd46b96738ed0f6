/**
 * How much waits to leave the house, and for how long: by channel and sender of an account, or by channel for all. Senders are found by walking from one
 * to the next in the lanes' index and counting stops at a bound, so asking costs no more when millions wait (an index by place made claims a third slower).
 */
import type { Pool } from '@parley/event-store/database';

export type QueueState = {
  channel: string; sender: string;
  /** Deliveries that are not with the carrier yet. */
  depth: number;
  /** Whole seconds since the oldest was queued. */
  oldestSeconds: number;
  /** Of them, those that wait for a later moment: after a failure, or for their sender's rate. */
  held: number;
  /** False: more than `depth` wait, and the other figures are of those that were counted. */
  exact: boolean;
};
export const UNFINISHED = "state in ('queued', 'sending', 'unknown')";
/** Counting stops there: shared by the senders of an account, or by all accounts of a channel. */
const COUNTED_MAX = 100_000;
const SENDERS_MAX = 1000;

/** By channel and sender; those for which something waits, at most a thousand. `countedMax`: of the account in all. */
export async function queueStates(pool: Pool, account: string, countedMax = COUNTED_MAX): Promise<QueueState[]> {
  const senders = await waitingSenders(pool, account);
  const each = Math.ceil(countedMax / Math.max(1, senders.length));
  const { rows } = await pool.query<{ channel: string; sender: string; depth: number; oldest: number | null; held: number }>(
    `select s.channel, s.sender, q.* from unnest($2::text[], $3::text[]) with ordinality s (channel, sender, o)
      cross join lateral (
        select count(*)::integer as depth, floor(extract(epoch from now() - min(created_at)))::integer as oldest, count(*) filter (where due_at > now())::integer as held
          from (select created_at, due_at from delivery.delivery d where d.account = $1 and d.channel = s.channel and d.sender = s.sender and ${UNFINISHED}
                 order by recipient, place limit $4) d) q
      order by s.o`, [account, senders.map(({ channel }) => channel), senders.map(({ sender }) => sender), each + 1],
  );
  // What has gone since the walk is no queue any more.
  return rows.filter(({ depth }) => depth > 0).map(({ oldest, depth, ...row }) => (
    { ...row, depth: Math.min(depth, each), held: Math.min(row.held, each), oldestSeconds: Math.max(0, oldest ?? 0), exact: depth <= each }));
}

/** Of an account, by channel and sender: those for which something waits. */
export async function waitingSenders(pool: Pool, account: string): Promise<{ channel: string; sender: string }[]> {
  const { rows } = await pool.query<{ channel: string; sender: string }>(
    `with recursive waiting as (
       (select channel, sender from delivery.delivery where account = $1 and ${UNFINISHED} order by account, channel, sender limit 1)
       union all
       select n.* from waiting w cross join lateral (
         select d.channel, d.sender from delivery.delivery d where d.account = $1 and d.${UNFINISHED} and (d.channel, d.sender) > (w.channel, w.sender)
          order by d.account, d.channel, d.sender limit 1) n
     ) select channel, sender from waiting limit ${SENDERS_MAX}`, [account],
  );
  return rows;
}

/** Of all accounts together. */
export async function channelQueue(pool: Pool, channel: string): Promise<{ depth: number; oldestSeconds: number }> {
  const { rows: [row] } = await pool.query<{ depth: number; oldest: number | null }>(
    `with recursive waiting as (
       (select account from delivery.delivery where ${UNFINISHED} order by account limit 1)
       union all
       select n.* from waiting w cross join lateral (
         select d.account from delivery.delivery d where d.${UNFINISHED} and d.account > w.account order by d.account limit 1) n
     )
     select count(*) as depth, floor(extract(epoch from now() - min(created_at)))::integer as oldest
       from (select d.created_at from waiting w cross join lateral (
               select created_at from delivery.delivery d where d.account = w.account and d.channel = $1 and d.${UNFINISHED} limit ${COUNTED_MAX}) d
              limit ${COUNTED_MAX}) d`, [channel],
  );
  return { depth: row!.depth, oldestSeconds: Math.max(0, row!.oldest ?? 0) };
}
