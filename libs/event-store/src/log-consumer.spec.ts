import type { LogEvent } from '@parley/domain/event';
import { newSid } from '@parley/domain/sid';
import { testDatabase, until, type TestDatabase } from './database.testing.js';
import { GroupCommit } from './group-commit.js';
import { LogConsumer } from './log-consumer.js';
import { LogReader } from './log-reader.js';
import { LogTail } from './log-tail.js';
import { Relay } from './relay.js';
import { Streams } from './streams.js';

let db: TestDatabase;
let commit: GroupCommit;
let streams: Streams;
let tail: LogTail;
/** What happens to facts on their way to the tail. */
let channel: (events: LogEvent[]) => LogEvent[] = (events) => events;
const account = newSid('AC');
const at = '2026-01-02T03:04:05.678Z';

beforeAll(async () => {
  db = await testDatabase();
  tail = new LogTail(new LogReader(db.pool, db.keys));
  await tail.start();
  commit = new GroupCommit(db.pool, (events) => tail.feed(channel(events)));
  streams = new Streams(db.pool, commit, db.keys);
  await db.pool.query('create table effect (n bigserial primary key, consumer text, conversation text, body text)');
});
afterAll(async () => {
  await commit.stop();
  tail.stop();
  await db.drop();
});
beforeEach(() => (channel = (events) => events));

async function conversation(): Promise<string> {
  const sid = newSid('CH');
  await streams.onConversation({ account }, sid, () => ({
    type: 'CreateConversation',
    data: {
      conversationSid: sid, chatServiceSid: 'IS1', messagingServiceSid: null, friendlyName: null, uniqueName: null, attributes: '{}',
      state: 'active', timers: {}, email: {}, now: at,
    },
  }), { result: null, unique: true });
  return sid;
}
const say = (sid: string, body: string) =>
  streams.onConversation({ account }, sid, () => ({
    type: 'AddMessage',
    data: { messageSid: newSid('IM'), author: 'system', body, attributes: '{}', media: null, contentSid: null, subject: null, source: null, now: at },
  }), { result: null });

const consumer = (name: string, owner: string, broken: (event: LogEvent) => boolean = () => false) =>
  new LogConsumer({
    name, owner, pool: db.pool, tail, types: ['MessageAdded'],
    async handle(tx, events) {
      for (const event of events) {
        if (broken(event)) throw new Error('poison');
        await tx.query('insert into effect (consumer, conversation, body) values ($1, $2, $3)', [name, event.conversation, event.data['body']]);
      }
    },
  });
const effects = async (name: string, sid: string): Promise<string[]> =>
  (await db.pool.query('select body from effect where consumer = $1 and conversation = $2 order by n', [name, sid])).rows.map((r) => r.body);

it('asks what nobody wants before it begins a transaction, and still moves on past it', async () => {
  const sid = await conversation();
  const handled: string[][] = [];
  let asked = 0;
  const c = new LogConsumer({
    name: 'sifting', owner: 'one', pool: db.pool, tail, types: ['MessageAdded'],
    sift: async (events) => { asked += events.length; return events.filter(({ data }) => data['body'] !== 'no'); },
    handle: async (_tx, events) => void handled.push(events.map(({ data }) => String(data['body']))),
  });
  await c.start();
  for (const body of ['no', 'no', 'no']) await say(sid, body);
  const passed = async () => {
    const { rows: [row] } = await db.pool.query(
      `select c.position >= s.head as done from log.checkpoint c join log.event e on e.shard = c.shard and e.stream = $1 cross join lateral
        (select max(position) as head from log.event where shard = c.shard and stream = $1) s where c.consumer = 'sifting' limit 1`, [`conversation-${sid}`]);
    return row?.done as boolean;
  };
  await until(passed);
  expect([asked, handled]).toEqual([3, []]);
  await say(sid, 'yes');
  await until(async () => handled.length > 0);
  expect(handled).toEqual([['yes']]);
  await c.stop();
});

it('sees what was written before it was there, and what is written while it runs, once and in order', async () => {
  const sid = await conversation();
  for (let i = 0; i < 20; i++) await say(sid, `${i}`);
  const c = consumer('late', 'one');
  await c.start();
  for (let i = 20; i < 60; i++) await say(sid, `${i}`);
  await until(async () => (await effects('late', sid)).length >= 60);
  await c.stop();
  expect(await effects('late', sid)).toEqual(Array.from({ length: 60 }, (_, i) => `${i}`));
});

it('is right whatever happens to the live facts: lost, doubled, reordered', async () => {
  const sid = await conversation();
  let random = 7;
  channel = (events) => {
    random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
    if (random % 4 === 0) return [];
    if (random % 4 === 1) return [...events, ...events].reverse();
    return [...events].reverse();
  };
  const c = consumer('noisy', 'one');
  await c.start();
  await Promise.all(Array.from({ length: 300 }, (_, i) => say(sid, `${i}`)));
  await until(async () => (await effects('noisy', sid)).length >= 300);
  await c.stop();
  const { rows } = await db.pool.query('select body from model.message where conversation_sid = $1 order by index', [sid]);
  expect(await effects('noisy', sid)).toEqual(rows.map((row) => row.body));
});

it('misses nothing when the database stays away longer than one attempt to start over', async () => {
  const sid = await conversation();
  const lost = () => Promise.reject(Object.assign(new Error('Connection terminated'), { code: '08006' }));
  let batches = 0;
  let restarts = 0;
  const pool = Object.assign(Object.create(db.pool) as typeof db.pool, {
    connect: () => (batches-- > 0 ? lost() : db.pool.connect()),
    query: (...args: Parameters<typeof db.pool.query>) =>
      (String(args[0]).startsWith('insert into log.checkpoint') && restarts-- > 0 ? lost() : db.pool.query(...args)),
  });
  const c = new LogConsumer({
    name: 'away', owner: 'one', pool, tail, types: ['MessageAdded'],
    async handle(tx, events) {
      for (const { conversation, data } of events)
        await tx.query('insert into effect (consumer, conversation, body) values ($1, $2, $3)', ['away', conversation, data['body']]);
    },
  });
  await c.start();
  for (let i = 0; i < 40; i++) {
    await say(sid, `${i}`);
    if (i % 10 === 5) [batches, restarts] = [1, 2];
    else if (i % 10 !== 6) await until(async () => (await effects('away', sid)).at(-1) === `${i}`);
  }
  await until(async () => (await effects('away', sid)).at(-1) === '39');
  await c.stop();
  expect(await effects('away', sid)).toEqual(Array.from({ length: 40 }, (_, i) => `${i}`));
});

it('has each effect once with two owners that both believe to be alone', async () => {
  const sid = await conversation();
  const [a, b] = [consumer('twice', 'same-owner'), consumer('twice', 'same-owner')];
  await Promise.all([a.start(), b.start()]);
  await Promise.all(Array.from({ length: 200 }, (_, i) => say(sid, `${i}`)));
  await until(async () => (await effects('twice', sid)).length >= 200);
  await Promise.all([a.stop(), b.stop()]);
  const { rows } = await db.pool.query('select body from model.message where conversation_sid = $1 order by index', [sid]);
  expect(await effects('twice', sid)).toEqual(rows.map((row) => row.body));
});

it('shares the partitions between instances', async () => {
  const [a, b] = [consumer('shared', 'instance-a'), consumer('shared', 'instance-b')];
  await Promise.all([a.start(), b.start()]);
  const owners = async () => (await db.pool.query(
    `select owner, count(*)::int as n from log.lease where name like 'shared/partition/%' group by owner order by owner`)).rows;
  await until(async () => JSON.stringify(await owners()) === JSON.stringify([{ owner: 'instance-a', n: 8 }, { owner: 'instance-b', n: 8 }]));
  await Promise.all([a.stop(), b.stop()]);
});

it('parks the conversation of a poison fact, not the others, and goes on in order once it can be handled', async () => {
  const [bad, good] = [await conversation(), await conversation()];
  let broken = true;
  const c = consumer('parking', 'one', (event) => broken && event.data['body'] === 'poison');
  await c.start();
  for (const body of ['before', 'poison', 'after']) {
    await say(bad, body);
    await say(good, body === 'poison' ? 'fine' : body);
  }
  await until(async () => (await effects('parking', good)).length === 3);
  await until(async () => (await db.pool.query(`select 1 from log.parked where consumer = 'parking'`)).rowCount === 2);
  expect(await effects('parking', bad)).toEqual(['before']);
  broken = false;
  await db.pool.query(`update log.parked set next_at = now() where consumer = 'parking'`);
  await until(async () => (await effects('parking', bad)).length === 3);
  await c.stop();
  expect(await effects('parking', bad)).toEqual(['before', 'poison', 'after']);
});

it('parks the conversation of a fact it cannot read, and nobody else waits', async () => {
  const [bad, good] = [await conversation(), await conversation()];
  await say(bad, 'from a newer build');
  await db.pool.query(`update log.event set schema_version = 99 where key_id = $1 and type = 'MessageAdded'`, [bad]);
  const c = consumer('unreadable', 'one');
  await c.start();
  await say(bad, 'behind it');
  await say(good, 'fine');
  await until(async () => (await effects('unreadable', good)).length === 1);
  await until(async () => (await db.pool.query(`select 1 from log.parked where consumer = 'unreadable'`)).rowCount === 2);
  await c.stop();
  expect(await effects('unreadable', bad)).toEqual([]);
  await db.pool.query('update log.event set schema_version = 1 where schema_version = 99');
});

it('serves who is behind however much news there is', async () => {
  const [busy, late] = [await conversation(), await conversation()];
  for (let i = 0; i < 30; i++) await say(late, `${i}`);
  let writing = true;
  const writer = (async () => { while (writing) await say(busy, 'news'); })();
  const c = consumer('behind', 'one');
  await c.start();
  await until(async () => (await effects('behind', late)).length === 30).finally(() => (writing = false));
  await writer;
  await c.stop();
});

it('the relay publishes everything in order per shard and again what failed', async () => {
  const sid = await conversation();
  const published: LogEvent[] = [];
  let down = true;
  const relay = new Relay({
    pool: db.pool, tail, owner: 'one', gatherMillis: 1,
    async publish(events) {
      if (down) throw new Error('the bus is down');
      published.push(...events);
    },
  });
  await relay.start();
  await Promise.all(Array.from({ length: 50 }, (_, i) => say(sid, `${i}`)));
  down = false;
  await until(async () => relay.lag() === 0 && published.length > 0);
  await relay.stop();
  const heads = await new LogReader(db.pool, db.keys).heads();
  const positions = Array.from({ length: 64 }, () => [] as number[]);
  for (const { shard, position } of published) positions[shard]!.push(position);
  positions.forEach((list, shard) => expect(list).toEqual(Array.from({ length: heads[shard]! }, (_, i) => i + 1)));
});
