import type { Caller } from '@parley/contracts/commands';
import type { ConversationCommand } from '@parley/domain/conversation/conversation';
import { fold } from '@parley/domain/decider';
import { conversation } from '@parley/domain/conversation/conversation';
import type { ConversationEvent, GroupBinding, Participant } from '@parley/domain/conversation/events';
import type { LogEvent } from '@parley/domain/event';
import { newSid } from '@parley/domain/sid';
import { DataKeys } from './data-keys.js';
import type { Pool } from './database.js';
import { testDatabase, type TestDatabase } from './database.testing.js';
import { GroupCommit } from './group-commit.js';
import { loadConversation } from './load-state.js';
import { LogReader } from './log-reader.js';
import { shardOf } from './shard.js';
import { Streams } from './streams.js';

let db: TestDatabase;
let commit: GroupCommit;
let streams: Streams;
let committed: LogEvent[] = [];
const account = newSid('AC');
const caller: Caller = { account };
const service = newSid('IS');
const at = '2026-01-02T03:04:05.678Z';

beforeAll(async () => {
  db = await testDatabase();
  commit = new GroupCommit(db.pool, (events) => committed.push(...events));
  streams = new Streams(db.pool, commit, db.keys);
});
afterAll(async () => {
  await commit.stop();
  await db.drop();
});
beforeEach(() => (committed = []));

type Gate = PromiseWithResolvers<void>;
const create = (sid: string, uniqueName: string | null = null): ConversationCommand => ({
  type: 'CreateConversation',
  data: {
    conversationSid: sid as `CH${string}`, chatServiceSid: service, messagingServiceSid: null, friendlyName: 'Ann', uniqueName,
    attributes: '{}', state: 'active', timers: {}, email: {}, now: at,
  },
});
const say = (body: string, now = at): ConversationCommand => ({
  type: 'AddMessage',
  data: {
    messageSid: newSid('IM'), author: 'system', body, attributes: '{}', media: null, contentSid: null, subject: null, source: null, now,
  },
});
const join = (identity: string): ConversationCommand => ({
  type: 'AddParticipant',
  data: {
    participantSid: newSid('MB'), identity, binding: null, attributes: '{}', roleSid: null,
    limits: { participantsMax: 1000, nonChatParticipantsMax: 50 }, now: at,
  },
});
const joinBySms = (address: string, proxyAddress: string): ConversationCommand => ({
  type: 'AddParticipant',
  data: {
    participantSid: newSid('MB'), identity: null, binding: { type: 'sms', address, proxyAddress }, attributes: '{}', roleSid: null,
    limits: { participantsMax: 1000, nonChatParticipantsMax: 50 }, now: at,
  },
});

const member = (group: GroupBinding, identity: string | null = null): Participant => ({ participantSid: newSid('MB'), identity, binding: null, attributes: '{}', roleSid: null, group });
const joinGroup = (who: Participant): ConversationCommand => ({ type: 'AddParticipant', data: { ...who, limits: { participantsMax: 1000, nonChatParticipantsMax: 50 }, now: at } });
function together(sid: string, ...participants: Participant[]): ConversationCommand {
  const command = create(sid);
  return command.type === 'CreateConversation' ? { ...command, data: { ...command.data, participants } } : command;
}

async function opened(uniqueName: string | null = null): Promise<string> {
  const sid = newSid('CH');
  await run(sid, create(sid, uniqueName), caller, true);
  return sid;
}
const run = (sid: string, command: ConversationCommand, by = caller, unique = false) =>
  streams.onConversation(by, sid, () => command, { result: { sid }, unique });

describe('messages', () => {
  it('get indexes without gap or double in log order, however many are written at once', async () => {
    const sids = [await opened(), await opened(), await opened()];
    await Promise.all(Array.from({ length: 600 }, (_, i) => run(sids[i % 3]!, say(`m${i}`))));
    for (const sid of sids) {
      const { rows } = await db.pool.query('select index, body from model.message where conversation_sid = $1 order by index', [sid]);
      expect(rows.map((row) => row.index)).toEqual(Array.from({ length: 200 }, (_, i) => i));
      const inLog = committed.filter((e) => e.conversation === sid && e.type === 'MessageAdded').sort((a, b) => a.position - b.position);
      expect(inLog.map((e) => e.data['body'])).toEqual(rows.map((row) => row.body));
    }
  });

  it('stay in order when two writers that do not know of each other use the same conversation', async () => {
    const sid = await opened();
    const otherCommit = new GroupCommit(db.pool, () => {});
    const other = new Streams(db.pool, otherCommit, db.keys);
    await Promise.all(Array.from({ length: 40 }, (_, i) =>
      (i % 2 ? streams : other).onConversation(caller, sid, () => say(`m${i}`), { result: null })));
    const { rows } = await db.pool.query('select index from model.message where conversation_sid = $1 order by index', [sid]);
    expect(rows.map((row) => row.index)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    await otherCommit.stop();
  });

  it('go on when an answer comes after somebody saw that another instance has moved on', async () => {
    const [asked, looked, loaded, stored, loading] = Array.from({ length: 5 }, () => Promise.withResolvers<void>()) as [Gate, Gate, Gate, Gate, Gate];
    let slow = false;
    const pool = { query: async (query: { name?: string }) => {
      if (slow && query.name === 'stream-version') await looked.promise;
      if (slow && query.name === 'load-conversation') {
        loading.resolve();
        await loaded.promise;
      }
      return db.pool.query(query as never);
    } } as unknown as Pool;
    const late = { append: async (...args: Parameters<GroupCommit['append']>) => {
      const outcome = await commit.append(...args);
      if (slow) {
        stored.resolve();
        await asked.promise;
      }
      return outcome;
    } } as unknown as GroupCommit;
    const one = new Streams(pool, late, db.keys);
    const sid = await opened();
    const by = (command: ConversationCommand) => one.onConversation(caller, sid, () => command, { result: null });
    await by(join('ann'));
    slow = true;
    const refused = by(join('ann')).catch((error: { code: string }) => error.code);
    const first = by(say('first'));
    await stored.promise;
    await run(sid, say('second'));
    looked.resolve();
    await loading.promise;
    asked.resolve();
    await first;
    const third = by(say('third'));
    loaded.resolve();
    await third;
    expect(await refused).toBe('participant_exists');
    const messages = committed.filter(({ type, conversation }) => type === 'MessageAdded' && conversation === sid);
    expect(messages.map(({ data }) => [data['body'], data['index']])).toEqual([['first', 0], ['second', 1], ['third', 2]]);
  });
  it('do not keep out another instance, though it loses every race', async () => {
    const sid = await opened();
    const otherCommit = new GroupCommit(db.pool, () => {});
    const other = new Streams(db.pool, otherCommit, db.keys);
    let joined = 0;
    // With keys they are stored one by one: the next append is always on its way.
    const writing = Promise.all(Array.from({ length: 12 }, async (_, writer) => {
      for (let n = 0; joined < 15; n++) await run(sid, say('busy'), { account, key: `http:busy ${writer} ${n}`, hash: 'h' });
    }));
    for (; joined < 15; joined++) await other.onConversation(caller, sid, () => join(`guest ${joined}`), { result: null, unique: true });
    await writing;
    const { version } = await loadConversation(db.pool, shardOf(account, sid), account, sid);
    const events = await new LogReader(db.pool, db.keys).readConversation(shardOf(account, sid), sid, 0, 100_000);
    expect(events.map((event) => event.version)).toEqual(Array.from({ length: version }, (_, i) => i + 1));
    expect(events.filter(({ type }) => type === 'ParticipantAdded')).toHaveLength(15);
    await otherCommit.stop();
  });

  it('are encrypted in the log and readable with the conversation’s key', async () => {
    const sid = await opened();
    await run(sid, say('a very private canary'));
    const shard = shardOf(account, sid);
    const { rows } = await db.pool.query('select data from log.event where key_id = $1', [sid]);
    expect(rows.some(({ data }) => (data as Buffer).includes('canary'))).toBe(false);
    const reader = new LogReader(db.pool, db.keys);
    const events = await reader.readConversation(shard, sid, 0);
    expect(events.at(-1)!.data['body']).toBe('a very private canary');
    await db.keys.destroy(sid);
    expect((await reader.readConversation(shard, sid, 0)).every((e) => e.erased)).toBe(true);
  });
});

describe('positions', () => {
  it('are contiguous per shard and end at its head, with conflicts and refusals in between', async () => {
    const sid = await opened('taken');
    await Promise.all([
      ...Array.from({ length: 30 }, () => opened('taken').catch(() => {})),
      ...Array.from({ length: 30 }, (_, i) => run(sid, join(i % 2 ? 'ann' : `p${i}`), caller, true).catch(() => {})),
      ...Array.from({ length: 30 }, (_, i) => run(sid, say(`m${i}`))),
    ]);
    const { rows } = await db.pool.query(
      `select s.shard, s.head, count(e.*)::int as n, coalesce(max(e.position), 0) as last
         from log.shard s left join log.event e on e.shard = s.shard group by s.shard, s.head`);
    for (const { head, n, last } of rows) expect([n, last]).toEqual([head, head]);
    const { rows: versions } = await db.pool.query(
      `select s.stream, s.version, array_agg(e.version order by e.position) as versions
         from log.stream s join log.event e using (shard, stream) group by s.stream, s.version`);
    for (const { version, versions: inOrder } of versions) expect(inOrder).toEqual(Array.from({ length: version }, (_, i) => i + 1));
  });
});

describe('a rule that spans streams', () => {
  it('refuses only the loser', async () => {
    const [a, b] = [await opened(), await opened()];
    const results = await Promise.allSettled([
      run(a, joinBySms('+15550100002', '+15550100001'), caller, true), run(b, joinBySms('+15550100002', '+15550100001'), caller, true),
      run(a, joinBySms('+15550100003', '+15550100001'), caller, true), run(b, say('hello')),
    ]);
    expect(results.map((r) => r.status).sort()).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
    expect((results.find((r) => r.status === 'rejected') as PromiseRejectedResult).reason.code).toBe('address_pair_in_use');
  });

  it('frees the pair when the conversation closes', async () => {
    const [a, b] = [await opened(), await opened()];
    await run(a, joinBySms('+15550100009', '+15550100001'), caller, true);
    await run(a, { type: 'ChangeState', data: { state: 'closed', reason: 'API', now: at } });
    await run(b, joinBySms('+15550100009', '+15550100001'), caller, true);
  });

  it('maps to the refusal of its resource', async () => {
    await opened('the-only-one');
    await expect(opened('the-only-one')).rejects.toMatchObject({ code: 'conversation_unique_name_taken' });
    const sid = await opened();
    await run(sid, join('ann'), caller, true);
    await expect(run(sid, join('ann'), caller, true)).rejects.toMatchObject({ code: 'participant_exists' });
  });
});

describe('the numbers of a group', () => {
  const [ann, bob, desk] = [{ address: '+12025550101' }, { address: '+12025550102' }, { projectedAddress: '+12025550103' }];

  it('have one conversation that is not closed; one that is being built does not count yet', async () => {
    const pair = newSid('CH');
    await run(pair, together(pair, member(ann), member(desk)), caller, true);
    const all = [newSid('CH'), newSid('CH')];
    const results = await Promise.allSettled(all.map((sid) => run(sid, together(sid, member(ann), member(bob), member(desk)), caller, true)));
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(results.find((r) => r.status === 'rejected')).toMatchObject({ reason: { code: 'group_exists' } });
    const other = newSid('CH');
    await run(other, together(other, member(bob), member(desk)), caller, true);
    await expect(run(other, joinGroup(member(ann)), caller, true)).rejects.toMatchObject({ code: 'group_exists' });
    await run(all[results.findIndex(({ status }) => status === 'fulfilled')]!, { type: 'ChangeState', data: { state: 'closed', reason: 'API', now: at } });
    await run(other, joinGroup(member(ann)), caller, true);
    const { rows } = await db.pool.query('select numbers from model.group_conversation where account = $1 order by 1', [account]);
    expect(rows).toEqual([{ numbers: '+12025550101,+12025550102,+12025550103' }, { numbers: '+12025550101,+12025550103' }]);
  });

  it('follow who leaves and who changes their number', async () => {
    const sid = newSid('CH');
    const [leaving, changing] = [member({ address: '+12025550110' }), member({ projectedAddress: '+12025550111' }, 'agent')];
    await run(sid, together(sid, leaving, changing, member({ address: '+12025550112' })), caller, true);
    const numbers = async () => (await db.pool.query('select numbers from model.group_conversation where conversation_sid = $1', [sid])).rows[0]?.numbers;
    await run(sid, { type: 'UpdateParticipant', data: { participantSid: changing.participantSid, projectedAddress: '+12025550119', now: at } }, caller, true);
    expect(await numbers()).toBe('+12025550110,+12025550112,+12025550119');
    await run(sid, { type: 'RemoveParticipant', data: { participantSid: leaving.participantSid, now: at } }, caller, true);
    expect(await numbers()).toBe('+12025550112,+12025550119');
    await run(sid, { type: 'DeleteConversation', data: { now: at } });
    expect(await numbers()).toBeUndefined();
  });
});

describe('an idempotency key', () => {
  it('gives the first result again and stores nothing', async () => {
    const sid = await opened();
    const by = { account, key: 'http:k1', hash: 'h' };
    const results = await Promise.all(Array.from({ length: 5 }, (_, i) =>
      streams.onConversation(by, sid, () => say('once'), { result: { n: i } })));
    const results2 = await streams.onConversation(by, sid, () => say('once'), { result: { n: 99 } });
    expect(new Set([...results, results2].map((r) => r.result.n)).size).toBe(1);
    const { rows } = await db.pool.query('select 1 from model.message where conversation_sid = $1', [sid]);
    expect(rows).toHaveLength(1);
  });

  it('is refused for another request', async () => {
    const sid = await opened();
    await run(sid, say('one'), { account, key: 'http:k2', hash: 'h1' });
    await expect(run(sid, say('two'), { account, key: 'http:k2', hash: 'h2' })).rejects.toMatchObject({ code: 'idempotency_key_reused' });
  });

  it('answers a repeated command that would be refused by now', async () => {
    const sid = await opened();
    const by = { account, key: 'http:k3', hash: 'h' };
    await run(sid, join('bob'), by, true);
    expect((await run(sid, join('bob'), by, true)).repeated).toBe(true);
  });

  it('answers repetitions that come while the first is under way', async () => {
    const sid = await opened();
    const by = { account, key: 'http:k4', hash: 'h' };
    const results = await Promise.all(Array.from({ length: 10 }, (_, n) =>
      streams.onConversation(by, sid, () => join('carol'), { result: { n }, unique: true })));
    expect(new Set(results.map(({ result }) => result.n)).size).toBe(1);
  });
  it('keep their key also where they have no facts, and are not done when they would have some', async () => {
    const sid = await opened();
    const by = { account, key: 'http:k5', hash: 'h' };
    const activate: ConversationCommand = { type: 'ChangeState', data: { state: 'active', reason: 'API', now: at } };
    expect(await run(sid, activate, by)).toMatchObject({ events: [], repeated: false });
    await run(sid, { type: 'ChangeState', data: { state: 'inactive', reason: 'API', now: at } });
    expect(await run(sid, activate, by)).toMatchObject({ events: [], repeated: true });
    await expect(run(sid, activate, { ...by, hash: 'other' })).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    const { rows } = await db.pool.query('select state from model.conversation where sid = $1', [sid]);
    expect(rows).toEqual([{ state: 'inactive' }]);
  });
});

describe('a state loaded from the read models', () => {
  it('equals the fold of the facts', async () => {
    const sid = await opened('folded');
    await run(sid, join('ann'), caller, true);
    await run(sid, joinBySms('+15550100042', '+15550100001'), caller, true);
    await run(sid, say('one', '2026-01-02T03:05:00.000Z'));
    await run(sid, { type: 'UpdateConversation', data: { friendlyName: 'Bob', timers: { closed: 'PT10M' }, now: at } });
    await run(sid, { type: 'ChangeState', data: { state: 'inactive', reason: 'API', now: at } });
    const shard = shardOf(account, sid);
    const events = await new LogReader(db.pool, db.keys).readConversation(shard, sid, 0);
    const folded = fold(conversation, events as unknown as ConversationEvent[]);
    const { state, version } = await loadConversation(db.pool, shard, account, sid);
    expect(version).toBe(events.length);
    const comparable = ({ timers, lastActivityAt: _at, timersFrom: _from, ...rest }: typeof state) => ({ ...rest, closed: timers.closed });
    expect(comparable(state)).toEqual(comparable(folded));
  });

  it('equals it for a group too', async () => {
    const sid = newSid('CH');
    const number = member({ projectedAddress: '+12025550121' });
    await run(sid, together(sid, member({ address: '+12025550120' }), number, member({ projectedAddress: '+12025550122' }, 'shop')), caller, true);
    await run(sid, { type: 'UpdateParticipant', data: { participantSid: number.participantSid, identity: 'desk', now: at } }, caller, true);
    const shard = shardOf(account, sid);
    const folded = fold(conversation, (await new LogReader(db.pool, db.keys).readConversation(shard, sid, 0)) as unknown as ConversationEvent[]);
    const { state: { participants, authors, group } } = await loadConversation(db.pool, shard, account, sid);
    const byName = <K extends string, V>(map: ReadonlyMap<K, V>) => new Map([...map].toSorted(([a], [b]) => (a < b ? -1 : 1)));
    expect(byName(participants)).toEqual(byName(folded.participants));
    expect(byName(authors)).toEqual(byName(folded.authors));
    expect(group).toHaveLength(folded.group.length);
  });
});

describe('a command that waits for the conversation’s key', () => {
  it('is decided again when others went on meanwhile', async () => {
    const sid = await opened();
    const cold = new DataKeys(db.keysPool, db.box); // as after a restart
    const coldCommit = new GroupCommit(db.pool, () => {});
    const restarted = new Streams(db.pool, coldCommit, cold);
    const close = { type: 'ChangeState', data: { state: 'closed', reason: 'API', now: at } } as const;
    const results = await Promise.allSettled([close, say('late'), say('later')].map((command) =>
      restarted.onConversation(caller, sid, () => command, { result: null })));
    expect(results.map((r) => (r.status === 'fulfilled' ? 'stored' : r.reason.code))).toEqual(['stored', 'conversation_closed', 'conversation_closed']);
    await coldCommit.stop();
  });
});

describe('receipts of one message', () => {
  let recipients: string[];
  beforeEach(() => (recipients = Array.from({ length: 50 }, () => newSid('DY'))));
  const report = (sid: string, messageSid: string, receiptSid: string, status: 'sent' | 'delivered', by = streams) => by.onDelivery(caller, sid, messageSid, {
    type: 'ReportDelivery',
    data: {
      receiptSid: receiptSid as `DY${string}`, conversationSid: sid as `CH${string}`, messageSid: messageSid as `IM${string}`, participantSid: 'MB1',
      channelMessageSid: null, status, errorCode: 0, now: at,
    },
  });
  const opening = async () => {
    const sid = await opened();
    const { events } = await run(sid, say('to fifty'));
    return { sid, messageSid: (events[0]!.data as { messageSid: string }).messageSid };
  };
  const receiptsOf = async (messageSid: string) => {
    const { rows } = await db.pool.query<{ status: string; n: number }>('select status, count(*) as n from model.receipt where message_sid = $1 group by status', [messageSid]);
    return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
  };

  it('that come at once are stored together, and messages of the conversation do not wait for them', async () => {
    const { sid, messageSid } = await opening();
    let appends = 0;
    const counting = new GroupCommit(db.pool, (events) => { appends += 1; committed.push(...events); });
    const busy = new Streams(db.pool, counting, db.keys);
    committed = [];
    const reports = Promise.all([...recipients, ...recipients].map((receipt, i) => report(sid, messageSid, receipt, i < 50 ? 'sent' : 'delivered', busy)));
    const message = busy.onConversation(caller, sid, () => say('meanwhile'), { result: null });
    await Promise.all([reports, message]);
    await counting.stop();
    expect(await receiptsOf(messageSid)).toEqual({ delivered: 50 });
    expect(committed.filter(({ type }) => type === 'DeliveryUpdated').map(({ version }) => version)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    expect(appends).toBeLessThanOrEqual(4);
  });
  it('are stored once, however often and by whomever they are reported', async () => {
    const { sid, messageSid } = await opening();
    const otherCommit = new GroupCommit(db.pool, (events) => committed.push(...events));
    const other = new Streams(db.pool, otherCommit, db.keys);
    await Promise.all(recipients.flatMap((receipt) => [streams, other, streams].map((by) => report(sid, messageSid, receipt, 'sent', by))));
    await otherCommit.stop();
    expect(await receiptsOf(messageSid)).toEqual({ sent: 50 });
    expect(committed.filter(({ type }) => type === 'DeliveryUpdated')).toHaveLength(50);
  });
});

describe('a receipt of a deleted conversation', () => {
  it('is refused and leaves nothing', async () => {
    const sid = await opened();
    const { events } = await run(sid, say('bye'));
    const { messageSid } = events[0]!.data as { messageSid: `IM${string}` };
    await run(sid, { type: 'DeleteConversation', data: { now: at } });
    await expect(streams.onDelivery(caller, sid, messageSid, {
      type: 'ReportDelivery',
      data: {
        receiptSid: newSid('DY'), conversationSid: sid as `CH${string}`, messageSid, participantSid: 'MB1', channelMessageSid: null,
        status: 'delivered', errorCode: 0, now: at,
      },
    })).rejects.toMatchObject({ code: 'conversation_not_found' });
    expect((await db.pool.query('select 1 from model.receipt where message_sid = $1', [messageSid])).rowCount).toBe(0);
  });
});

describe('another account', () => {
  it('finds nothing', async () => {
    const sid = await opened();
    await expect(run(sid, say('hi'), { account: newSid('AC') })).rejects.toMatchObject({ code: 'conversation_not_found' });
  });
});

describe('a refusal', () => {
  it('never rests on a state that another instance has changed', async () => {
    const sid = await opened();
    const otherCommit = new GroupCommit(db.pool, () => {});
    const other = new Streams(db.pool, otherCommit, db.keys);
    await run(sid, join('ann'), caller, true);
    const { state } = await loadConversation(db.pool, shardOf(account, sid), account, sid);
    const participantSid = state.authors.get('ann')!;
    await other.onConversation(caller, sid, () => ({ type: 'RemoveParticipant', data: { participantSid, now: at } }), { result: null });
    await run(sid, join('ann'), caller, true);
    await otherCommit.stop();
  });
});
