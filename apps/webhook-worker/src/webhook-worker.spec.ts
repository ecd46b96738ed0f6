import type { ConversationCommand } from '@parley/domain/conversation/conversation';
import { newSid } from '@parley/domain/sid';
import type { WebhookMark } from '@parley/domain/webhook-mark';
import { Accounts } from '@parley/event-store/accounts';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { GroupCommit } from '@parley/event-store/group-commit';
import { LogReader } from '@parley/event-store/log-reader';
import { LogTail } from '@parley/event-store/log-tail';
import { Streams } from '@parley/event-store/streams';
import { keepForWebhooks } from '@parley/webhooks/removed-rows';
import type { ServerResponse } from 'node:http';
import { PlayedTarget } from './target.testing.js';
import { WebhookWorker } from './webhook-worker.js';

const at = '2026-01-02T03:04:05.678Z';
const authToken = '0123456789abcdef0123456789abcdef';
const API: WebhookMark = { source: 'API' };
let db: TestDatabase;
let tail: LogTail;
let commit: GroupCommit;
let streams: Streams;
let target: PlayedTarget;
let worker: WebhookWorker;
let account: string;
let service: string;

beforeAll(async () => {
  db = await testDatabase();
  tail = new LogTail(new LogReader(db.pool, db.keys));
  await tail.start();
  commit = new GroupCommit(db.pool, (events) => tail.feed(events));
  streams = new Streams(db.pool, commit, db.keys);
});
afterAll(async () => {
  await commit.stop();
  tail.stop();
  await db.drop();
});
beforeEach(async () => {
  [account, service] = [await newAccount(), newSid('IS')];
  target = await PlayedTarget.start(authToken);
  worker = await startWorker();
});
afterEach(async () => {
  await worker.stop();
  target.stop();
});

async function newAccount(): Promise<string> {
  const sid = newSid('AC');
  await db.pool.query('insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, $1, $2, $3)',
    [sid, db.box.seal(authToken), newSid('IS')]);
  return sid;
}
async function startWorker(options: { timeoutMillis?: number; sweepMillis?: number; privateAllowed?: boolean } = {}): Promise<WebhookWorker> {
  const accounts = new Accounts(db.pool, db.box);
  const started = new WebhookWorker({ pool: db.pool, databaseUrl: db.url, tail, accounts, instance: 'spec' },
    { retryMillis: 20, sweepMillis: 20, timeoutMillis: 10_000, privateAllowed: true, ...options });
  await started.start();
  return started;
}
async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within a minute: ${what}; told: ${JSON.stringify(target.told.map(({ parameters }) => parameters))}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

type Command = { [T in ConversationCommand['type']]: { type: T; data: Record<string, unknown> } }[ConversationCommand['type']];
const run = (sid: string, { type, data }: Command, webhook: WebhookMark | undefined = API, of = account) =>
  streams.onConversation({ account: of, ...(webhook && { webhook }) }, sid, () => ({ type, data: { now: at, ...data } }) as never, { result: null });
async function conversation(webhook?: WebhookMark, of = account): Promise<string> {
  const conversationSid = newSid('CH');
  await run(conversationSid, {
    type: 'CreateConversation',
    data: {
      conversationSid, chatServiceSid: service, messagingServiceSid: 'MG1', friendlyName: 'Thread', uniqueName: null, attributes: '{}', state: 'active',
      timers: {}, email: {}, participants: [], limits: { participantsMax: 10, nonChatParticipantsMax: 10 },
    },
  }, webhook === undefined ? (null as never) : webhook, of);
  return conversationSid;
}
async function say(sid: string, body: string, webhook: WebhookMark | null = API, of = account): Promise<string> {
  const messageSid = newSid('IM');
  await run(sid, { type: 'AddMessage', data: { messageSid, author: 'alice', body, attributes: '{"a":1}', media: null, contentSid: null, subject: null, source: null } }, webhook as never, of);
  return messageSid;
}
async function put(table: string, row: Record<string, unknown>, of = account): Promise<void> {
  await db.pool.query(`insert into model.${table} select * from jsonb_populate_record(null::model.${table}, $1)`, [{ account: of, created_at: at, updated_at: at, ...row }]);
}
const configure = (filters: string[], row: Record<string, unknown> = {}, of = account) =>
  put('webhook_configuration', { sid: of, method: 'POST', filters, post_webhook_url: target.url('/post'), target: 'webhook', ...row }, of);
const told = (path = '/post') => target.at(path).map(({ parameters }) => parameters);
const bodies = (path = '/post') => told(path).map(({ Body }) => Body);
const jobs = async (what: string) => (await db.pool.query(`select ${what} from webhook.job where account = $1 order by job_id`, [account])).rows;

it('tells what was written, as documented, and signed so that the official validator accepts it', async () => {
  await configure(['onConversationAdded', 'onMessageAdded', 'onMessageUpdated', 'onMessageRemoved', 'onConversationStateUpdated', 'onConversationRemoved']);
  const sid = await conversation({ source: 'SMS', opening: { address: '+1', proxyAddress: '+2', body: 'first' } });
  const messageSid = await say(sid, 'Hällo\n🙂', { source: 'SDK', identity: 'alice' });
  await run(sid, { type: 'UpdateMessage', data: { messageSid, index: 0, body: 'changed' } });
  await keepForWebhooks(db.pool, { account, webhook: API }, 'message', messageSid);
  await run(sid, { type: 'DeleteMessage', data: { messageSid, index: 0 } });
  await run(sid, { type: 'ChangeState', data: { state: 'closed', reason: 'TIMER' } }, null as never);
  await keepForWebhooks(db.pool, { account, webhook: API }, 'conversation', sid);
  await run(sid, { type: 'DeleteConversation', data: {} });
  await until(() => told().length === 6, 'six events');
  const about = { AccountSid: account, ChatServiceSid: service, ConversationSid: sid, RetryCount: '0' };
  const message = { ...about, MessageSid: messageSid, Index: '0', Author: 'alice', Attributes: '{"a":1}', DateCreated: at };
  const thread = { FriendlyName: 'Thread', Attributes: '{}', MessagingServiceSid: 'MG1', DateCreated: at, DateUpdated: at };
  expect(told()).toEqual([
    { ...about, ...thread, EventType: 'onConversationAdded', Source: 'SMS', State: 'active', 'MessagingBinding.Address': '+1', 'MessagingBinding.ProxyAddress': '+2', MessageBody: 'first' },
    { ...message, EventType: 'onMessageAdded', Source: 'SDK', ClientIdentity: 'alice', Body: 'Hällo\n🙂', MessagingServiceSid: 'MG1' },
    { ...message, EventType: 'onMessageUpdated', Source: 'API', Body: 'changed', DateUpdated: at },
    { ...message, EventType: 'onMessageRemoved', Source: 'API', Body: 'changed', DateUpdated: at, DateRemoved: at },
    { ...about, EventType: 'onConversationStateUpdated', MessagingServiceSid: 'MG1', StateUpdated: at, StateFrom: 'active', StateTo: 'closed', Reason: 'TIMER' },
    { ...about, ...thread, EventType: 'onConversationRemoved', Source: 'API', State: 'closed', DateRemoved: at },
  ]);
  expect(target.told.map(({ valid }) => valid)).toEqual(Array(6).fill(true));
  await until(async () => (await jobs('state')).every(({ state }) => state === 'delivered'), 'delivered');
  expect((await jobs('parameters')).every(({ parameters }) => parameters === null)).toBe(true);
});

it('keeps nothing of what is removed where nobody would be told', async () => {
  const kept = async () => {
    const sid = await conversation();
    const messageSid = await say(sid, 'nobody else');
    for (const [table, of] of [['message', messageSid], ['conversation', sid]] as const) await keepForWebhooks(db.pool, { account, webhook: API }, table, of);
    return (await db.pool.query('select 1 from webhook.removed where sid in ($1, $2)', [sid, messageSid])).rowCount;
  };
  expect(await kept()).toBe(0);
  await configure(['onMessageRemoved'], { post_webhook_url: null, pre_webhook_url: target.url('/pre') });
  expect(await kept()).toBe(0);
});

it('tells of participants, users and receipts', async () => {
  await configure(['onParticipantAdded', 'onParticipantUpdated', 'onParticipantRemoved', 'onUserAdded', 'onUserUpdated', 'onDeliveryUpdated']);
  const sid = await conversation();
  const participantSid = newSid('MB');
  const limits = { participantsMax: 10, nonChatParticipantsMax: 10 };
  const binding = { type: 'whatsapp', address: 'whatsapp:+1', proxyAddress: 'whatsapp:+2' };
  await run(sid, { type: 'AddParticipant', data: { participantSid, identity: null, binding, attributes: '{}', roleSid: 'RL1', limits } });
  await run(sid, { type: 'UpdateParticipant', data: { participantSid, lastReadMessageIndex: 7 } });
  const receipt = { receiptSid: newSid('DY'), messageSid: newSid('IM'), participantSid, channelMessageSid: 'WA1', status: 'failed', errorCode: 63016 };
  await streams.onDelivery({ account }, sid, receipt.messageSid, { type: 'ReportDelivery', data: { ...receipt, conversationSid: sid, now: at } } as never);
  // Receipts have a stream of their own, but lie in the shard of their conversation.
  await until(() => told().length === 3, 'three events');
  await keepForWebhooks(db.pool, { account, webhook: API }, 'participant', participantSid);
  await run(sid, { type: 'RemoveParticipant', data: { participantSid } });
  const about = { AccountSid: account, ChatServiceSid: service, ConversationSid: sid, ParticipantSid: participantSid, RetryCount: '0' };
  const person = {
    ...about, Source: 'API', RoleSid: 'RL1', Attributes: '{}', DateCreated: at, 'MessagingBinding.Type': 'WHATSAPP', 'MessagingBinding.Address': 'whatsapp:+1',
    'MessagingBinding.ProxyAddress': 'whatsapp:+2',
  };
  await until(() => told().length === 4, 'four events');
  expect(told()).toEqual([
    { ...person, EventType: 'onParticipantAdded' },
    { ...person, EventType: 'onParticipantUpdated', DateUpdated: at, LastReadMessageIndex: '7' },
    {
      ...about, EventType: 'onDeliveryUpdated', Source: 'WHATSAPP', MessageSid: receipt.messageSid, DeliveryReceiptSid: receipt.receiptSid,
      ChannelMessageSid: 'WA1', Status: 'failed', ErrorCode: '63016', DateCreated: at, DateUpdated: at,
    },
    { ...person, EventType: 'onParticipantRemoved', DateUpdated: at, DateRemoved: at },
  ]);
  const user = { sid: newSid('US'), account, chat_service_sid: service, identity: 'bob', friendly_name: 'Bob', attributes: '{}', role_sid: 'RL2', created_at: at, updated_at: at };
  const onUser = (type: string, data: object) =>
    streams.onRegistry({ account, webhook: API }, user.sid, `chat_user-${user.sid}`, () => [{ type, data }], { result: null }, user.sid);
  await onUser('UserCreated', user);
  await onUser('UserUpdated', { sid: user.sid, friendly_name: 'Robert', updated_at: at });
  await until(() => told().length === 6, 'six events');
  const who = { AccountSid: account, ChatServiceSid: service, UserSid: user.sid, Identity: 'bob', RoleSid: 'RL2', Attributes: '{}', DateCreated: at, Source: 'API', RetryCount: '0' };
  expect(told().slice(4)).toEqual([
    { ...who, EventType: 'onUserAdded', FriendlyName: 'Bob' }, { ...who, EventType: 'onUserUpdated', FriendlyName: 'Robert', DateUpdated: at },
  ]);
});

it('tells nothing of REST calls that did not ask, of events not listed, of other accounts', async () => {
  await configure(['onMessageAdded']);
  const other = await newAccount();
  const [sid, theirs] = [await conversation(API), await conversation(API, other)];
  await say(sid, 'silent', null);
  await say(theirs, 'theirs', API, other);
  await say(sid, 'told');
  await until(() => told().length > 0, 'the one');
  expect(bodies()).toEqual(['told']);
});

it('a service\'s webhooks replace the account\'s, but not about users; a conversation\'s come on top', async () => {
  await configure(['onMessageAdded', 'onUserAdded']);
  await configure(['onMessageAdded', 'onUserAdded'], { sid: service, post_webhook_url: target.url('/service'), method: 'GET' });
  const sid = await conversation();
  const scoped = (row: Record<string, unknown>) => put('conversation_webhook', { sid: newSid('WH'), conversation_sid: sid, method: 'post', ...row });
  await scoped({ target: 'webhook', url: target.url('/scoped'), filters: ['onMessageAdded', 'onConversationRemoved'] });
  await scoped({ target: 'webhook', url: target.url('/elsewhere'), filters: ['onMessageUpdated'] });
  await scoped({ target: 'trigger', url: target.url('/trigger'), triggers: ['help', '#1 (now)'] });
  await scoped({ target: 'studio', flow_sid: `FW${'0'.repeat(32)}` });
  for (const body of ['hello', 'I need HELP!', 'helpless', 'take #1 (now)']) await say(sid, body);
  await streams.onRegistry({ account, webhook: API }, newSid('US'), `chat_user-${sid}`, () => [{ type: 'UserCreated', data: {
    sid: newSid('US'), account, chat_service_sid: service, identity: sid, friendly_name: null, attributes: '{}', role_sid: 'RL2', created_at: at, updated_at: at,
  } }], { result: null });
  await keepForWebhooks(db.pool, { account, webhook: API }, 'conversation', sid);
  await run(sid, { type: 'DeleteConversation', data: {} });
  await until(() => target.told.length === 12, 'all');
  expect(bodies('/service')).toEqual(['hello', 'I need HELP!', 'helpless', 'take #1 (now)']);
  expect(target.at('/service').every(({ method, valid }) => method === 'GET' && valid)).toBe(true);
  expect(told('/scoped').map(({ EventType, Body }) => [EventType, Body])).toEqual([
    ...['hello', 'I need HELP!', 'helpless', 'take #1 (now)'].map((body) => ['onMessageAdded', body]), ['onConversationRemoved', undefined],
  ]);
  expect(bodies('/trigger')).toEqual(['I need HELP!', 'take #1 (now)']);
  expect(told('/post').map(({ EventType }) => EventType)).toEqual(['onUserAdded']);
});

it('replays what was said to a webhook that asks for it, once', async () => {
  const sid = await conversation();
  for (let n = 0; n < 4; n++) await say(sid, `before ${n}`, null);
  const row = {
    sid: newSid('WH'), account, conversation_sid: sid, target: 'webhook', url: target.url('/replay'), method: 'post', filters: ['onMessageAdded'], triggers: null,
    flow_sid: null, replay_after: 1, created_at: at, updated_at: at,
  };
  await streams.onRegistry({ account }, sid, `conversation_webhook-${sid}`, () => [{ type: 'ConversationWebhookCreated', data: row }], { result: null });
  await say(sid, 'after');
  await until(() => told('/replay').length === 3, 'three');
  expect(told('/replay').map(({ Body, Index, Source }) => [Body, Index, Source])).toEqual([['before 2', '2', 'API'], ['before 3', '3', 'API'], ['after', '4', 'API']]);
});

it('tries three times, keeps the order, then goes on; what can never work is not repeated', async () => {
  await worker.stop();
  worker = await startWorker({ timeoutMillis: 2_000 });
  await configure(['onMessageAdded']);
  const sid = await conversation();
  target.answer = ({ parameters }, response) => {
    if (parameters['Body'] === 'hopeless') response.writeHead(500);
    if (parameters['Body'] === 'slow' && parameters['RetryCount'] === '0') return; // no answer in time
    if (parameters['Body'] === 'busy' && parameters['RetryCount'] !== '2') response.writeHead(503);
    if (parameters['Body'] === 'wrong') response.writeHead(404);
    if (parameters['Body'] === 'moved') response.writeHead(302, { Location: target.url('/elsewhere') });
    response.end();
  };
  for (const body of ['fine', 'hopeless', 'slow', 'busy', 'wrong', 'moved', 'last']) await say(sid, body);
  await until(() => bodies().includes('last'), 'the last one');
  expect(told().map(({ Body, RetryCount }) => `${Body} ${RetryCount}`)).toEqual([
    'fine 0', 'hopeless 0', 'hopeless 1', 'hopeless 2', 'slow 0', 'slow 1', 'busy 0', 'busy 1', 'busy 2', 'wrong 0', 'moved 0', 'last 0',
  ]);
  expect(new Set(target.told.filter(({ parameters }) => parameters['Body'] === 'hopeless').map(({ token }) => token)).size).toBe(1);
  expect(target.told.every(({ valid }) => valid)).toBe(true);
  await until(async () => (await jobs('state')).at(-1).state === 'delivered', 'delivered');
  expect((await jobs('state, attempt, http_status, error_code')).map((j) => [j.state, j.attempt, j.http_status, j.error_code])).toEqual([
    ['delivered', 1, 200, null], ['failed', 3, 500, 11200], ['delivered', 2, 200, null], ['delivered', 3, 200, null],
    ['failed', 1, 404, 11200], ['failed', 1, 302, 11200], ['delivered', 1, 200, null],
  ]);
});

it('tries again in time, also when the sweep has much else to walk past', async () => {
  await worker.stop();
  worker = await startWorker({ sweepMillis: 60_000 });
  await configure(['onMessageAdded']);
  target.answer = ({ parameters }, response) => void response.writeHead(parameters['RetryCount'] === '2' ? 200 : 503).end();
  await say(await conversation(), 'patience');
  await until(() => told().length === 3, 'the third attempt');
});

it('a target that hangs delays no other account, and no other target of its own', async () => {
  await worker.stop();
  worker = await startWorker({ timeoutMillis: 60_000 });
  const other = await newAccount();
  await configure(['onMessageAdded'], { post_webhook_url: target.url('/hangs') });
  const healthy = await PlayedTarget.start(authToken);
  await configure(['onMessageAdded'], { post_webhook_url: healthy.url('/post') }, other);
  const hanging: ServerResponse[] = [];
  target.answer = (_told, response) => void hanging.push(response);
  const mine = await Promise.all(Array.from({ length: 100 }, () => conversation()));
  await put('conversation_webhook', { sid: newSid('WH'), conversation_sid: mine[0], target: 'webhook', url: healthy.url('/scoped'), method: 'post', filters: ['onMessageAdded'] });
  await Promise.all(mine.map((sid) => say(sid, 'into the void')));
  await until(() => hanging.length >= 16, 'calls hang');
  const theirs = await conversation(undefined, other);
  for (let n = 0; n < 20; n++) await say(theirs, `${n}`, API, other);
  await until(() => healthy.at('/post').length === 20 && healthy.at('/scoped').length === 1, 'the others are told');
  expect(hanging.every(({ writableEnded, destroyed }) => !writableEnded && !destroyed)).toBe(true); // none of those calls had ended before
  target.answer = (_told, response) => void response.end();
  for (const response of hanging) response.end();
  await until(() => told('/hangs').length === 100, 'those as well');
  healthy.stop();
});

it('a worker that is killed and started again loses nothing and keeps the order', async () => {
  await configure(['onMessageAdded']);
  const sid = await conversation();
  const writing = (async () => { for (let n = 0; n < 200; n++) await say(sid, `${n}`); })();
  for (let n = 0; n < 5; n++) {
    await until(() => told().length > n * 20, 'some');
    await worker.stop();
    worker = await startWorker();
  }
  await writing;
  await until(() => new Set(bodies()).size === 200, 'all');
  const once = bodies().filter((body, i, all) => all.indexOf(body) === i);
  expect(once).toEqual(Array.from({ length: 200 }, (_, n) => `${n}`));
});

it('what a dead worker had in hand is taken over when its lease ends', async () => {
  await configure(['onMessageAdded']);
  await worker.stop();
  const sid = await conversation();
  worker = await startWorker({ timeoutMillis: 1_000 });
  target.answer = () => {}; // the worker dies while it waits
  await say(sid, 'in hand');
  await until(() => told().length === 1, 'called');
  await db.pool.query(`update webhook.job set lease_owner = 'dead', due_at = now(), attempt = 1 where account = $1`, [account]);
  target.answer = (_told, response) => void response.end();
  await until(() => told().length >= 2, 'called again');
  await until(async () => (await jobs('state'))[0].state === 'delivered', 'delivered');
});

it('goes on at once with what it had in hand itself when it died', async () => {
  await configure(['onMessageAdded']);
  await worker.stop();
  await db.pool.query(
    `insert into webhook.job (job_key, account, target, lane, event_type, url, method, parameters, state, attempt, due_at, lease_owner)
     values ($1, $2, $2, $2, 'onMessageAdded', $3, 'POST', '{"Body":"in hand"}', 'sending', 1, now() + interval '1 hour', 'spec')`,
    [newSid('IM'), account, target.url('/post')]);
  worker = await startWorker();
  await until(async () => (await jobs('state'))[0].state === 'delivered', 'delivered');
  expect(told()).toEqual([{ Body: 'in hand', RetryCount: '1' }]);
});

it('does not go into private networks unless allowed', async () => {
  await worker.stop();
  worker = await startWorker({ privateAllowed: false });
  await configure(['onMessageAdded']);
  await say(await conversation(), 'secret');
  await until(async () => (await jobs('state'))[0]?.state === 'failed', 'failed');
  expect(target.told).toEqual([]);
});

it('waits while the account is suspended', async () => {
  await configure(['onMessageAdded']);
  await db.pool.query(`update registry.account set status = 'suspended' where sid = $1`, [account]);
  await say(await conversation(), 'later');
  await until(async () => (await jobs(`state = 'queued' and attempt = 0 and due_at > now() + interval '30 s' as waits`))[0]?.waits === true, 'put off');
  expect(target.told).toEqual([]);
});
