/**
 * The state machine of push jobs, as statements that each commit alone: claiming takes the head of a device's lane and records the
 * attempt before the push service is called; settling records how it ended. Both work on many lanes at once.
 */
import { Batcher } from '@parley/delivery/batcher';
import type { LanePlace } from '@parley/delivery/lane-pool';
import type { Pool } from '@parley/event-store/database';
import { textArray } from '@parley/event-store/pg-arrays';
import type { PushKind } from '@parley/push/push-provider';
import type { StoredNotification } from './push-notice.js';

/** The head of a lane, ours until the lease ends, with its device as it is now. */
export type Claim = {
  job_id: number; job_key: string; account: string; service: string; binding: string; identity: string; kind: PushKind; notification: StoredNotification;
  /** Of this attempt, from 1. */
  attempt: number;
  /** Of the attempt before. */
  reason: string | null;
  expires_at: string; expired: boolean;
  /** The message is still there, or the conversation where it is about none. */
  living: boolean;
  /** Null: the device is gone, or somebody else's now. */
  address: string | null; binding_type: string | null; credential: string | null; bound_at: string | null;
  /** When the credential was changed; null: there is none. */
  credential_at: string | null;
};
export type Settlement = {
  jobId: number;
  attempt: number;
  state: 'sent' | 'failed' | 'dropped' | 'queued';
  reason?: string | undefined;
  /** Until the next attempt, for `queued`. */
  dueInMillis?: number | undefined;
  /** Nothing was tried after all. */
  uncounted?: boolean | undefined;
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
    /** Longer than an attempt may take: who is silent for so long is taken for dead. */
    private readonly leaseMillis = 45_000,
  ) {}

  /** After a restart: what this instance had in hand when it died is tried again at once. */
  async takeBack(): Promise<void> {
    await this.pool.query(`update push.job set due_at = now() where state = 'sending' and lease_owner = $1`, [this.owner]);
  }

  /** The lane's next piece of work, if it is due and nobody has it. */
  claim(lane: string): Promise<Claim | undefined> {
    return this.claims.do(lane);
  }

  settle(settlement: Settlement): Promise<undefined> {
    return this.settlements.do(settlement);
  }

  /** Of the next lanes in turn, those whose head is due: walks from lane to lane by the index, however much waits in each. */
  async dueLanes(): Promise<LanePlace[]> {
    const { rows } = await this.pool.query<LanePlace & { due: boolean }>({ name: 'due-pushes', text: dueSql, values: [this.lastLane, LANES_PER_STEP] });
    this.lastLane = rows.length < LANES_PER_STEP ? '' : rows.at(-1)!.lane;
    return rows.filter(({ due }) => due).map(({ lane, account, host }) => ({ lane, account, host }));
  }

  /** Conversations of the service in which the user has not read everything; a thousand at most. */
  async unreadConversations(account: string, service: string, identity: string): Promise<number> {
    const { rows: [row] } = await this.pool.query<{ count: number }>({ name: 'push-badge', text: badgeSql, values: [account, service, identity] });
    return row!.count;
  }

  /** What nobody asks for any more, in small steps. */
  async removeOld(): Promise<void> {
    for (let removed = REMOVED_PER_STEP; removed === REMOVED_PER_STEP; ) removed = (await this.pool.query(oldSql)).rowCount ?? 0;
  }

  /** Devices not heard of for so many days, some at a time. */
  async silentDevices(days: number): Promise<{ sid: string; account: string; updated_at: string }[]> {
    const { rows } = await this.pool.query<{ sid: string; account: string; updated_at: string }>(
      `select sid, account, updated_at from model.push_binding where updated_at < now() - $1 * interval '1 day' limit ${REMOVED_PER_STEP}`, [days]);
    return rows;
  }

  private async claimAll(lanes: string[]): Promise<(Claim | undefined)[]> {
    const { rows } = await this.pool.query<Claim & { o: number }>({ name: 'claim-pushes', text: claimSql, values: [this.owner, this.leaseMillis, textArray(lanes)] });
    const claimed = new Map(rows.map((row) => [row.o, row]));
    return lanes.map((_, i) => claimed.get(i + 1));
  }

  private async settleAll(settlements: Settlement[]): Promise<undefined[]> {
    await this.pool.query({ name: 'settle-pushes', text: settleSql, values: [JSON.stringify(settlements)] });
    return settlements.map(() => undefined);
  }
}

// `head` is the first of each lane whoever holds it: a lane whose head is taken is passed over, never its second row taken.
const claimSql = `
with head as (
  select l.o, h.job_id from unnest($3::text[]) with ordinality l (lane, o) cross join lateral (
    select job_id, due_at from push.job j where j.binding_sid = l.lane and j.state in ('queued', 'sending') order by job_id limit 1) h
   where h.due_at <= now()
), taken as (
  update push.job j set state = 'sending', attempt = j.attempt + 1, due_at = now() + $2 * interval '1 ms', lease_owner = $1, updated_at = now()
    from head where j.job_id = head.job_id and j.due_at <= now() and j.state in ('queued', 'sending')
  returning head.o::integer as o, j.*
)
select t.o, t.job_id, t.job_key, t.account, t.chat_service_sid as service, t.binding_sid as binding, t.identity, t.kind, t.notification, t.attempt, t.reason, t.expires_at,
       t.expires_at <= now() as expired,
       case when t.message_sid is null then exists (select 1 from model.conversation v where v.sid = t.conversation_sid)
            else exists (select 1 from model.message m where m.sid = t.message_sid) end as living,
       b.address, b.binding_type, b.credential_sid as credential, b.updated_at as bound_at, c.updated_at as credential_at
  from taken t
  left join model.push_binding b on b.sid = t.binding_sid and b.account = t.account and b.identity = t.identity
  left join model.credential c on c.sid = b.credential_sid and c.account = t.account`;

/** What is over and not to be kept leaves no row. */
const settleSql = `
with s as (
  select * from jsonb_to_recordset($1) s ("jobId" bigint, attempt smallint, state text, reason text, "dueInMillis" integer, uncounted boolean)
), gone as (
  delete from push.job j using s where j.job_id = s."jobId" and j.attempt = s.attempt and j.state = 'sending' and s.state in ('sent', 'dropped') and not j.kept
)
update push.job j
   set state = s.state, reason = coalesce(s.reason, j.reason), lease_owner = null, updated_at = now(),
       attempt = j.attempt - case when s.uncounted then 1 else 0 end,
       due_at = now() + coalesce(s."dueInMillis", 0) * interval '1 ms',
       notification = case when s.state = 'queued' then j.notification end
  from s where j.job_id = s."jobId" and j.attempt = s.attempt and j.state = 'sending' and (s.state in ('queued', 'failed') or j.kept)`;

const dueSql = `
with recursive lane as (
  (select binding_sid, account, host, due_at from push.job where state in ('queued', 'sending') and binding_sid > $1 order by binding_sid, job_id limit 1)
  union all
  select n.* from lane l cross join lateral (
    select j.binding_sid, j.account, j.host, j.due_at from push.job j
     where j.state in ('queued', 'sending') and j.binding_sid > l.binding_sid order by j.binding_sid, j.job_id limit 1) n
)
select binding_sid as lane, account, host, due_at <= now() as due from lane limit $2`;

const badgeSql = `
select count(*)::integer as count from (
  select p.conversation_sid, p.last_read_message_index from model.participant p join model.conversation c on c.sid = p.conversation_sid and c.chat_service_sid = $2
   where p.account = $1 and p.identity = $3 and p.ended is null limit 1000) p
 where exists (select 1 from model.message m where m.conversation_sid = p.conversation_sid and m.index > coalesce(p.last_read_message_index, -1))`;

const oldSql = `delete from push.job where job_id in (select job_id from push.job
  where created_at < now() - interval '7 days' and state in ('sent', 'failed', 'dropped') order by created_at limit ${REMOVED_PER_STEP})`;
