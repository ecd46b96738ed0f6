/**
 * Deliveries that were put off until a given moment, and go on before it because what they waited for has changed. In small steps that wait for no
 * lock: what a worker has in hand is being decided anyway, and a conversation that is deleted meanwhile locks its rows in another order.
 */
import type { Pool } from '@parley/event-store/database';

/** `rate`: of the sender, or of what one person is sent by it. */
export type WaitsFor = 'quiet_hours' | 'daily_cap' | 'rate';

const STEP = 1000;

/** Those of the account that wait for this and fit; called after the change is committed. The sweeper finds them. */
export async function goOn(
  pool: Pool, waitsFor: WaitsFor, account: string,
  { conversation = null, channel = null, sender = null }: { conversation?: string | null; channel?: string | null; sender?: string | null },
): Promise<void> {
  for (let after = '', full = true; full; ) {
    const { rows: [step] } = await pool.query<{ seen: number; last: string | null }>({
      name: 'go-on', text: goOnSql, values: [account, waitsFor, after, conversation, channel, sender, STEP],
    });
    full = step!.seen === STEP;
    after = step!.last ?? after;
  }
}

const goOnSql = `
with waiting as (
  select delivery_id from delivery.delivery
   where account = $1 and waits_for = $2 and delivery_id > $3 and state = 'queued' and due_at > now()
     and ($4::text is null or conversation_sid = $4) and ($5::text is null or channel = $5) and ($6::text is null or sender = $6)
   order by delivery_id limit $7 for update skip locked
), moved as (
  update delivery.delivery d set due_at = now(), waits_for = null from waiting w where d.delivery_id = w.delivery_id
)
select count(*)::integer as seen, max(delivery_id) as last from waiting`;
