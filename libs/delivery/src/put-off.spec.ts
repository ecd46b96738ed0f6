/** A delivery that is put off by what no longer holds goes on at once, whoever was first: the worker that had it in hand, or the change. */
import { newSid } from '@parley/domain/sid';
import { transaction, type Connection, type Pool } from '@parley/event-store/database';
import { Connections } from './connections.js';
import { DeliveryBench, until } from './delivery.testing.js';
import { DeliveryStore, type Claim, type Settlement } from './delivery-store.js';
import type { Dispatcher } from './dispatcher.js';
import type { Lane } from './lane.js';
import { RoutingPolicies } from './routing-policies.js';
import { Senders } from './senders.js';

let bench: DeliveryBench;
let dispatcher: Dispatcher;
let lane: Lane;
beforeAll(async () => { bench = await DeliveryBench.open(); });
afterAll(() => bench.db.drop());
beforeEach(async () => {
  await bench.clear();
  ({ dispatcher } = bench.dispatching());
  lane = bench.lane();
});
afterEach(() => dispatcher.stop());

const clock = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16);
const quiet = () => ({ quiet_hours: { start: clock(-1), end: clock(1), time_zone: 'UTC' } });
/** The change: by what the delivery is put off, and what ends that. */
const causes = {
  'quiet hours': async () => {
    const policies = new RoutingPolicies(bench.db.pool);
    const sid = newSid('RP');
    await policies.create(sid, bench.account, null, quiet());
    return {
      change: () => policies.remove(bench.account, sid),
      end: ({ routing }: Claim) => ({ waitsFor: 'quiet_hours' as const, waitsBy: routing.quiet_hours! }),
    };
  },
  "hours a conversation's own replace": async () => {
    const policies = new RoutingPolicies(bench.db.pool);
    await policies.create(newSid('RP'), bench.account, null, quiet());
    return {
      change: async () => {
        const { rows: [row] } = await bench.db.pool.query<{ conversation: string }>('select conversation_sid as conversation from delivery.delivery');
        await policies.create(newSid('RP'), bench.account, row!.conversation, { quiet_hours: { ...quiet().quiet_hours, channels: ['email'] } });
      },
      end: ({ routing }: Claim) => ({ waitsFor: 'quiet_hours' as const, waitsBy: routing.quiet_hours! }),
    };
  },
  'a full day': async () => {
    const { db: { pool, box } } = bench;
    const { sid: connection } = await new Connections({ pool, box, privateAllowed: true }).create(bench.account, { carrier: 'simulator', credentials: {} });
    const senders = new Senders(pool);
    const sender = await senders.create(bench.account, { address: lane.sender, connection, dailyCap: 1 });
    if (sender === 'taken') throw new Error('the bench is not clear');
    await pool.query("insert into delivery.sender_day (sender, day, sent) values ($1, (now() at time zone 'utc')::date, 1)", [sender.sid]);
    return {
      change: () => senders.update(bench.account, sender.sid, { dailyCap: 5 }),
      end: ({ daily_cap }: Claim) => ({ waitsFor: 'daily_cap' as const, waitsBy: daily_cap! }),
    };
  },
};
const each = Object.entries(causes);
const waiting = async () => (await bench.db.pool.query<{ waits_for: string | null; later: boolean }>(
  "select waits_for, due_at > now() as later from delivery.delivery where state = 'queued'")).rows;
const put = (claim: Claim, end: Partial<Settlement>): Settlement =>
  ({ deliveryId: claim.delivery_id, attempt: claim.attempt, state: 'queued', dueInMillis: 3_000_000, unbegun: true, ...end });
/** Somebody waits for the turn that an account's changes take. */
const blocked = (tx: Connection) => until(async () =>
  (await tx.query("select 1 from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())")).rowCount === 1);

it.each(each)('%s: a change while a worker decides is seen by it', async (_cause, prepare) => {
  const { change } = await prepare();
  let changed: Promise<unknown> | undefined;
  const { adapterFor } = bench.carriers;
  Object.assign(bench.carriers, { adapterFor: async () => {
    await (changed ??= change()); // claimed by now, not decided yet
    return bench.carrier;
  } });
  try {
    const id = await bench.queue(lane, 'hi');
    dispatcher.wake(lane);
    await until(async () => (await bench.state(id)) === 'accepted' || (await waiting())[0]?.later === true);
    expect([await bench.state(id), await bench.attempts(id)]).toEqual(['accepted', ['accepted']]);
  } finally {
    Object.assign(bench.carriers, { adapterFor });
  }
});
it.each(each)('%s: what stays as it is holds up as before', async (_cause, prepare) => {
  const { end } = await prepare();
  await bench.queue(lane, 'hi');
  const store = new DeliveryStore(bench.db.pool, 'one');
  const claim = (await store.claim(lane))!;
  const { waitsFor } = end(claim);
  await store.settle(put(claim, end(claim)));
  expect(await waiting()).toEqual([{ waits_for: waitsFor, later: true }]);
});
it.each(each)('%s: a change that is not committed yet is waited for by who puts off', async (_cause, prepare) => {
  const { change, end } = await prepare();
  await bench.queue(lane, 'hi');
  const store = new DeliveryStore(bench.db.pool, 'one');
  const claim = (await store.claim(lane))!;
  const other = await bench.db.pool.connect();
  try {
    // Another change of the account, on its way: ours is behind it, and the worker behind both.
    await other.query('begin');
    await other.query('select delivery.changes_waits($1)', [bench.account]);
    const changed = change();
    await blocked(other);
    const settled = store.settle(put(claim, end(claim)));
    await until(async () => (await other.query("select 1 from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())")).rowCount === 2);
    await other.query('commit');
    await Promise.all([changed, settled]);
    expect(await waiting()).toEqual([{ waits_for: null, later: false }]);
  } finally {
    other.release();
  }
});
it.each(each)('%s: a change waits for who puts off, and finds it', async (_cause, prepare) => {
  const { change, end } = await prepare();
  await bench.queue(lane, 'hi');
  const claim = (await new DeliveryStore(bench.db.pool, 'one').claim(lane))!;
  let changed: Promise<unknown> | undefined;
  await transaction(bench.db.pool, async (tx) => {
    await new DeliveryStore(tx as unknown as Pool, 'one').settle(put(claim, end(claim)));
    changed = change();
    await blocked(tx);
  });
  await changed;
  expect(await waiting()).toEqual([{ waits_for: null, later: false }]);
});
it('two changes of different fields of a sender at once are both kept', async () => {
  await causes['a full day']();
  const { rows: [row] } = await bench.db.pool.query<{ sid: string }>('select sid from delivery.sender');
  const senders = new Senders(bench.db.pool);
  for (const rate of [1, 2, 3, 4, 5]) {
    await Promise.all([senders.update(bench.account, row!.sid, { rate }), senders.update(bench.account, row!.sid, { dailyCap: rate }), senders.update(bench.account, row!.sid, { capabilities: [`${rate}`] })]);
    expect(await senders.find(bench.account, row!.sid)).toMatchObject({ rate, dailyCap: rate, capabilities: [`${rate}`] });
  }
});
it('what waited for the day of a sender that is removed fails today', async () => {
  const { end } = await causes['a full day']();
  const id = await bench.queue(lane, 'hi');
  const store = new DeliveryStore(bench.db.pool, 'one');
  const claim = (await store.claim(lane))!;
  await store.settle(put(claim, end(claim)));
  const senders = new Senders(bench.db.pool);
  expect(await senders.remove(bench.account, claim.sender_sid!)).toBe(true);
  expect(await waiting()).toEqual([{ waits_for: null, later: false }]);
  expect(await bench.state(id)).toBe('queued');
});
