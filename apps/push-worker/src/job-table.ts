/** Notifications on their way out, as the lanes of `push.job` (libs/delivery/lane-store.ts): how they are claimed, settled and removed. */
import type { JobClaim, JobEnd, JobTable } from '@parley/delivery/lane-store';
import { STEP } from '@parley/delivery/retention';
import type { PushKind } from '@parley/push/push-provider';
import type { StoredNotification } from './push-notice.js';

/** With its device as it is now. */
export type Claim = JobClaim & {
  job_key: string; service: string; binding: string; identity: string; kind: PushKind; notification: StoredNotification;
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
export type End = JobEnd & { state: 'sent' | 'failed' | 'dropped' | 'queued'; reason?: string | undefined };

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

const oldSql = [
  `delete from push.job where job_id in (select job_id from push.job
    where created_at < now() - interval '7 days' and state in ('sent', 'failed', 'dropped') order by created_at limit ${STEP})`,
];

export const pushJobs: JobTable = {
  name: 'push.job', lane: 'binding_sid', called: 'host', hostOf: (host) => host, claim: claimSql, settle: settleSql, old: oldSql, leaseMillis: 45_000,
};
