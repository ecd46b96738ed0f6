import type { Caller } from '@parley/contracts/commands';
import type { ConversationCommand } from '@parley/domain/conversation/conversation';
import type { Timers } from '@parley/domain/conversation/events';
import { DomainError } from '@parley/domain/domain-error';
import type { LogEvent } from '@parley/domain/event';
import { newSid, type ConversationSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { GroupCommit } from '@parley/event-store/group-commit';
import { LogConsumer } from '@parley/event-store/log-consumer';
import { LogReader } from '@parley/event-store/log-reader';
import { LogTail } from '@parley/event-store/log-tail';
import { shardOf } from '@parley/event-store/shard';
import { Streams } from '@parley/event-store/streams';
import { concernsTimers, LEASE_MILLIS, TimerBook, timerTypes } from './timer-book.js';
import { TimerSweeper } from './timer-sweeper.js';

const account = newSid('AC');
const MINUTE = 60_000;
let db: TestDatabase;
let commit: GroupCommit;
let streams: Streams;
let tail: LogTail;
let consumer: LogConsumer;
/** What time it is, for everybody here. */
let clock = Date.parse('2026-01-01T00:00:00Z');
const iso = () => new Date(clock).toISOString();
const book = () => new TimerBook(db.pool, () => clock);

beforeAll(async () => {
  db = await testDatabase();
  tail = new LogTail(new LogReader(db.pool, db.keys));
  await tail.start();
  commit = new GroupCommit(db.pool, (events) => tail.feed(events));
  streams = new Streams(db.pool, commit, db.keys);
  const noted = book();
  consumer = new LogConsumer({
    name: 'timers', owner: 'one', pool: db.pool, tail, types: timerTypes, concerns: concernsTimers, handle: (tx, events) => noted.note(tx, events),
  });
  await consumer.start();
});
afterAll(async () => {
  await consumer.stop();
  await commit.stop();
  tail.stop();
  await db.drop();
});
beforeEach(async () => {
  await noted(); // what the test before did would come later still
  await db.pool.query('truncate retention.timer');
});

const run = (sid: string, command: ConversationCommand, caller: Caller = { account }, by = streams) =>
  by.onConversation(caller, sid, () => command, { result: null, unique: command.type === 'CreateConversation' });
async function create(timers: Timers): Promise<ConversationSid> {
  const sid = newSid('CH');
  await run(sid, {
    type: 'CreateConversation',
    data: {
      conversationSid: sid, chatServiceSid: 'IS1', messagingServiceSid: null, friendlyName: null, uniqueName: null, attributes: '{}',
      state: 'active', timers, email: {}, now: iso(),
    },
  });
  return sid;
}
const say = (sid: string, by = streams) => run(sid, {
  type: 'AddMessage',
  data: { messageSid: newSid('IM'), author: 'system', body: 'hi', attributes: '{}', media: null, contentSid: null, subject: null, source: null, now: iso() },
}, { account }, by);
const commands = { applyTimers: async (caller: Caller, sid: string) => void (await run(sid, { type: 'ApplyTimers', data: { now: iso() } }, caller)) };
const sweeper = (conversations: Pick<typeof commands, 'applyTimers'> = commands) => new TimerSweeper(book(), conversations, 10);
const changes = async (sid: string): Promise<LogEvent[]> =>
  (await new LogReader(db.pool, db.keys).readConversation(shardOf(account, sid), sid, 0)).filter(({ type }) => type === 'ConversationStateUpdated');
const told = async (sid: string) => (await changes(sid)).map(({ data }) => `${data['from']} ${data['to']} ${data['reason']}`);

async function dueAt(sid: string): Promise<number | undefined> {
  const { rows } = await db.pool.query<{ due_at: string }>('select due_at from retention.timer where conversation_sid = $1', [sid]);
  return rows[0] && Date.parse(rows[0].due_at);
}
async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 60_000; !(await condition()); await new Promise((resolve) => setTimeout(resolve, 10)))
    if (performance.now() > end) throw new Error(`still not so: ${condition.toString()}`);
}
/** The consumer has seen everything there is. */
const noted = async () => {
  const marker = await create({ closed: 'P9D' });
  for (let shard = 0; shard < 64; shard++) tail.ring();
  await until(async () => (await dueAt(marker)) !== undefined && consumer.lag() === 0);
  await db.pool.query('delete from retention.timer where conversation_sid = $1', [marker]);
};

describe('state timers', () => {
  it('make a conversation inactive, then closed, each once', async () => {
    const sid = await create({ inactive: 'PT1M', closed: 'PT10M' });
    const start = clock;
    await until(async () => (await dueAt(sid)) !== undefined);
    await sweeper().sweep();
    expect(await told(sid)).toEqual([]);
    clock = start + MINUTE + 1000;
    await sweeper().sweep();
    await sweeper().sweep();
    expect(await told(sid)).toEqual(['active inactive TIMER']);
    clock = start + 10 * MINUTE + 1000;
    await until(async () => { await sweeper().sweep(); return (await changes(sid)).length === 2; });
    expect(await told(sid)).toEqual(['active inactive TIMER', 'inactive closed TIMER']);
    await until(async () => (await dueAt(sid)) === undefined);
    await expect(say(sid)).rejects.toMatchObject({ code: 'conversation_closed' });
  });
  it('count from the last message, which writes nothing for them', async () => {
    const sid = await create({ inactive: 'PT1M' });
    await until(async () => (await dueAt(sid)) !== undefined);
    const before = await dueAt(sid);
    clock += MINUTE - 5000;
    await say(sid);
    expect(await dueAt(sid)).toBe(before);
    const spoken = clock;
    clock += 10_000;
    await sweeper().sweep();
    expect(await told(sid)).toEqual([]);
    expect(await dueAt(sid)).toBe(Math.floor(spoken / 1000) * 1000 + 999 + MINUTE);
    clock = spoken + MINUTE + 1000;
    await sweeper().sweep();
    expect(await told(sid)).toEqual(['active inactive TIMER']);
  });
  it('start again when a message wakes the conversation', async () => {
    const sid = await create({ inactive: 'PT1M' });
    await until(async () => (await dueAt(sid)) !== undefined);
    clock += 2 * MINUTE;
    await sweeper().sweep();
    await until(async () => (await dueAt(sid)) === undefined); // nothing to wait for: it is inactive, and has no other timer
    await say(sid);
    await until(async () => (await dueAt(sid)) !== undefined);
    clock += 2 * MINUTE;
    await sweeper().sweep();
    expect(await told(sid)).toEqual(['active inactive TIMER', 'inactive active EVENT', 'active inactive TIMER']);
  });
  it('that are changed or removed are forgotten, those of no or deleted conversations never run', async () => {
    const [moved, removed, deleted, none] = [
      await create({ inactive: 'PT1M' }), await create({ inactive: 'PT1M' }), await create({ inactive: 'PT1M' }), await create({}),
    ];
    await run(moved, { type: 'UpdateConversation', data: { timers: { inactive: 'PT9M' }, now: iso() } });
    await run(removed, { type: 'UpdateConversation', data: { timers: { inactive: '' }, now: iso() } });
    await run(deleted, { type: 'DeleteConversation', data: { now: iso() } });
    await noted();
    expect(await dueAt(moved)).toBe(clock + 9 * MINUTE + (999 - clock % 1000 > 0 ? 999 - clock % 1000 : 0));
    expect([await dueAt(removed), await dueAt(deleted), await dueAt(none)]).toEqual([undefined, undefined, undefined]);
  });
  it('are not lost when they are set while somebody looks at the conversation', async () => {
    const sid = await create({ inactive: 'PT1M' });
    await until(async () => (await dueAt(sid)) !== undefined);
    clock += 2 * MINUTE;
    const looking = book();
    const taken = await looking.take(10);
    await run(sid, { type: 'UpdateConversation', data: { timers: { inactive: 'PT5M' }, now: iso() } });
    await until(async () => (await dueAt(sid))! > clock + MINUTE);
    const right = await dueAt(sid);
    await db.pool.query(`update model.conversation set timer_inactive = null where sid = $1`, [sid]); // what he saw before
    await looking.settle(taken);
    expect(await dueAt(sid)).toBe(right);
  });
});

describe('several at once', () => {
  it('change each conversation once, while messages keep others active', async () => {
    const otherCommit = new GroupCommit(db.pool, (events) => tail.feed(events));
    const other = new Streams(db.pool, otherCommit, db.keys); // an instance that knows nothing of what the first one cached
    const quiet = await Promise.all(Array.from({ length: 60 }, () => create({ inactive: 'PT1M' })));
    const busy = await Promise.all(Array.from({ length: 20 }, () => create({ inactive: 'PT1M' })));
    await noted();
    clock += 2 * MINUTE;
    await Promise.all([
      ...busy.map((sid) => say(sid, other)),
      sweeper().sweep(), sweeper({ applyTimers: async (caller, sid) => void (await run(sid, { type: 'ApplyTimers', data: { now: iso() } }, caller, other)) }).sweep(),
      sweeper().sweep(),
    ]);
    for (const sid of quiet) expect(await told(sid)).toEqual(['active inactive TIMER']);
    for (const sid of busy) {
      // The message came before the timer, or after it and woke the conversation: active in the end.
      expect([[], ['active inactive TIMER', 'inactive active EVENT']]).toContainEqual(await told(sid));
      const { rows } = await db.pool.query('select state from model.conversation where sid = $1', [sid]);
      expect(rows).toEqual([{ state: 'active' }]);
    }
    await otherCommit.stop();
  });
  it('go on where one died, and are not held up by what fails', async () => {
    const [abandoned, failing, fine] = [await create({ closed: 'PT10M' }), await create({ closed: 'PT10M' }), await create({ closed: 'PT10M' })];
    await noted();
    clock += 11 * MINUTE;
    await db.pool.query('update retention.timer set due_at = due_at - interval \'1 min\' where conversation_sid = $1', [abandoned]);
    expect((await book().take(1)).map(({ sid }) => sid)).toEqual([abandoned]); // and dies
    let broken = true;
    const sometimes = sweeper({
      applyTimers: async (caller, sid) => {
        if (broken && sid === failing) throw new DomainError('unavailable');
        await commands.applyTimers(caller, sid);
      },
    });
    await sometimes.sweep();
    expect([await told(abandoned), await told(failing), await told(fine)]).toEqual([[], [], ['active closed TIMER']]);
    broken = false;
    clock += LEASE_MILLIS + 1;
    await sometimes.sweep();
    expect([await told(abandoned), await told(failing)]).toEqual([['active closed TIMER'], ['active closed TIMER']]);
  });
});

it('finds what is due by the index, however many timers run', async () => {
  await db.pool.query(
    `insert into retention.timer (conversation_sid, account, due_at)
     select 'CH' || lpad(n::text, 32, '0'), $1, $2::timestamptz + n * interval '1 s' from generate_series(1, 20000) n`, [account, iso()],
  );
  await db.pool.query('analyze retention.timer');
  const { rows } = await db.pool.query<{ 'QUERY PLAN': string }>(
    `explain select conversation_sid from retention.timer where due_at <= $1 order by due_at limit 200 for update skip locked`, [iso()],
  );
  expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toMatch(/Index Scan using timer_due/);
});
