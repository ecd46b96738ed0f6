import { defaultLimits } from '@parley/domain/conversation/conversation';
import { newService } from '@parley/domain/roles';
import { newSid } from '@parley/domain/sid';
import { ChatUsers } from './chat-users.js';
import { testDatabase, type TestDatabase } from './database.testing.js';
import { GroupCommit } from './group-commit.js';
import { Streams } from './streams.js';

let db: TestDatabase;
let commit: GroupCommit;
let streams: Streams;
const account = newSid('AC');
const service = newSid('IS');
const caller = { account };
const at = new Date().toISOString();
const roles = newService({ sid: service, account, friendly_name: 'x', created_at: at, updated_at: at });
const roleNamed = (name: string) => roles.find(({ data }) => data['friendly_name'] === name)!.data.sid;
beforeAll(async () => {
  db = await testDatabase();
  commit = new GroupCommit(db.pool, () => {});
  streams = new Streams(db.pool, commit, db.keys);
  await streams.onRegistry(caller, service, `service-${service}`, () => roles, { result: null });
});
afterAll(async () => {
  await commit.stop();
  await db.drop();
});

const users = (max = 1000) => new ChatUsers(streams, db.pool, max);
const found = async (identity: string) =>
  (await db.pool.query('select * from model.chat_user where chat_service_sid = $1 and identity = $2', [service, identity])).rows;
const conversation = async (identities: string[] = [], state: 'active' | 'closed' = 'active') => {
  const conversationSid = newSid('CH');
  const run = (command: Parameters<Streams['onConversation']>[2]) => streams.onConversation(caller, conversationSid, command, { result: null });
  await run(() => ({
    type: 'CreateConversation',
    data: {
      conversationSid, chatServiceSid: service, messagingServiceSid: null, friendlyName: null, uniqueName: null, attributes: '{}', state: 'active',
      timers: {}, email: {}, now: at,
    },
  }));
  for (const identity of identities)
    await run(() => ({
      type: 'AddParticipant',
      data: { participantSid: newSid('MB'), identity, binding: null, attributes: '{}', roleSid: null, limits: defaultLimits, now: at },
    }));
  if (state === 'closed') await run(() => ({ type: 'ChangeState', data: { state, reason: 'API', now: at } }));
  return conversationSid;
};

it('makes each user once, however many ask at the same time', async () => {
  await Promise.all(Array.from({ length: 8 }, () => users().ensure(caller, service, ['ann', 'bob', 'ann'])));
  for (const identity of ['ann', 'bob'])
    expect(await found(identity)).toEqual([expect.objectContaining({
      account, identity, friendly_name: null, attributes: '{}', role_sid: roleNamed('service user'),
    })]);
});
it.each([
  ['a service role', () => roleNamed('service admin'), 'service admin'],
  ['a role of conversations', () => roleNamed('channel admin'), 'service user'],
  ['no role at all', () => newSid('RL'), 'service user'],
])('takes %s for what it is', async (name, asked, expected) => {
  expect(await users().ensure(caller, service, [name], asked())).toBe(true);
  expect(await found(name)).toMatchObject([{ role_sid: roleNamed(expected) }]);
});
it('makes nobody in another account\'s service', async () => {
  expect(await users().ensure({ account: newSid('AC') }, service, ['mallory'])).toBe(false);
  expect(await found('mallory')).toEqual([]);
});
it('counts the conversations of a user that are not closed', async () => {
  const joins = (sid: string, max: number) => users(max).joining(caller, service, sid, ['other', 'cat']);
  const [first] = [await conversation(['cat']), await conversation(['cat']), await conversation(['cat'], 'closed')];
  const next = await conversation();
  await expect(joins(next, 2)).rejects.toMatchObject({ code: 'user_conversation_limit_exceeded' });
  await expect(joins(first!, 2)).resolves.toBeUndefined(); // already in: refused elsewhere, or a repetition
  await expect(joins(next, 3)).resolves.toBeUndefined();
  expect(await found('other')).toHaveLength(1);
});
it('does not walk through what is over', async () => {
  for (let n = 0; n < 3; n++) await conversation(['dan'], 'closed');
  await conversation(['dan']);
  const { rows } = await db.pool.query(
    'select ended, count(*)::integer from model.participant where account = $1 and identity = $2 group by 1 order by 1', [account, 'dan']);
  expect(rows).toEqual([{ ended: true, count: 3 }, { ended: null, count: 1 }]);
});
