/**
 * Which timers are running, in `retention.timer`: found by an index, however many conversations there are. A row says when to
 * look at the conversation, never later than its deadline; that messages moved the deadline on is seen only then, so they
 * cost nothing here.
 */
import type { ConversationState } from '@parley/domain/conversation/events';
import { timerDeadlines } from '@parley/domain/conversation/timers';
import type { LogEvent } from '@parley/domain/event';
import type { ConversationSid } from '@parley/domain/sid';
import { transaction, type Connection, type Pool } from '@parley/event-store/database';

/** Facts that set, move or end a timer. */
export const timerTypes = ['ConversationCreated', 'ConversationUpdated', 'ConversationStateUpdated', 'ConversationDeleted'];

/** Most conversations have no timers, and most updates do not touch them. */
export function concernsTimers({ type, data }: LogEvent): boolean {
  if (type === 'ConversationUpdated') return data['timers'] !== undefined;
  return type !== 'ConversationCreated' || Object.keys(data['timers'] ?? {}).length > 0;
}

export type RunningTimer = { sid: ConversationSid; account: string; revision: number };

/** Who looked and died is followed by somebody else after this time. */
export const LEASE_MILLIS = 30_000;
/** Last activity is kept by the second (docs/adr/0005): the message may have come at its end. */
const SECOND_MILLIS = 999;
/** What is due is not looked at again sooner. */
const PAUSE_MILLIS = 1000;
const FAR = Date.UTC(9999, 11, 31);

type Row = {
  sid: string; account: string; state: ConversationState; timer_inactive: string | null; timer_closed: string | null;
  last_activity_at: string; timers_from: string | null;
};

export class TimerBook {
  constructor(
    private readonly pool: Pool,
    private readonly now: () => number = Date.now,
  ) {}

  /** In the transaction of the consumer's checkpoint. */
  async note(tx: Connection, events: readonly LogEvent[]): Promise<void> {
    const sids = [...new Set(events.map(({ conversation }) => conversation!))].sort();
    const running = (await deadlines(tx, sids)).filter(({ at }) => at !== Infinity);
    await tx.query(
      `insert into retention.timer as t (conversation_sid, account, due_at) select * from unnest($1::text[], $2::text[], $3::timestamptz[])
       on conflict (conversation_sid) do update set due_at = excluded.due_at, revision = nextval('retention.timer_revision')`,
      [running.map(({ sid }) => sid), running.map(({ account }) => account), running.map(({ at }) => time(at))],
    );
    const runs = new Set(running.map(({ sid }) => sid));
    await tx.query('delete from retention.timer where conversation_sid = any ($1)', [sids.filter((sid) => !runs.has(sid))]);
  }

  /** The longest due, at most `limit`; nobody else gets them for a while. */
  async take(limit: number): Promise<RunningTimer[]> {
    const { rows } = await this.pool.query<RunningTimer>(
      `update retention.timer t set due_at = $2 from (
         select conversation_sid from retention.timer where due_at <= $1 order by due_at limit $3 for update skip locked
       ) due where t.conversation_sid = due.conversation_sid returning t.conversation_sid as sid, t.account, t.revision`,
      [time(this.now()), time(this.now() + LEASE_MILLIS), limit],
    );
    return rows;
  }

  /** Those whose time has really come: nothing was said meanwhile. */
  async due(timers: readonly RunningTimer[]): Promise<RunningTimer[]> {
    const now = this.now();
    const due = new Set((await deadlines(this.pool, timers.map(({ sid }) => sid))).filter(({ at }) => at <= now).map(({ sid }) => sid));
    return timers.filter(({ sid }) => due.has(sid));
  }

  /** Says when to look again; what has no timer any more is forgotten. Not where a fact came in between: it said so itself. */
  async settle(timers: readonly RunningTimer[]): Promise<void> {
    const sorted = timers.toSorted((a, b) => (a.sid < b.sid ? -1 : 1));
    await transaction(this.pool, async (tx) => {
      const next = new Map((await deadlines(tx, sorted.map(({ sid }) => sid))).map(({ sid, at }) => [sid, at]));
      const soonest = this.now() + PAUSE_MILLIS;
      const dueAt = sorted.map(({ sid }) => {
        const at = next.get(sid) ?? Infinity;
        return at === Infinity ? null : time(Math.max(at, soonest));
      });
      const values = [sorted.map(({ sid }) => sid), sorted.map(({ revision }) => revision), dueAt];
      const given = 'unnest($1::text[], $2::bigint[], $3::timestamptz[]) n (sid, revision, due_at)';
      await tx.query(`update retention.timer t set due_at = n.due_at from ${given} where t.conversation_sid = n.sid and t.revision = n.revision
                        and n.due_at is not null`, values);
      await tx.query(`delete from retention.timer t using ${given} where t.conversation_sid = n.sid and t.revision = n.revision
                        and n.due_at is null`, values);
    });
  }
}

/** When each of them has its next timer; Infinity: none. Those that are gone are not in it. */
async function deadlines(db: Pick<Pool, 'query'> | Connection, sids: readonly string[]): Promise<{ sid: string; account: string; at: number }[]> {
  const { rows } = await db.query<Row>(
    `select sid, account, state, timer_inactive, timer_closed, last_activity_at, timers_from from model.conversation where sid = any ($1) order by sid`, [sids],
  );
  return rows.map((row) => {
    const from = Math.max(Date.parse(row.last_activity_at) + SECOND_MILLIS, row.timers_from === null ? 0 : Date.parse(row.timers_from));
    const timers = { ...(row.timer_inactive && { inactive: row.timer_inactive }), ...(row.timer_closed && { closed: row.timer_closed }) };
    const { inactive, closed } = timerDeadlines(row.state, timers, from);
    return { sid: row.sid, account: row.account, at: Math.min(inactive, closed) };
  });
}

const time = (millis: number): string => new Date(Math.min(millis, FAR)).toISOString();
