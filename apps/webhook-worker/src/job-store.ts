/**
 * The state machine of webhook jobs, as statements that each commit alone: claiming takes the head of a lane and records the
 * attempt before the target is called; settling records how it ended. Both work on many lanes at once.
 */
import { Batcher } from '@parley/delivery/batcher';
import type { Pool } from '@parley/event-store/database';
import { textArray } from '@parley/event-store/pg-arrays';
import type { Parameters } from '@parley/webhooks/event-parameters';
import { placeOf, type JobPlace } from './job-planner.js';

/** The head of a lane, ours until the lease ends. */
export type Claim = {
  job_id: number; job_key: string; account: string; lane: string; event_type: string; url: string; method: string; parameters: Parameters;
  /** Of this attempt, from 1. */
  attempt: number;
};
export type Settlement = {
  jobId: number;
  attempt: number;
  state: 'delivered' | 'failed' | 'queued';
  httpStatus?: number | undefined;
  errorCode?: number | undefined;
  /** Until the next attempt, for `queued`. */
  dueInMillis?: number;
  /** Nothing was tried after all. */
  uncounted?: boolean;
};

const LANES_PER_STEP = 2000;
const REMOVED_PER_STEP = 1000;

export class JobStore {
  private readonly claims = new Batcher<string, Claim | undefined>((lanes) => this.claimAll(lanes));
  private readonly settlements = new Batcher<Settlement, undefined>((all) => this.settleAll(all));
  private lastLane = '';

  constructor(
    private readonly pool: Pool,
    private readonly owner: string,
    /** Longer than a call may take: who is silent for so long is taken for dead. */
    private readonly leaseMillis = 15_000,
  ) {}

  /** After a restart: what this instance had in hand when it died is tried again at once. */
  async takeBack(): Promise<void> {
    await this.pool.query(`update webhook.job set due_at = now() where state = 'sending' and lease_owner = $1`, [this.owner]);
  }

  /** The lane's next piece of work, if it is due and nobody has it. */
  claim(lane: string): Promise<Claim | undefined> {
    return this.claims.do(lane);
  }

  settle(settlement: Settlement): Promise<undefined> {
    return this.settlements.do(settlement);
  }

  /** Of the next lanes in turn, those whose head is due: walks from lane to lane by the index, however much waits in each. */
  async dueLanes(): Promise<JobPlace[]> {
    const { rows } = await this.pool.query<{ lane: string; account: string; url: string; due: boolean }>({ name: 'due-webhooks', text: dueSql, values: [this.lastLane, LANES_PER_STEP] });
    this.lastLane = rows.length < LANES_PER_STEP ? '' : rows.at(-1)!.lane;
    return rows.filter(({ due }) => due).map(placeOf);
  }

  /** What nobody asks for any more, in small steps. */
  async removeOld(): Promise<void> {
    for (const step of oldSql) for (let removed = REMOVED_PER_STEP; removed === REMOVED_PER_STEP; ) removed = (await this.pool.query(step)).rowCount ?? 0;
  }

  private async claimAll(lanes: string[]): Promise<(Claim | undefined)[]> {
    const { rows } = await this.pool.query<Claim & { o: number }>({
      name: 'claim-webhooks', text: claimSql, values: [this.owner, this.leaseMillis, textArray(lanes)],
    });
    const claimed = new Map(rows.map((row) => [row.o, row]));
    return lanes.map((_, i) => claimed.get(i + 1));
  }

  private async settleAll(settlements: Settlement[]): Promise<undefined[]> {
    await this.pool.query({ name: 'settle-webhooks', text: settleSql, values: [JSON.stringify(settlements)] });
    return settlements.map(() => undefined);
  }
}

// `head` is the first of each lane whoever holds it: a lane whose head is taken is passed over, never its second row taken.
const claimSql = `
with head as (
  select l.o, h.job_id from unnest($3::text[]) with ordinality l (lane, o) cross join lateral (
    select job_id, due_at from webhook.job j where j.lane = l.lane and j.state in ('queued', 'sending') order by job_id limit 1) h
   where h.due_at <= now()
)
update webhook.job j set state = 'sending', attempt = j.attempt + 1, due_at = now() + $2 * interval '1 ms', lease_owner = $1, updated_at = now()
  from head where j.job_id = head.job_id and j.due_at <= now() and j.state in ('queued', 'sending')
returning head.o::integer as o, j.job_id, j.job_key, j.account, j.lane, j.event_type, j.url, j.method, j.parameters, j.attempt`;

const settleSql = `
update webhook.job j
   set state = s.state, http_status = s."httpStatus", error_code = s."errorCode", lease_owner = null, updated_at = now(),
       attempt = j.attempt - case when s.uncounted then 1 else 0 end,
       due_at = now() + coalesce(s."dueInMillis", 0) * interval '1 ms',
       parameters = case when s.state = 'queued' then j.parameters end
  from jsonb_to_recordset($1) s ("jobId" bigint, attempt smallint, state text, "httpStatus" smallint, "errorCode" integer,
                                 "dueInMillis" integer, uncounted boolean)
 where j.job_id = s."jobId" and j.attempt = s.attempt and j.state = 'sending'`;

const dueSql = `
with recursive lane as (
  (select lane, account, url, due_at from webhook.job where state in ('queued', 'sending') and lane > $1 order by lane, job_id limit 1)
  union all
  select n.* from lane l cross join lateral (
    select j.lane, j.account, j.url, j.due_at from webhook.job j
     where j.state in ('queued', 'sending') and j.lane > l.lane order by j.lane, j.job_id limit 1) n
)
select lane, account, url, due_at <= now() as due from lane limit $2`;

const oldSql = [
  `delete from webhook.job where job_id in (select job_id from webhook.job
    where created_at < now() - interval '7 days' and state in ('delivered', 'failed') order by created_at limit ${REMOVED_PER_STEP})`,
  `delete from webhook.removed where sid in (select sid from webhook.removed
    where kept_at < now() - interval '7 days' order by kept_at limit ${REMOVED_PER_STEP})`,
];
