/** How much of the time somebody has waited was quiet for their conversation, by the hours that were in force then (migrations/0023_quiet_waits.sql). */
import { quietMillis, type QuietHours } from '@parley/domain/delivery/quiet-hours';
import type { Pool } from '@parley/event-store/database';

/** Since when its deadline runs, its deadline, now: milliseconds since 1970. */
export type Overdue = [from: number, deadline: number, now: number];
/** `overdue` null: its deadline has not passed, whatever it counts. `conversation_sid`: empty outside any. */
type Waiting = { account: string; conversation_sid: string; channel: string; overdue: Overdue | null };
/** In force until then, since the one before; `until` null: now. */
type Era = { own: boolean; quiet_hours: QuietHours | null; until: number | null };

/** Whether each is past its deadline, and what that does not count so far. Asks the database only about those whose deadline has passed on the clock. */
export async function lateness(pool: Pool, all: readonly Waiting[]): Promise<{ expired: boolean; quietMillis: number }[]> {
  const late = all.filter(({ overdue }) => overdue !== null);
  const eras = late.length === 0 ? [] : await erasOf(pool, late);
  return all.map((one) => {
    if (!one.overdue) return { expired: false, quietMillis: 0 };
    const quietMillis = quietTime(one.channel, one.overdue, eras[late.indexOf(one)]!);
    return { expired: one.overdue[1] + quietMillis <= one.overdue[2], quietMillis };
  });
}

async function erasOf(pool: Pool, late: readonly Waiting[]): Promise<Era[][]> {
  const { rows } = await pool.query<Era & { o: number }>({
    name: 'quiet-times', text: erasSql,
    values: [late.map(({ account }) => account), late.map(({ conversation_sid }) => conversation_sid), late.map(({ overdue }) => overdue![0] / 1000)],
  });
  return late.map((_, i) => rows.filter(({ o }) => o === i + 1));
}

function quietTime(channel: string, [from, , to]: Overdue, eras: readonly Era[]): number {
  const changes = eras.flatMap(({ until }) => (until !== null && until > from && until < to ? [until] : []));
  let [sum, at] = [0, from];
  for (const end of [...changes, to]) {
    sum += quietMillis(hoursAt(eras, at), channel, at, end);
    at = end;
  }
  return sum;
}

/** A conversation's own lie over the account's, whatever channels they name. */
function hoursAt(eras: readonly Era[], at: number): QuietHours | undefined {
  const inForce = (of: boolean) => eras.find(({ own, until }) => own === of && (until === null || until > at))?.quiet_hours ?? undefined;
  return inForce(true) ?? inForce(false);
}

const erasSql = `
select w.o::integer, h.conversation_sid <> '' as own, h.quiet_hours, (extract(epoch from h.until) * 1000)::float8 as until
  from unnest($1::text[], $2::text[], $3::float8[]) with ordinality w (account, conversation_sid, since, o)
 cross join lateral (
   select p.conversation_sid, p.policy->'quiet_hours' as quiet_hours, null::timestamptz as until from delivery.routing_policy p
    where p.account = w.account and p.conversation_sid in ('', w.conversation_sid)
    union all
   select p.conversation_sid, p.quiet_hours, p.until from delivery.quiet_hours_past p
    where p.account = w.account and p.conversation_sid in ('', w.conversation_sid) and p.until > to_timestamp(w.since)) h
 order by h.until nulls last`;
