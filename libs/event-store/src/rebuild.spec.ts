import { registryTables, type RegistryRow } from '@parley/domain/registry-events';
import { newSid, type Sid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from './database.testing.js';
import { GroupCommit } from './group-commit.js';
import { migrate, modelsAreCurrent, noteModelsCurrent } from './migrate.js';
import { rebuildModels } from './rebuild.js';
import { shardOf } from './shard.js';
import { Streams } from './streams.js';

let db: TestDatabase;
beforeAll(async () => (db = await testDatabase()));
afterAll(() => db.drop());

const at = () => new Date().toISOString();
const tables = ['conversation', 'participant', 'address_binding', 'group_conversation', 'message', 'message_content', 'receipt', ...Object.values(registryTables)];

async function content(): Promise<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  for (const table of tables) all[table] = (await db.pool.query(`select * from model.${table} t order by t`)).rows;
  return all;
}

it('gives the same rows as the appends did, while they go on', async () => {
  const commit = new GroupCommit(db.pool, () => {});
  const streams = new Streams(db.pool, commit, db.keys);
  const account = newSid('AC');
  const caller = { account };
  const sids = Array.from({ length: 8 }, () => newSid('CH'));
  const run = (sid: string, command: Parameters<typeof streams.onConversation>[2] extends (s: never) => infer C ? C : never, unique = false) =>
    streams.onConversation(caller, sid, () => command, { result: null, unique });
  for (const [i, sid] of sids.entries()) {
    await run(sid, {
      type: 'CreateConversation',
      data: {
        conversationSid: sid, chatServiceSid: 'IS1', messagingServiceSid: null, friendlyName: `n${i}`, uniqueName: `u${i}`, attributes: '{}',
        state: 'active', timers: { closed: 'PT10M' }, email: {}, now: at(),
      },
    }, true);
    for (const [identity, address] of [['ann', null], [null, `+1555010000${i}`]] as const)
      await run(sid, {
        type: 'AddParticipant',
        data: {
          participantSid: newSid('MB'), identity, binding: address === null ? null : { type: 'sms', address, proxyAddress: '+15550100099' },
          attributes: '{}', roleSid: null, limits: { participantsMax: 9, nonChatParticipantsMax: 9 }, now: at(),
        },
      }, true);
  }
  const group = newSid('CH');
  const member = (number: object) => ({ participantSid: newSid('MB'), identity: null, binding: null, attributes: '{}', roleSid: null, group: number as { address: string } });
  const leaving = member({ address: '+12025550109' });
  await run(group, {
    type: 'CreateConversation',
    data: {
      conversationSid: group, chatServiceSid: 'IS1', messagingServiceSid: null, friendlyName: null, uniqueName: null, attributes: '{}', state: 'active', timers: {}, email: {},
      participants: [member({ address: '+12025550102' }), leaving, member({ projectedAddress: '+12025550101' })], now: at(),
    },
  }, true);
  await run(group, { type: 'RemoveParticipant', data: { participantSid: leaving.participantSid, now: at() } }, true);
  const rendered = { body: 'hi', mediaUrls: [] };
  const say = async (sid: string) => {
    const messageSid = newSid('IM');
    await run(sid, {
      type: 'AddMessage',
      data: { messageSid, author: 'ann', body: 'hi', attributes: '{}', media: null, contentSid: 'HX1', content: { channels: { sms: rendered, whatsapp: rendered } }, subject: null, source: null, now: at() },
    });
    return messageSid;
  };
  const first = await say(sids[0]!);
  await run(sids[0]!, { type: 'UpdateMessage', data: { messageSid: first, index: 0, body: 'edited', now: at() } });
  await run(sids[0]!, { type: 'DeleteMessage', data: { messageSid: await say(sids[0]!), index: 1, now: at() } });
  const user = { sid: newSid('US'), account, chat_service_sid: 'IS1', identity: 'ann', friendly_name: null, attributes: '{}', role_sid: 'RL1', created_at: at(), updated_at: at() };
  const onUser = (type: 'UserCreated' | 'UserUpdated', data: RegistryRow) =>
    streams.onRegistry(caller, user.sid, `chat_user-${user.sid}`, () => [{ type, data }], { result: null }, user.sid);
  await onUser('UserCreated', user);
  await onUser('UserUpdated', { sid: user.sid, friendly_name: 'Ann' });
  await streams.onDelivery(caller, sids[0]!, first, {
    type: 'ReportDelivery',
    data: {
      receiptSid: newSid('DY'), conversationSid: sids[0]!, messageSid: first, participantSid: 'MB1', channelMessageSid: 'SM1', status: 'sent',
      errorCode: 0, now: at(),
    },
  });
  await run(sids[1]!, { type: 'ChangeState', data: { state: 'closed', reason: 'API', now: at() } });
  await run(sids[2]!, { type: 'DeleteConversation', data: { now: at() } });

  let writing = true;
  const writers = sids.slice(3).map(async (sid) => {
    let written = 0;
    for (; writing; written++) await say(sid);
    return written;
  });
  const { events } = await rebuildModels(db.pool, db.keys);
  writing = false;
  const written = (await Promise.all(writers)).reduce((sum, n) => sum + n, 0);
  expect(events).toBeGreaterThan(30);
  const { rows } = await db.pool.query('select count(*)::int as n from model.message where conversation_sid = any ($1)', [sids.slice(3)]);
  expect(rows[0].n).toBe(written);

  const served = await content();
  expect(served['group_conversation']).toEqual([{ conversation_sid: group, account, numbers: '+12025550101,+12025550102' }]);
  expect(served['chat_user']).toEqual([expect.objectContaining({ identity: 'ann', friendly_name: 'Ann' })]);
  const { rows: [stored] } = await db.pool.query("select position('ann'::bytea in data) as at from log.event where type = 'UserCreated'");
  expect(stored.at).toBe(0);
  await rebuildModels(db.pool, db.keys);
  expect(await content()).toEqual(served);
  await commit.stop();
});

it('does not mind in which order it meets what was given up and taken again', async () => {
  const commit = new GroupCommit(db.pool, () => {});
  const streams = new Streams(db.pool, commit, db.keys);
  const account = newSid('AC');
  const caller = { account };
  // Read before the one that gave up its name and its address: its shard comes first.
  const [first, second] = [newSid('CH'), newSid('CH'), newSid('CH'), newSid('CH'), newSid('CH'), newSid('CH')]
    .toSorted((a, b) => shardOf(account, b) - shardOf(account, a)).filter((_, i) => i === 0 || i === 5);
  expect(shardOf(account, first!)).toBeGreaterThan(shardOf(account, second!));
  const take = async (sid: Sid<'CH'>) => {
    await streams.onConversation(caller, sid, () => ({
      type: 'CreateConversation',
      data: {
        conversationSid: sid, chatServiceSid: 'IS2', messagingServiceSid: null, friendlyName: null, uniqueName: 'one', attributes: '{}',
        state: 'active', timers: {}, email: {}, now: at(),
      },
    }), { result: null, unique: true });
    await streams.onConversation(caller, sid, () => ({
      type: 'AddParticipant',
      data: {
        participantSid: newSid('MB'), identity: null, binding: { type: 'sms', address: '+15550177001', proxyAddress: '+15550177002' },
        attributes: '{}', roleSid: null, limits: { participantsMax: 9, nonChatParticipantsMax: 9 }, now: at(),
      },
    }), { result: null, unique: true });
  };
  const release = (sid: Sid<'CH'>) => streams.onConversation(caller, sid, () => ({ type: 'DeleteConversation', data: { now: at() } }), { result: null });
  await take(first!);
  await release(first!);
  await take(second!);
  const served = await content();
  await rebuildModels(db.pool, db.keys);
  expect(await content()).toEqual(served);
  await expect(take(newSid('CH'))).rejects.toThrow('conversation_unique_name_taken');

  let [passing, holder] = [true, second!];
  const passed = (async () => {
    while (passing) {
      await release(holder);
      await take((holder = newSid('CH')));
    }
  })();
  for (let n = 0; n < 5; n++) await rebuildModels(db.pool, db.keys);
  passing = false;
  await passed;
  const end = await content();
  await rebuildModels(db.pool, db.keys);
  expect(await content()).toEqual(end);
  await commit.stop();
});

it('tells read models of another shape from those of this build', async () => {
  expect(await modelsAreCurrent(db.pool)).toBe(true);
  await db.pool.query("update schema_migration set checksum = 'older' where name = '0002_z_model'");
  await db.pool.query('alter table model.receipt drop column error_code');
  await migrate(db.pool);
  expect(await modelsAreCurrent(db.pool)).toBe(false);
  await rebuildModels(db.pool, db.keys);
  await noteModelsCurrent(db.pool);
  expect(await modelsAreCurrent(db.pool)).toBe(true);
  await db.pool.query('select error_code from model.receipt');
});
