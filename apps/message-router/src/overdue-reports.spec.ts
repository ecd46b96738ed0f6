/** Reports of groups that waited long enough: an account whose webhooks hang holds up nobody else, and not the end of the process. */
import type { InboundMessage } from '@parley/contracts/commands';
import { newSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { OverdueReports } from './overdue-reports.js';

let db: TestDatabase;
beforeAll(async () => { db = await testDatabase(); });
afterAll(() => db.drop());
beforeEach(() => db.pool.query('truncate delivery.group_report'));

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 60_000; !condition(); await new Promise((resolve) => setTimeout(resolve, 5)))
    if (Date.now() > end) throw new Error(`still not so: ${condition.toString()}`);
}
/** Due reports: `each` of every one of so many groups. */
const wait = (account: string, groups: number, each: number) => db.pool.query(
  `insert into delivery.group_report (account, reference, numbers, author, number, digest, message, waiting, due_at)
   select $1::text, g || '.' || n, g::text, '+1', '+2', '', g || '.' || n, jsonb_build_object('body', g || '.' || n), now()
     from generate_series(1, $2) g, generate_series(1, $3) n order by n, g`, [account, groups, each]);

/** Routes at once what is not of an account that is held; the others hang until they are let go. */
class Router {
  readonly routed: string[] = [];
  /** Of accounts that are held: what is under way, and how it ends. */
  readonly hanging: (() => void)[] = [];
  readonly held = new Set<string>();

  async routeInbound(account: string, { body }: InboundMessage): Promise<{ outcome: 'unrouted' }> {
    if (this.held.has(account)) await new Promise<void>((resolve) => this.hanging.push(resolve));
    this.routed.push(`${account} ${body}`);
    return { outcome: 'unrouted' };
  }
}

it('takes those of other accounts in order while one hangs, and ends without beginning another', async () => {
  const [slow, fast] = [newSid('AC'), newSid('AC')].toSorted() as [string, string];
  const router = new Router();
  router.held.add(slow);
  await wait(slow, 10, 3);
  const overdue = new OverdueReports(db.pool, router, 10);
  overdue.start();
  await until(() => router.hanging.length === 4); // no more of one account at once
  await wait(fast, 1, 120);
  await until(() => router.routed.length === 120);
  expect(router.routed).toEqual(Array.from({ length: 120 }, (_, i) => `${fast} 1.${i + 1}`));
  expect(router.hanging.length).toBe(4);
  const stopped = overdue.stop();
  for (const letGo of router.hanging) letGo();
  await stopped;
  expect([router.routed.length, router.hanging.length]).toEqual([124, 4]);
  const { rows } = await db.pool.query<{ left: number }>('select count(*)::integer as left from delivery.group_report where due_at is not null');
  expect(rows).toEqual([{ left: 26 }]);
});

it('goes on with the next accounts when there are more that hang than have turns at once', async () => {
  const accounts = Array.from({ length: 40 }, () => newSid('AC')).toSorted();
  const router = new Router();
  for (const account of accounts) {
    router.held.add(account);
    await wait(account, 1, 1);
  }
  const overdue = new OverdueReports(db.pool, router, 10);
  overdue.start();
  await until(() => router.hanging.length === 32);
  router.hanging[0]!();
  await until(() => router.hanging.length === 33);
  for (router.held.clear(); router.hanging.length > 0; ) router.hanging.pop()!();
  await until(() => router.routed.length === 40);
  await overdue.stop();
  expect(new Set(router.routed).size).toBe(40);
});
