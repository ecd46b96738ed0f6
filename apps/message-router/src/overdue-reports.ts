/**
 * Takes the reports of groups that waited long enough (group-reports.ts), those of one number and group in order. Accounts have turns of
 * their own, of a few reports at once: one whose webhooks are slow delays itself alone. Several processes at once share the work.
 */
import type { InboundMessage, RouterCommands } from '@parley/contracts/commands';
import { DomainError } from '@parley/domain/domain-error';
import { isConnectionError, type Pool } from '@parley/event-store/database';
import { logger } from '@parley/telemetry/logger';

type Waiting = { id: number; waiting: InboundMessage; attempts: number };

const ACCOUNTS_MAX = 32;
const AT_ONCE_PER_ACCOUNT = 4;
/** Then the next accounts have theirs. */
const TURN_MILLIS = 5_000;
/** Who works on a report and is silent for so long is taken for dead. */
const LEASE_MILLIS = 10_000;
/** A report that fails for reasons of its own is given up then; it is kept to be looked at. */
const ATTEMPTS_MAX = 10;
const PAUSE_MILLIS_MAX = 60_000;
const log = logger('overdue-reports');

export class OverdueReports {
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> = Promise.resolve();
  private readonly turns = new Map<string, Promise<void>>();
  private lastAccount = '';
  private stopped = false;

  constructor(
    private readonly pool: Pool,
    private readonly router: Pick<RouterCommands, 'routeInbound'>,
    private readonly intervalMillis: number,
  ) {}

  start(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.looking = this.look().catch((error: unknown) => log.warn('overdue reports not looked for, trying again', { error })).then(() => this.start());
    }, this.intervalMillis);
  }

  /** Begins nothing more; returns when what was begun is done, which takes as long as one report. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.looking;
    await this.settled();
  }

  /** Gives turns to accounts that have something due and no turn yet, and waits for none of them. */
  async look(): Promise<void> {
    const free = ACCOUNTS_MAX - this.turns.size;
    if (free === 0) return;
    const { rows } = await this.pool.query<{ account: string }>({ name: 'accounts-of-due-reports', text: accountsSql, values: [this.lastAccount, [...this.turns.keys()], free] });
    this.lastAccount = rows.length < free ? '' : rows.at(-1)!.account;
    for (const { account } of rows) this.turns.set(account, this.turn(account));
  }

  /** When the turns that are under way have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.turns.values());
  }

  private async turn(account: string): Promise<void> {
    const end = Date.now() + TURN_MILLIS;
    try {
      while (!this.stopped && Date.now() < end) {
        const { rows } = await this.pool.query<Waiting>({ name: 'due-group-reports', text: dueSql, values: [account, AT_ONCE_PER_ACCOUNT, LEASE_MILLIS] });
        if (rows.length === 0) return;
        await Promise.all(rows.map((row) => this.conclude(account, row)));
      }
    } catch (error) {
      log.warn('overdue reports not read, trying again', { account, error });
    } finally {
      this.turns.delete(account);
    }
  }

  private async conclude(account: string, { id, waiting, attempts }: Waiting): Promise<void> {
    try {
      await this.router.routeInbound(account, waiting);
      await this.pool.query('update delivery.group_report set waiting = null, due_at = null where id = $1', [id]);
    } catch (error) {
      const givenUp = !isTransient(error) && attempts >= ATTEMPTS_MAX;
      log.warn('report of a group not handled yet', { id, attempts, givenUp, error });
      await this.pool.query(`update delivery.group_report set due_at = case when $2 then null else now() + $3 * interval '1 ms' end where id = $1`,
        [id, givenUp, Math.min(500 * 2 ** attempts, PAUSE_MILLIS_MAX)])
        .catch((unnoted: unknown) => log.warn('report of a group is tried again when its lease is over', { id, error: unnoted }));
    }
  }
}

const isTransient = (error: unknown): boolean =>
  error instanceof DomainError ? ['overloaded', 'unavailable', 'conflicting_modification'].includes(error.code) : isConnectionError(error);

// Both walk by the index from one account, or one number in a group, to the next: what waits behind costs nothing.
const accountsSql = `
with recursive known as (
  (select account from delivery.group_report where due_at is not null and account > $1 order by account limit 1)
  union all
  select n.account from known k cross join lateral (
    select r.account from delivery.group_report r where r.due_at is not null and r.account > k.account order by r.account limit 1) n
)
select account from known k
 where account <> all($2) and exists (select 1 from delivery.group_report r where r.account = k.account and r.due_at <= now()) limit $3`;

const dueSql = `
with recursive head as (
  (select numbers, number, id from delivery.group_report where account = $1 and due_at is not null order by numbers, number, id limit 1)
  union all
  select n.* from head h cross join lateral (
    select r.numbers, r.number, r.id from delivery.group_report r
     where r.account = $1 and r.due_at is not null and (r.numbers, r.number) > (h.numbers, h.number)
     order by r.numbers, r.number, r.id limit 1) n
), due as (
  select r.id from delivery.group_report r join head h on h.id = r.id where r.due_at <= now() order by r.due_at limit $2 for update of r skip locked
)
update delivery.group_report r set due_at = now() + $3 * interval '1 ms', attempts = attempts + 1 from due where r.id = due.id
returning r.id, r.waiting, r.attempts`;
