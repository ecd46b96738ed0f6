/**
 * The state machine of jobs that wait in lanes, as statements that each commit alone: claiming takes the head of a lane and records
 * the attempt before anybody is called; settling records how it ended. Both work on many lanes at once.
 */
import type { Pool } from '@parley/event-store/database';
import { textArray } from '@parley/event-store/pg-arrays';
import { setTimeout as pause } from 'node:timers/promises';
import { Batcher } from './batcher.js';
import type { LanePlace } from './lane-pool.js';
import { removeInSteps } from './retention.js';

/** Of a table with `job_id`, `account`, `state` ('queued' and 'sending' while it waits), `attempt`, `due_at` and `lease_owner`. */
export type JobTable = {
  /** With its schema. */
  name: string;
  /** Column of the lane's name: with `job_id` the key of an index on what waits. */
  lane: string;
  /** Column of who is called; the place's host is made of it. */
  called: string;
  hostOf(called: string): string;
  /** Takes the heads that are due of the lanes $3, for $1, until $2 milliseconds from now; a claim each, with `o`, its lane's place in $3 from 1. */
  claim: string;
  /** Settlements as JSON ($1), each of an attempt that is still under way. */
  settle: string;
  /** Statements as `removeInSteps` takes them. */
  old: readonly string[];
  /** Longer than an attempt may take: who is silent for so long is taken for dead. */
  leaseMillis: number;
};
/** The head of a lane, ours until the lease ends. */
export type JobClaim = {
  job_id: number; account: string;
  /** Of this attempt, from 1. */
  attempt: number;
};
export type JobEnd = {
  /** `queued`: it is tried again. */
  state: string;
  /** Until the next attempt, for `queued`. */
  dueInMillis?: number | undefined;
  /** Nothing was tried after all. */
  uncounted?: boolean | undefined;
  /** Who was called wants to be left alone so long, by all lanes of the account. */
  holdMillis?: number | undefined;
};
type Settlement<End> = End & { jobId: number; attempt: number };

const LANES_PER_STEP = 2000;
const SETTLE_ATTEMPTS = 6;

export class LaneStore<Claim extends JobClaim, End extends JobEnd> {
  private readonly claims = new Batcher<string, Claim | undefined>((lanes) => this.claimAll(lanes));
  private readonly settlements = new Batcher<Settlement<End>, void>((all) => this.settleAll(all));
  private lastLane = '';

  /** `owner`: stable identity of this instance. */
  constructor(private readonly pool: Pool, private readonly table: JobTable, private readonly owner: string) {}

  /** After a restart: what this instance had in hand when it died is tried again at once. */
  async takeBack(): Promise<void> {
    await this.pool.query(`update ${this.table.name} set due_at = now() where state = 'sending' and lease_owner = $1`, [this.owner]);
  }

  /** The lane's next piece of work, if it is due and nobody has it. */
  claim(lane: string): Promise<Claim | undefined> {
    return this.claims.do(lane);
  }

  /** Insists for a while: an end that is not stored is a call more. */
  async settle({ job_id: jobId, attempt }: Claim, end: End): Promise<void> {
    for (let nth = 1; ; nth++) {
      try {
        return await this.settlements.do({ ...end, jobId, attempt });
      } catch (error) {
        if (nth === SETTLE_ATTEMPTS) throw error;
        await pause(100 * 2 ** nth);
      }
    }
  }

  /** Of the next lanes in turn, those whose head is due: walks from lane to lane by the index, however much waits in each. */
  async dueLanes(): Promise<LanePlace[]> {
    const { rows } = await this.pool.query<{ lane: string; account: string; called: string; due: boolean }>({
      name: `due in ${this.table.name}`, text: dueSql(this.table), values: [this.lastLane, LANES_PER_STEP],
    });
    this.lastLane = rows.length < LANES_PER_STEP ? '' : rows.at(-1)!.lane;
    return rows.filter(({ due }) => due).map(({ lane, account, called }) => ({ lane, account, host: this.table.hostOf(called) }));
  }

  /** What nobody asks for any more. */
  removeOld(): Promise<void> {
    return removeInSteps(this.pool, this.table.old);
  }

  private async claimAll(lanes: string[]): Promise<(Claim | undefined)[]> {
    const { name, claim, leaseMillis } = this.table;
    const { rows } = await this.pool.query<Claim & { o: number }>({ name: `claim in ${name}`, text: claim, values: [this.owner, leaseMillis, textArray(lanes)] });
    const claimed = new Map(rows.map((row) => [row.o, row]));
    return lanes.map((_, i) => claimed.get(i + 1));
  }

  private async settleAll(settlements: Settlement<End>[]): Promise<void[]> {
    await this.pool.query({ name: `settle in ${this.table.name}`, text: this.table.settle, values: [JSON.stringify(settlements)] });
    return settlements.map(() => undefined);
  }
}

const dueSql = ({ name, lane, called }: JobTable) => `
with recursive walk as (
  (select ${lane}, account, ${called}, due_at from ${name} where state in ('queued', 'sending') and ${lane} > $1 order by ${lane}, job_id limit 1)
  union all
  select n.* from walk w cross join lateral (
    select j.${lane}, j.account, j.${called}, j.due_at from ${name} j
     where j.state in ('queued', 'sending') and j.${lane} > w.${lane} order by j.${lane}, j.job_id limit 1) n
)
select ${lane} as lane, account, ${called} as called, due_at <= now() as due from walk limit $2`;
