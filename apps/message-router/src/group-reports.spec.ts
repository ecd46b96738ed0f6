/** Which of the reports on one message to a group is taken: exactly one, also when the number that is listened to is never called. */
import type { InboundMessage, InboundRouting } from '@parley/contracts/commands';
import { DomainError } from '@parley/domain/domain-error';
import { newSid, type AccountSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { GroupReports } from './group-reports.js';
import { OverdueReports } from './overdue-reports.js';

const [ANN, BOB, DESK, SHOP, HALL] = ['+12025550101', '+12025550102', '+12025550190', '+12025550191', '+12025550192'] as const;
const WAIT_MILLIS = 60_000;
let db: TestDatabase;
let account: AccountSid;
let reports: GroupReports;
beforeAll(async () => { db = await testDatabase(); });
afterAll(() => db.drop());
beforeEach(async () => {
  account = newSid('AC');
  reports = new GroupReports(db.pool, WAIT_MILLIS);
  await db.pool.query('truncate delivery.group_report');
});

let count = 0;
/** As the number `to` is told of it, each time under another id. */
function report(to: string, body: string | null = 'hello', from: string = ANN): InboundMessage {
  const group = [ANN, BOB, DESK, SHOP, HALL].filter((number) => number !== from && number !== to);
  return { channel: 'sms', from, to, group, body, media: null, providerMessageId: `played:${String(++count)}`, receivedAt: new Date().toISOString() };
}
/** The desk is the number that is listened to. */
const turn = (message: InboundMessage) => reports.turn(account, message, DESK);
const pass = (millis: number) => db.pool.query("update delivery.group_report set reported_at = reported_at - $1 * interval '1 ms', due_at = due_at - $1 * interval '1 ms'", [millis]);
type Answer = (message: InboundMessage) => Promise<InboundRouting> | InboundRouting;
/** What is routed of what is due, and how the router answers. */
async function swept(answer: Answer = () => ({ outcome: 'unrouted' }), processes = 1): Promise<string[]> {
  const routed: string[] = [];
  const routeInbound = async (_account: string, message: InboundMessage): Promise<InboundRouting> => {
    if ((await turn(message)) === 'told') return { outcome: 'told' };
    const routing = await answer(message);
    routed.push(`${message.to === SHOP ? 'shop' : 'hall'}: ${message.body}`);
    return routing;
  };
  await Promise.all(Array.from({ length: processes }, async () => {
    const overdue = new OverdueReports(db.pool, { routeInbound }, WAIT_MILLIS);
    await overdue.look();
    await overdue.settled();
  }));
  return routed;
}

it('is that of the number that is listened to, whoever is told first', async () => {
  const [shop, desk, hall] = [report(SHOP), report(DESK), report(HALL)];
  expect([await turn(shop), await turn(desk), await turn(hall)]).toEqual(['told', 'take', 'told']);
  expect((await db.pool.query('select 1 from delivery.group_report where waiting is not null or due_at is not null')).rowCount).toBe(0);
  expect([await turn(desk), await turn(shop)]).toEqual(['take', 'told']); // asked again
  await pass(WAIT_MILLIS);
  expect(await swept()).toEqual([]);
});

it('is another\'s when that one is silent, once, in order, and not before the deadline', async () => {
  for (const body of ['one', 'two', 'two']) for (const to of [SHOP, HALL]) expect(await turn(report(to, body))).toBe('told');
  await pass(WAIT_MILLIS - 30_000);
  expect(await swept()).toEqual([]);
  await pass(30_000);
  const routed = await swept();
  expect(routed.map((each) => each.split(': ')[1])).toEqual(['one', 'two', 'two']);
  expect(await swept()).toEqual([]);
  for (const body of ['one', 'two', 'two']) expect(await turn(report(DESK, body))).toBe('told'); // late, after all
  expect(await turn(report(DESK, 'two'))).toBe('take'); // said a third time
});

it('is one, when all are told at once', async () => {
  const others = new GroupReports(db.pool, WAIT_MILLIS);
  const all = [DESK, SHOP, HALL, DESK, SHOP, HALL].map((to) => report(to));
  const turns = await Promise.all(all.map((one, i) => (i % 2 ? others : reports).turn(account, one, one.to))); // each listens to itself
  expect(turns.toSorted()).toEqual(['take', 'take', 'told', 'told', 'told', 'told']);
});

it('is of the same message when carriers space it otherwise, and when one of them rewrites it', async () => {
  expect([await turn(report(DESK, 'Hello\nyou  two')), await turn(report(SHOP, 'Hello you two '))]).toEqual(['take', 'told']);
  expect([await turn(report(DESK, 'Hello 👍')), await turn(report(SHOP, 'Hello ??'))]).toEqual(['take', 'told']);
  await pass(WAIT_MILLIS);
  expect(await swept()).toEqual([]);
});

it('is of another message when somebody else says the same, or the same is said much later', async () => {
  expect([await turn(report(DESK)), await turn(report(SHOP, 'hello', BOB))]).toEqual(['take', 'told']);
  await pass(2 * 3_600_000);
  expect(await swept()).toEqual(['shop: hello']);
  expect(await turn(report(SHOP))).toBe('told');
  await pass(WAIT_MILLIS);
  expect(await swept()).toEqual(['shop: hello']);
});

it('is tried again when it fails, in order, by one sweep at a time, and given up when it is its own fault', async () => {
  for (const body of ['first', 'second']) await turn(report(SHOP, body));
  await pass(WAIT_MILLIS);
  expect(await swept(() => { throw new DomainError('unavailable'); })).toEqual([]);
  await pass(WAIT_MILLIS);
  expect(await swept(undefined, 3)).toEqual(['shop: first', 'shop: second']);
  await turn(report(SHOP, 'broken'));
  await turn(report(SHOP, 'fine'));
  const routed: string[] = [];
  for (let tries = 0; tries < 12; tries++) {
    await pass(WAIT_MILLIS);
    routed.push(...await swept(({ body }) => { if (body === 'broken') throw new Error('broken'); return { outcome: 'unrouted' }; }));
  }
  expect(routed).toEqual(['shop: fine']);
  expect((await db.pool.query("select waiting->>'body' as body, attempts from delivery.group_report where waiting is not null")).rows).toEqual([{ body: 'broken', attempts: 10 }]);
});
