/**
 * One message to a group is told to each of our numbers in it, under ids of their own: one of these reports is taken. Of a number that
 * is listened to that is its own; another's waits, and is taken (overdue-reports.ts) when the deadline passes and nobody brought the
 * message. What is the same message is known by its author and its text; the n-th of one number is the n-th of the others.
 */
import type { InboundMessage } from '@parley/contracts/commands';
import { groupKey } from '@parley/domain/conversation/group';
import { transaction, type Pool } from '@parley/event-store/database';
import { logger } from '@parley/telemetry/logger';
import { metrics } from '@parley/telemetry/metrics';
import { createHash } from 'node:crypto';

type Reported = { taken: boolean; known: boolean; overdue: boolean; like: string | null };

/** Reports of one message come within this time of each other; later ones are another message of the same words. */
const SAME_HOURS = 1;
const log = logger('group-reports');
const overdue = metrics.counter('parley_group_reports_overdue_total', 'Messages to groups taken as another number was told of them, because the one that is listened to was silent');

export class GroupReports {
  constructor(
    private readonly pool: Pool,
    private readonly waitMillis: number,
  ) {}

  /** Whether this report is the one that is taken, now and whenever it is asked again. `first`: the number that is listened to. */
  async turn(account: string, message: InboundMessage, first: string): Promise<'take' | 'told'> {
    const { providerMessageId: reference, from, to, group = [], body } = message;
    const numbers = groupKey([from, to, ...group]);
    return transaction(this.pool, async (tx) => {
      await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 13))', [JSON.stringify([account, numbers, from])]);
      await tx.query({ name: 'note-group-report', text: noteSql, values: [account, reference, numbers, from, to, digestOf(body)] });
      const { rows: [told] } = await tx.query<Reported>({ name: 'group-report', text: reportedSql, values: [account, reference, this.waitMillis] });
      const { taken, known, overdue: late, like } = told!;
      if (taken) return 'take';
      if (known) return 'told';
      if (to === first || (late && like === null)) {
        await tx.query({ name: 'take-group-report', text: takeSql, values: [account, reference] });
        if (to === first) return 'take';
        overdue.add(1);
        log.warn('a group was told of by another number than the one that is listened to', { account, silent: first, told: to });
        return 'take';
      }
      if (late) await tx.query('update delivery.group_report set message = $3 where account = $1 and reference = $2', [account, reference, like]);
      else await tx.query(`update delivery.group_report set waiting = $3, due_at = reported_at + $4 * interval '1 ms' where account = $1 and reference = $2 and waiting is null`,
        [account, reference, JSON.stringify(message), this.waitMillis]);
      return 'told';
    });
  }
}

/** Carriers differ in spacing and in how they compose letters. */
const digestOf = (text: string | null): string => createHash('sha256').update((text ?? '').normalize('NFC').replaceAll(/\s+/g, ' ').trim()).digest('base64');

const noteSql = `
insert into delivery.group_report (account, reference, numbers, author, number, digest, message)
select $1, $2, $3, $4, $5, $6, coalesce((
  select r.message from delivery.group_report r
   where r.account = $1 and r.numbers = $3 and r.author = $4 and r.reported_at > now() - interval '${SAME_HOURS} h'
   group by r.message having bool_or(r.digest = $6) and not bool_or(r.number = $5) order by min(r.id) limit 1), $2)
    on conflict (account, reference) do nothing`;

// `like`: what somebody brought at that time and this number was not told of, in other words: some carriers rewrite texts. Asked only
// of a report that is overdue. By message or by time alone, so that each has one index to go by: an author's week is not read.
const reportedSql = `
select r.taken, r.reported_at <= now() - $3 * interval '1 ms' as overdue, exists (
         select 1 from delivery.group_report o where o.account = r.account and o.message = r.message and o.taken and o.id <> r.id) as known,
       case when r.reported_at <= now() - $3 * interval '1 ms' then (
         select o.message from delivery.group_report o
          where o.account = r.account and o.numbers = r.numbers and o.author = r.author and o.message <> r.message and o.taken
            and o.reported_at between r.reported_at - $3 * interval '1 ms' and r.reported_at + $3 * interval '1 ms' and not exists (
              select 1 from delivery.group_report e where e.account = r.account and e.message = o.message and e.number = r.number)
          order by o.reported_at, o.id limit 1) end as like
  from delivery.group_report r where r.account = $1 and r.reference = $2`;

// The other reports of it wait for nothing any more; what is taken late is only done with once it was routed.
const takeSql = `
update delivery.group_report r set taken = r.reference = $2, waiting = case when r.reference = $2 then r.waiting end, due_at = case when r.reference = $2 then r.due_at end
  from delivery.group_report t where t.account = $1 and t.reference = $2 and r.account = t.account and r.message = t.message`;
