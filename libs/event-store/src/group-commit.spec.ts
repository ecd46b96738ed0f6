import { newSid } from '@parley/domain/sid';
import type { Append } from './append.js';
import { appendSettings, createPool } from './database.js';
import { testDatabase, type TestDatabase } from './database.testing.js';
import { GroupCommit } from './group-commit.js';
import { shardOf } from './shard.js';

let db: TestDatabase;
beforeAll(async () => (db = await testDatabase()));
afterAll(() => db.drop());

const account = newSid('AC');
/** Plain facts on streams outside conversations: the log's own behaviour, without read models. */
const fact = (id: string, expected: number, type = 'AddressConfigurationDeleted'): Append => ({
  account, shard: shardOf(account, id), stream: `address-${id}`, expected, events: [{ type, data: { sid: id } }], conversation: null, nextIndex: null,
});

it('stores each acknowledged command once when connections break at any moment', async () => {
  const told: string[] = [];
  const commit = new GroupCommit(db.pool, (events) => told.push(...events.map((e) => e.eventId)));
  const streams = Array.from({ length: 16 }, () => newSid('IG'));
  let breaking = true;
  let broken = 0;
  const breaker = (async () => {
    while (breaking) {
      const before = told.length;
      const { rows } = await db.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and query like '%log.append%' and state = 'active'`);
      broken += rows.length;
      do await new Promise((resolve) => setTimeout(resolve, 15));
      while (rows.length > 0 && told.length === before && breaking); // appends must get a chance between two breaks, however slow the machine
    }
  })();
  const acknowledged = await Promise.all(streams.map(async (id) => {
    let version = 0;
    for (let i = 0; i < 60; i++) {
      const outcome = await commit.append(fact(id, version));
      expect(outcome.status).toBe('ok');
      version++;
    }
    return version;
  })).finally(() => (breaking = false));
  await breaker;
  await commit.stop();
  const { rows } = await db.pool.query('select stream, count(*)::int as n, max(version) as v from log.event where account = $1 group by stream', [account]);
  expect(rows.map(({ n, v }) => [n, v])).toEqual(acknowledged.map((n) => [n, n]));
  expect(new Set(told).size).toBe(16 * 60);
  expect(broken).toBeGreaterThan(0);
});

it('refuses what was decided on another version, and only that', async () => {
  const commit = new GroupCommit(db.pool, () => {});
  const [a, b] = [newSid('IG'), newSid('IG')];
  await commit.append(fact(a, 0));
  const outcomes = await Promise.all([commit.append(fact(a, 0)), commit.append(fact(b, 0)), commit.append(fact(a, 7))]);
  expect(outcomes.map((o) => o.status)).toEqual(['conflict', 'ok', 'conflict']);
  // What the accepted one is told about its place is where it is stored, also behind a refused one.
  const { rows } = await db.pool.query('select shard, position from log.event where stream = $1', [`address-${b}`]);
  expect(outcomes[1]).toMatchObject({ events: rows });
  await commit.stop();
});

it('accepts one of two commands that were decided on the same version at the same time', async () => {
  const commit = new GroupCommit(db.pool, () => {});
  const id = newSid('IG');
  const outcomes = await Promise.all([commit.append(fact(id, 0)), commit.append(fact(id, 0))]);
  expect(outcomes.map((o) => o.status)).toEqual(['ok', 'conflict']);
  await commit.stop();
});

it('is kept from a shard for a while only by an instance that holds its head and says nothing more', async () => {
  const id = newSid('IG');
  const limit = { ...appendSettings, idle_in_transaction_session_timeout: '300ms' };
  const pool = createPool(db.url, { max: 2, settings: limit });
  const [silent, other] = [new GroupCommit(pool, () => {}), new GroupCommit(db.pool, () => {})];
  const [holds, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const late = silent.appendInTurn(shardOf(account, id), async (tx) => {
    const { rows: [set] } = await tx.query<{ timeout: string }>("select current_setting('idle_in_transaction_session_timeout') as timeout");
    expect(set!.timeout).toBe('300ms');
    holds.resolve();
    await goesOn.promise;
    return fact(id, 0);
  });
  await holds.promise;
  expect((await other.append(fact(id, 0))).status).toBe('ok');
  goesOn.resolve();
  expect((await late)?.status).toBe('conflict'); // looked up: it was not stored
  await Promise.all([silent.stop(), other.stop()]);
  await pool.end();
});

it('refuses to write to a shard that was moved or restored', async () => {
  const commit = new GroupCommit(db.pool, () => {});
  const id = newSid('IG');
  await commit.append(fact(id, 0));
  await db.pool.query('update log.shard set epoch = epoch + 1 where shard = $1', [shardOf(account, id)]);
  await expect(commit.append(fact(id, 1))).rejects.toMatchObject({ code: 'PY001' });
  expect((await commit.append(fact(id, 1))).status).toBe('ok'); // it has learned the epoch
  await commit.stop();
});

it('does not accept more than it can hold', async () => {
  const commit = new GroupCommit(db.pool, () => {});
  const id = newSid('IG');
  const results = await Promise.allSettled(Array.from({ length: 2500 }, (_, i) => commit.append(fact(id, i))));
  const refused = results.filter((r) => r.status === 'rejected');
  expect(refused).toHaveLength(500);
  for (const { reason } of refused) expect(reason).toMatchObject({ code: 'overloaded' });
  await commit.stop();
});

it('never stores a NUL byte, and lets the rest of its batch through', async () => {
  const commit = new GroupCommit(db.pool, () => {});
  const [a, b] = [newSid('IG'), newSid('IG')];
  const bad: Append = { ...fact(a, 0), events: [{ type: 'AddressConfigurationUpdated', data: { sid: 'x\0', friendly_name: '\0' } }] };
  const [first, second] = await Promise.allSettled([commit.append(bad), commit.append(fact(b, 0))]);
  expect(first.status).toBe('rejected');
  expect(second).toMatchObject({ status: 'fulfilled', value: { status: 'ok' } });
  await commit.stop();
});

it('gives up the connections it keeps when others of its pool wait', async () => {
  const pool = createPool(db.url, { max: 1 });
  const commit = new GroupCommit(pool, () => {});
  await commit.append(fact(newSid('IG'), 0));
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await commit.stop();
  await pool.end();
});
