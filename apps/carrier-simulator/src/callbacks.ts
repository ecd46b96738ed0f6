/**
 * Posts the webhooks the simulator owes, signed as Twilio signs, each again and again until it is answered 2xx: in order per
 * lane (a message's reports, a person's messages), a bounded number at a time. What is owed is in the database only.
 */
import { twilioSignature } from '@parley/channel/signatures';
import { Batcher } from '@parley/delivery/batcher';
import type { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import { logger } from '@parley/telemetry/logger';

type Owed = {
  id: number; account: string; lane: string; url: string; form: Record<string, string>; sid: string | null; status: string | null;
  error_code: number | null; attempts: number;
};

const AT_ONCE_MAX = 32;
const TAKE_MAX = 500;
/** More wait in the table: what is in memory is passed over one by one at every look. */
const IN_MEMORY_MAX = 1_000;
const ANSWER_MILLIS = 15_000;
const PAUSE_MILLIS = 250;
const PAUSE_MILLIS_MAX = 15_000;
/** Then the client is taken for gone. */
const GIVE_UP_HOURS = 24;
const STOP_MILLIS = 3_000;
const GLANCE_MILLIS = 20;
const IDLE_MILLIS = 1_000;
const log = logger('simulator-callbacks');

export class Callbacks {
  private readonly done = new Batcher<Owed, void>((all) => this.settle(all), { pauseMillis: 5, batchMax: 500 });
  private readonly inMemory = new Set<number>();
  private readonly lanes = new Map<string, Owed[]>();
  private readonly ready: string[] = [];
  /** Lanes whose first callback has to be posted again, and when. */
  private readonly held = new Map<string, number>();
  private working = 0;
  private timer: NodeJS.Timeout | undefined;
  private wakeAt = Infinity;
  private looking: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly pool: Pool,
    private readonly accounts: Accounts,
  ) {}

  /** Looks for what is due after so long, or earlier when it was asked for before. */
  lookIn(millis: number): void {
    const at = Date.now() + millis;
    if (this.stopped || this.wakeAt <= at) return;
    clearTimeout(this.timer);
    this.wakeAt = at;
    this.timer = setTimeout(() => {
      this.wakeAt = Infinity;
      this.looking = this.look().catch((error: unknown) => {
        log.warn('looking for callbacks failed, trying again', { error });
        this.lookIn(IDLE_MILLIS);
      });
    }, millis);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.looking;
    for (const end = Date.now() + STOP_MILLIS; this.working > 0 && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  private async look(): Promise<void> {
    const began = Date.now();
    // One moment divides what is taken from what is waited for.
    const { rows: [time] } = await this.pool.query<{ at: string; millis: number | null }>({ name: 'next-callback', text: nextSql });
    const room = Math.max(0, Math.min(TAKE_MAX, IN_MEMORY_MAX - this.inMemory.size));
    const { rows } = room === 0 ? { rows: [] } : await this.pool.query<Owed>({ name: 'owed-callbacks', text: owedSql, values: [room, [...this.inMemory], time!.at] });
    // What was asked while a lane was held may not know yet that its first has to wait, however late the answer comes.
    for (const [lane, until] of this.held) if (until <= began) this.held.delete(lane);
    for (const owed of rows) if (!this.held.has(owed.lane)) this.enqueue(owed);
    this.advance();
    const next = rows.length === room ? 0 : (time!.millis ?? IDLE_MILLIS);
    this.lookIn(Math.min(Math.max(next, GLANCE_MILLIS), IDLE_MILLIS));
  }

  private enqueue(owed: Owed): void {
    this.inMemory.add(owed.id);
    const waiting = this.lanes.get(owed.lane);
    if (waiting) return void waiting.push(owed);
    this.lanes.set(owed.lane, [owed]);
    this.ready.push(owed.lane);
  }

  private advance(): void {
    while (this.working < AT_ONCE_MAX && this.ready.length > 0 && !this.stopped) void this.work(this.ready.shift()!);
  }

  private async work(lane: string): Promise<void> {
    this.working++;
    const waiting = this.lanes.get(lane)!;
    const owed = waiting.shift()!;
    const answered = await this.post(owed);
    if (answered) await this.done.do(owed).catch((error: unknown) => log.warn('callback not marked, it is posted again', { id: owed.id, error }));
    else await this.postpone(owed, waiting);
    this.inMemory.delete(owed.id);
    this.working--;
    if (waiting.length > 0) this.ready.push(lane);
    else this.lanes.delete(lane);
    this.advance();
  }

  private async post({ account, url, form, attempts }: Owed): Promise<boolean> {
    const authToken = (await this.accounts.find(account).catch(() => undefined))?.authToken;
    if (authToken === undefined) return false;
    const body = new URLSearchParams(form);
    try {
      const response = await fetch(url, {
        method: 'POST', body, redirect: 'error', signal: AbortSignal.timeout(ANSWER_MILLIS),
        headers: { 'x-twilio-signature': twilioSignature(authToken, url, body), 'user-agent': 'ParleySimulator/1' },
      });
      await response.body?.cancel();
      if (response.ok) return true;
      log.debug('callback refused', { status: response.status, attempts });
    } catch (error) {
      log.debug('callback not answered', { attempts, error });
    }
    return false;
  }

  /** The lane waits with it: what is behind goes back to the table, and what is just being read from it as well. */
  private async postpone({ id, lane, attempts }: Owed, waiting: Owed[]): Promise<void> {
    const millis = Math.min(PAUSE_MILLIS * 2 ** Math.min(attempts, 10), PAUSE_MILLIS_MAX);
    this.held.set(lane, Date.now() + millis);
    const behind = waiting.splice(0);
    await this.pool.query(
      "update simulator.callback set attempts = attempts + 1, due_at = now() + $2 * interval '1 ms' where id = $1", [id, millis],
    ).catch((error: unknown) => log.warn('callback not postponed', { id, error }));
    await this.pool.query(`delete from simulator.callback where id = $1 and owed_at < now() - interval '${GIVE_UP_HOURS} hours'`, [id])
      .catch((error: unknown) => log.warn('callback not given up', { id, error }));
    // Only now: before the first was put off, whoever looked would have found these free to go.
    for (const { id: other } of behind) this.inMemory.delete(other);
    this.held.set(lane, Date.now() + millis);
    this.lookIn(millis);
  }

  private async settle(all: Owed[]): Promise<void[]> {
    await this.pool.query({ name: 'settle-callbacks', text: settleSql, values: [JSON.stringify(all.map(({ id, sid, status, error_code }) => ({ id, sid, status, error_code })))] });
    return all.map(() => undefined);
  }
}

const nextSql = `
select now()::text as at, (extract(epoch from min(due_at) - now()) * 1000)::float as millis from simulator.callback where due_at > now()`;

const owedSql = `
select c.id, c.account, c.lane, c.url, c.form, c.sid, c.status, c.error_code, c.attempts from simulator.callback c
 where c.due_at <= $3::timestamptz and c.id <> all ($2::bigint[])
   and not exists (select 1 from simulator.callback e where e.lane = c.lane and e.id < c.id and e.due_at > $3::timestamptz)
 order by c.id limit $1`;

// The message's own status is the furthest that was reported.
const settleSql = `
with said as (
  select * from jsonb_to_recordset($1) as s (id bigint, sid text, status text, error_code integer)
), posted as (
  delete from simulator.callback c using said s where c.id = s.id
), furthest as (
  select distinct on (sid) sid, status, error_code, delivery.rank(status) as rank from said where sid is not null order by sid, delivery.rank(status) desc
)
update simulator.message m set status = f.status, error_code = f.error_code from furthest f
 where m.sid = f.sid and coalesce(delivery.rank(m.status), 0) < f.rank`;
