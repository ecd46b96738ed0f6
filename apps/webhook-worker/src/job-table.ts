/** Webhooks on their way out, as the lanes of `webhook.job` (libs/delivery/lane-store.ts): how they are claimed, settled and removed. */
import type { JobClaim, JobEnd, JobTable } from '@parley/delivery/lane-store';
import { STEP } from '@parley/delivery/retention';
import type { Parameters } from '@parley/webhooks/event-parameters';

export type Claim = JobClaim & { job_key: string; lane: string; event_type: string; url: string; method: string; parameters: Parameters };
export type End = JobEnd & { state: 'delivered' | 'failed' | 'queued'; httpStatus?: number | undefined; errorCode?: number | undefined };

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

const oldSql = [
  `delete from webhook.job where job_id in (select job_id from webhook.job
    where created_at < now() - interval '7 days' and state in ('delivered', 'failed') order by created_at limit ${STEP})`,
  `delete from webhook.removed where sid in (select sid from webhook.removed
    where kept_at < now() - interval '7 days' order by kept_at limit ${STEP})`,
];

export const hostOf = (url: string): string => new URL(url).host;

export const webhookJobs: JobTable = {
  name: 'webhook.job', lane: 'lane', called: 'url', hostOf, claim: claimSql, settle: settleSql, old: oldSql, leaseMillis: 15_000,
};
