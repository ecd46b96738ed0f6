/** A report costs the same however much its author said all week, and whatever waits for others (design, P7). */
import type { InboundMessage } from '@parley/contracts/commands';
import { groupKey } from '@parley/domain/conversation/group';
import { newSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { readMoreThan } from '@parley/event-store/entries-read.testing';
import { createWorkPool } from '@parley/delivery/work-pool';
import { GroupReports } from './group-reports.js';
import { OverdueReports } from './overdue-reports.js';

const [ANN, DESK, SHOP] = ['+12025550101', '+12025550190', '+12025550191'] as const;
const WAIT_MILLIS = 60_000;
/** Of one index: much less than there are. */
const ENTRIES_MAX = 600;
const account = newSid('AC');
let db: TestDatabase;
/** One connection, so that its statements and its statistics are the same one's. */
let pool: ReturnType<typeof createWorkPool>;
beforeAll(async () => {
  db = await testDatabase();
  pool = createWorkPool(db.url);
  pool.options.max = 1;
});
afterAll(async () => {
  await pool.end();
  await db.drop();
});

let count = 0;
const report = (to: string): InboundMessage => ({
  channel: 'sms', from: ANN, to, group: [to === DESK ? SHOP : DESK], body: `hello ${String(++count)}`, media: null, providerMessageId: `played:${String(count)}`, receivedAt: new Date().toISOString(),
});

/** One that is taken, and one that waits, is overdue, and is taken then. */
async function everything(): Promise<void> {
  const reports = new GroupReports(pool, WAIT_MILLIS);
  expect(await reports.turn(account, report(DESK), DESK)).toBe('take');
  const waiting = report(SHOP);
  expect(await reports.turn(account, waiting, DESK)).toBe('told');
  const early = `${WAIT_MILLIS} * interval '1 ms'`;
  await pool.query(`update delivery.group_report set due_at = due_at - ${early}, reported_at = reported_at - ${early} where account = $1 and reference = $2`, [account, waiting.providerMessageId]);
  const routed: string[] = [];
  const routeInbound = async (_account: string, message: InboundMessage) => {
    routed.push(await reports.turn(account, message, DESK));
    return { outcome: 'unrouted' } as const;
  };
  const overdue = new OverdueReports(pool, { routeInbound }, 1000);
  await overdue.look();
  await overdue.settled();
  expect(routed).toHaveLength(1);
}

/** Five thousand, the youngest of now, one every `span`. */
const insert = (of: string, waiting: boolean, span: string) => pool.query(
  `insert into delivery.group_report (account, reference, numbers, author, number, digest, message, taken, waiting, due_at, reported_at)
   select $1::text, $6::text || n, $2::text, $3::text, '+1202555' || lpad((n % 10)::text, 4, '0'), n::text, $6::text || n, not $4, case when $4 then '{}'::jsonb end,
          case when $4 then now() + interval '1 h' end, now() - n * $5::interval from generate_series(1, 5000) n`, [of, groupKey([ANN, DESK, SHOP]), ANN, waiting, span, `${newSid('SM')}:`]);

it('reads a bounded number of entries, with statistics and with old ones', async () => {
  await everything(); // plans made while the table was small: the server makes them again when it has statistics
  await insert(account, false, '2 min');
  await insert(newSid('AC'), true, '100 ms');
  await pool.query('analyze delivery.group_report');
  for (const prepare of [async () => {}, () => insert(newSid('AC'), false, '100 ms')]) {
    await prepare();
    expect(await readMoreThan(ENTRIES_MAX, pool, everything)).toEqual({});
  }
});
