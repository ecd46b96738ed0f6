import type { ConversationCommand } from '@parley/domain/conversation/conversation';
import { DomainError } from '@parley/domain/domain-error';
import { newSid } from '@parley/domain/sid';
import type { WebhookMark } from '@parley/domain/webhook-mark';
import { Accounts } from '@parley/event-store/accounts';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { GroupCommit } from '@parley/event-store/group-commit';
import { LogReader } from '@parley/event-store/log-reader';
import { LogTail } from '@parley/event-store/log-tail';
import { Streams } from '@parley/event-store/streams';
import type { ServerResponse } from 'node:http';
import { KEY_ID, PlayedApns, TEAM_ID } from '@parley/push/apns.testing';
import { PlayedFcm, refuse } from '@parley/push/fcm.testing';
import { newVapidKeys } from '@parley/push/vapid';
import { PlayedBrowser } from '@parley/push/web-push.testing';
import { pushConfig } from './config.js';
import { ATTEMPTS_MAX } from './deliverer.js';
import { PushWorker } from './push-worker.js';

let db: TestDatabase;
let tail: LogTail;
let commit: GroupCommit;
let streams: Streams;
let fcm: PlayedFcm;
let apns: PlayedApns;
let browser: PlayedBrowser;
let worker: PushWorker;
let account: string;
let service: string;
/** Of the account, by platform. */
let credentials: Record<'fcm' | 'apn' | 'webpush', string>;
const vapid = newVapidKeys();
const now = () => new Date().toISOString();

beforeAll(async () => {
  [db, fcm, apns, browser] = await Promise.all([testDatabase(), PlayedFcm.start(), PlayedApns.start(), PlayedBrowser.start()]);
  tail = new LogTail(new LogReader(db.pool, db.keys));
  await tail.start();
  commit = new GroupCommit(db.pool, (events) => tail.feed(events));
  streams = new Streams(db.pool, commit, db.keys);
});
afterAll(async () => {
  await commit.stop();
  tail.stop();
  for (const played of [fcm, apns, browser]) played.stop();
  await db.drop();
});
beforeEach(async () => {
  for (const list of [fcm.messages, apns.requests, browser.shown]) list.length = 0;
  fcm.answer = (message, response) => void response.end(JSON.stringify({ name: message.token }));
  apns.answer = () => ({ status: 200 });
  browser.answer = () => ({ status: 201 });
  account = await newAccount();
  service = newSid('IS');
  credentials = { fcm: await credential('fcm'), apn: await credential('apn'), webpush: await credential('webpush') };
  worker = await startWorker();
});
afterEach(async () => {
  await worker.stop();
  await db.pool.query('delete from push.job'); // the next worker would go on with it
});

async function newAccount(): Promise<string> {
  const sid = newSid('AC');
  await db.pool.query('insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, $1, $2, $3)', [sid, db.box.seal('token'), newSid('IS')]);
  return sid;
}
async function startWorker(changes: Record<string, string> = {}): Promise<PushWorker> {
  const config = pushConfig({
    PUSH_FCM_URL: fcm.url, PUSH_FCM_TOKEN_URL: fcm.tokenUrl, PUSH_APNS_URL: apns.url, PUSH_APNS_SANDBOX_URL: 'http://127.0.0.1:1', WEBHOOK_PRIVATE_TARGETS: 'allow',
    PUSH_RETRY_MILLIS: '1', PUSH_SWEEP_MILLIS: '20', PUSH_TIMEOUT_MILLIS: '10000', ...changes,
  });
  const registry = {
    // As the registry does it: one fact, about what is still as it was seen.
    remove: async ({ account: of }: { account: string }, _kind: string, sid: string, seen: Readonly<Record<string, unknown>> = {}) => {
      const { rows: [row] } = await db.pool.query<Record<string, unknown>>('select * from model.push_binding where sid = $1', [sid]);
      if (!row || Object.entries(seen).some(([name, value]) => String(row[name]) !== String(value))) throw new DomainError('resource_not_found');
      await streams.onRegistry({ account: of }, sid, `push_binding-${sid}`, () => [{ type: 'PushBindingDeleted', data: { sid } }], { result: null }, sid);
    },
  };
  const started = new PushWorker({ pool: db.pool, databaseUrl: db.url, tail, accounts: new Accounts(db.pool, db.box), box: db.box, registry, instance: 'spec' }, config);
  await started.start();
  return started;
}
async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within a minute: ${what}; jobs: ${JSON.stringify(await jobs())}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
async function put(table: string, row: Record<string, unknown>): Promise<void> {
  await db.pool.query(`insert into model.${table} select * from jsonb_populate_record(null::model.${table}, $1)`, [{ account, created_at: now(), updated_at: now(), ...row }]);
}
async function credential(type: 'fcm' | 'apn' | 'webpush', changes: Record<string, unknown> = {}): Promise<string> {
  const sid = newSid('CR');
  const sealed = (secret: string) => db.box.seal(secret).toString('base64');
  const secrets = {
    fcm: { secret: sealed(fcm.serviceAccount) }, apn: { private_key: sealed(apns.privateKey), key_id: KEY_ID, team_id: TEAM_ID, topic: 'com.example.chat' },
    webpush: { private_key: sealed(vapid.privateKey), subject: 'mailto:ops@example.com' },
  };
  await put('credential', { sid, type, sandbox: 'False', ...secrets[type], ...changes });
  return sid;
}
const configure = (settings: Record<string, unknown> = { new_message_enabled: true }) => put('service_notification', { sid: service, ...settings });
async function device(identity: string, address: string, changes: Record<string, unknown> = {}): Promise<string> {
  const sid = newSid('BS');
  const binding_type = (changes['binding_type'] ?? 'fcm') as 'fcm';
  await put('push_binding', {
    sid, chat_service_sid: service, credential_sid: credentials[binding_type], endpoint: sid, identity, binding_type, address,
    message_types: ['new_message', 'added_to_conversation', 'removed_from_conversation'], ...changes,
  });
  return sid;
}

type Command = { [T in ConversationCommand['type']]: { type: T; data: Record<string, unknown> } }[ConversationCommand['type']];
const run = (sid: string, { type, data }: Command, webhook?: WebhookMark) =>
  streams.onConversation({ account, ...(webhook && { webhook }) }, sid, () => ({ type, data: { now: now(), ...data } }) as never, { result: null });
const limits = { participantsMax: 10, nonChatParticipantsMax: 10 };
const joined = (identity: string, participantSid = newSid('MB')) => ({ participantSid, identity, binding: null, attributes: '{}', roleSid: newSid('RL') });
async function conversation(...members: string[]): Promise<string> {
  const conversationSid = newSid('CH');
  await run(conversationSid, {
    type: 'CreateConversation',
    data: {
      conversationSid, chatServiceSid: service, messagingServiceSid: null, friendlyName: 'Tea at five', uniqueName: null, attributes: '{}', state: 'active', timers: {}, email: {},
      participants: members.map((identity) => joined(identity)), limits,
    },
  });
  return conversationSid;
}
async function say(sid: string, author: string, body: string | null, more: Record<string, unknown> = {}): Promise<string> {
  const messageSid = newSid('IM');
  await run(sid, { type: 'AddMessage', data: { messageSid, author, body, attributes: '{}', media: null, contentSid: null, subject: null, source: null, ...more } });
  return messageSid;
}
const participantOf = async (sid: string, identity: string) =>
  (await db.pool.query<{ sid: string }>('select sid from model.participant where conversation_sid = $1 and identity = $2', [sid, identity])).rows[0]!.sid;
const jobs = async () => (await db.pool.query('select state, attempt, reason, notification, kept from push.job where account = $1 order by job_id', [account])).rows;
/** FCM lets everybody wait until the spec has it refuse: what the spec did before that, the next try finds. */
function fcmHesitates() {
  const waiting: ServerResponse[] = [];
  fcm.answer = (_message, response) => void waiting.push(response);
  return { triedTimes: (tries: number) => until(() => waiting.length === tries, 'tried'), refuse: () => refuse(waiting.at(-1)!, 503, 'UNAVAILABLE', { retryAfter: '1' }) };
}
const pushed = (token: string) => fcm.messages.filter((message) => message.token === token).map(({ data }) => data['twi_body']);

it('tells everybody else in the conversation on each of their devices, as their platform has it, and keeps nothing of it', async () => {
  await configure({ new_message_enabled: true, new_message_sound: 'ding', new_message_badge_count_enabled: true });
  await put('chat_user', { sid: newSid('US'), chat_service_sid: service, identity: 'alice', friendly_name: 'Alice', attributes: '{}', role_sid: newSid('RL') });
  const sid = await conversation('alice', 'bob', 'carol', 'dave');
  await device('alice', 'of-the-author');
  await device('bob', 'bob-android');
  await device('bob', 'b0b0', { binding_type: 'apn' });
  await device('carol', JSON.stringify(browser.subscription()), { binding_type: 'webpush' });
  await put('user_conversation', { sid: await participantOf(sid, 'dave'), user_sid: newSid('US'), conversation_sid: sid, notification_level: 'muted' });
  await device('dave', 'muted');
  await device('eve', 'elsewhere');
  const messageSid = await say(sid, 'alice', 'hello 🙂');
  await until(async () => fcm.messages.length + apns.requests.length + browser.shown.length === 3 && (await jobs()).length === 0, 'three, and no row left');
  const data = { conversation_sid: sid, conversation_title: 'Tea at five', author: 'alice', message_sid: messageSid };
  const text = 'Tea at five:Alice: hello 🙂';
  expect(fcm.messages).toEqual([expect.objectContaining({
    token: 'bob-android', data: { ...data, message_index: '0', twi_body: text, twi_sound: 'ding', twi_message_type: 'twilio.conversations.new_message', twi_message_id: expect.any(String) },
  })]);
  expect(apns.requests[0]).toMatchObject({ device: 'b0b0', payload: { ...data, message_index: 0, aps: { alert: text, sound: 'ding', badge: 1, 'thread-id': sid } } });
  expect(browser.shown[0]!.payload).toMatchObject({ data: { ...data, twi_body: text } });
});

it('does what the service configured: nothing by default, each kind by its own template, media by theirs', async () => {
  const sid = await conversation('alice', 'bob');
  await device('bob', 'bob');
  await device('bob', 'only-added', { message_types: ['added_to_conversation'] });
  await device('carol', 'carol');
  const media = [{ sid: newSid('ME'), contentType: 'image/png', filename: 'tea.png', size: 5 }];
  await say(sid, 'alice', 'before it was enabled');
  await until(() => worker.lag() === 0, 'passed over');
  await configure({
    new_message_enabled: true, new_message_template: '${MESSAGE}!', new_message_with_media_enabled: true, added_to_conversation_enabled: true,
    removed_from_conversation_enabled: true, removed_from_conversation_template: '${PARTICIPANT} removed you from ${CONVERSATION}', log_enabled: true,
  });
  await say(sid, 'alice', 'hello');
  await say(sid, 'alice', null, { media });
  const participantSid = newSid('MB');
  await run(sid, { type: 'AddParticipant', data: { ...joined('carol', participantSid), limits } }, { source: 'SDK', identity: 'alice' });
  await run(sid, { type: 'RemoveParticipant', data: { participantSid } });
  await run(sid, { type: 'AddParticipant', data: { ...joined('bob-himself'), limits } }, { source: 'SDK', identity: 'bob-himself' });
  await until(() => fcm.messages.length === 4, 'four');
  expect(pushed('bob')).toEqual(['hello!', 'You have a new message in Tea at five with 1 media files: tea.png']);
  expect(pushed('carol')).toEqual(['You have been added to the conversation Tea at five by alice', 'system removed you from Tea at five']);
  expect(fcm.messages.map(({ data }) => data['twi_message_type']!.split('.')[2])).toEqual(expect.arrayContaining(['new_message', 'added_to_conversation', 'removed_from_conversation']));
  await until(async () => (await jobs()).every(({ state }) => state === 'sent'), 'recorded');
  // The service logs its notifications: that they were sent, not what they said.
  expect(await jobs()).toEqual(Array.from({ length: 4 }, () => ({ state: 'sent', attempt: 1, reason: null, notification: null, kept: true })));
});

it('costs accounts without push no write: only positions move on, and what happens then is not told later', async () => {
  const sid = await conversation('alice', 'bob');
  await device('bob', 'bob');
  for (let n = 0; n < 3; n++) await say(sid, 'alice', `before ${n}`);
  await until(() => worker.lag() === 0, 'passed over');
  await configure();
  await say(sid, 'alice', 'after');
  await until(() => fcm.messages.length === 1, 'one');
  expect(pushed('bob')).toEqual(['Tea at five:alice: after']);
});

it('keeps the order of one device; an outage of its push service delays nobody else', async () => {
  await configure();
  const sid = await conversation('alice', 'bob', 'carol');
  await device('bob', 'bob');
  await device('carol', 'ca01', { binding_type: 'apn' });
  await worker.stop();
  worker = await startWorker({ PUSH_RETRY_MILLIS: '50' }); // not given up before the outage ends
  let up = false;
  fcm.answer = (_message, response) => (up ? void response.end('{}') : refuse(response, 503, 'UNAVAILABLE'));
  for (const n of [0, 1, 2]) await say(sid, 'alice', `${n}`);
  await until(() => apns.requests.length === 3, 'the other platform');
  expect(apns.requests.map(({ payload }) => payload.aps.alert)).toEqual([0, 1, 2].map((n) => `Tea at five:alice: ${n}`));
  await until(() => fcm.messages.length >= 2, 'tried again');
  expect(new Set(pushed('bob'))).toEqual(new Set(['Tea at five:alice: 0']));
  up = true;
  await until(async () => (await jobs()).length === 0, 'all sent');
  expect([...new Set(pushed('bob'))]).toEqual([0, 1, 2].map((n) => `Tea at five:alice: ${n}`));
});

it('leaves a push service alone as long as it asks for, all devices of that credential', async () => {
  await configure();
  const sid = await conversation('alice', 'bob', 'carol');
  await device('bob', 'bob');
  await device('carol', 'carol');
  let refusedAt = 0;
  fcm.answer = (_message, response) => {
    if (refusedAt > 0) return void response.end('{}');
    refusedAt = performance.now();
    refuse(response, 429, 'QUOTA_EXCEEDED', { retryAfter: '1' });
  };
  await say(sid, 'alice', 'first');
  await until(async () => (await jobs()).some(({ reason }) => reason === 'QUOTA_EXCEEDED'), 'refused');
  await device('carol', 'new device');
  await say(sid, 'alice', 'second');
  await until(async () => pushed('new device').length === 1, 'after the pause');
  expect(performance.now() - refusedAt).toBeGreaterThan(900);
  await until(async () => (await jobs()).length === 0, 'all sent');
  expect(pushed('new device')).toEqual(['Tea at five:alice: second']);
});

it('removes devices that are gone, on every platform, and calls them no more', async () => {
  await configure();
  const sid = await conversation('alice', 'bob');
  const gone = [await device('bob', 'gone'), await device('bob', 'dead', { binding_type: 'apn' }), await device('bob', JSON.stringify(browser.subscription()), { binding_type: 'webpush' })];
  // Registered again after Apple last saw it gone: the token lives.
  const back = await device('bob', 'bac0', { binding_type: 'apn' });
  fcm.answer = (_message, response) => refuse(response, 404, 'UNREGISTERED');
  apns.answer = ({ device: token }) => ({ status: 410, reason: 'Unregistered', timestamp: token === 'dead' ? Date.now() + 60_000 : Date.now() - 60_000 });
  browser.answer = () => ({ status: 410 });
  await say(sid, 'alice', 'one');
  const left = async () => (await db.pool.query<{ sid: string }>('select sid from model.push_binding where account = $1', [account])).rows.map((row) => row.sid);
  await until(async () => (await left()).length === 1, 'removed');
  expect(await left()).toEqual([back]);
  expect(gone).toHaveLength(3);
  const calls = () => fcm.messages.length + browser.shown.length + apns.requests.filter(({ device: token }) => token === 'dead').length;
  const before = calls();
  await say(sid, 'alice', 'two');
  await until(() => apns.requests.filter(({ device: token }) => token === 'bac0').length === 2, 'the living one');
  expect(calls()).toBe(before);
});

it('gives up what cannot work or takes too long, says why, and forgets what it said', async () => {
  await configure();
  const sid = await conversation('alice', 'bob');
  await device('bob', 'wrong', { credential_sid: await credential('fcm', { secret: db.box.seal('a server key').toString('base64') }) });
  await device('bob', 'nowhere', { credential_sid: newSid('CR') });
  await device('bob', 'broken');
  fcm.answer = (_message, response) => refuse(response, 500, 'INTERNAL');
  await say(sid, 'alice', 'hello');
  await until(async () => (await jobs()).filter(({ state }) => state === 'failed').length === 3, 'given up');
  expect((await jobs()).map(({ attempt, reason, notification }) => [attempt, String(reason).slice(0, 41), notification]).sort()).toEqual([
    [1, 'the credential holds no service account (', null], [1, 'the credential is gone', null], [ATTEMPTS_MAX, 'INTERNAL', null],
  ].sort());
  expect(fcm.messages).toHaveLength(ATTEMPTS_MAX);
});

it('sends nothing of a message that was deleted meanwhile, to a device that changed hands, or to nobody in time', async () => {
  await configure();
  const sid = await conversation('alice', 'bob');
  const bobs = await device('bob', 'bob');
  const push = fcmHesitates();
  const messageSid = await say(sid, 'alice', 'deleted');
  await push.triedTimes(1);
  await run(sid, { type: 'DeleteMessage', data: { messageSid, index: 0 } });
  push.refuse();
  await until(async () => (await jobs()).length === 0, 'dropped');
  await say(sid, 'alice', 'not his any more');
  await push.triedTimes(2);
  await db.pool.query(`update model.push_binding set identity = 'carol' where sid = $1`, [bobs]);
  push.refuse();
  await until(async () => (await jobs()).length === 0, 'dropped');
  await db.pool.query(`update model.push_binding set identity = 'bob' where sid = $1`, [bobs]);
  await say(sid, 'alice', 'late');
  await push.triedTimes(3);
  await db.pool.query('update push.job set expires_at = now() where account = $1', [account]);
  push.refuse();
  await until(async () => (await jobs())[0]?.state === 'failed', 'given up');
  expect(await jobs()).toEqual([{ state: 'failed', attempt: 2, reason: 'too late: UNAVAILABLE', notification: null, kept: false }]);
  expect(fcm.messages).toHaveLength(3);
});

it('tells nobody about a conversation that was deleted meanwhile', async () => {
  await configure({ added_to_conversation_enabled: true });
  const sid = await conversation('alice');
  await device('bob', 'bob');
  const push = fcmHesitates();
  await run(sid, { type: 'AddParticipant', data: { ...joined('bob'), limits } }, { source: 'SDK', identity: 'alice' });
  await push.triedTimes(1);
  await run(sid, { type: 'DeleteConversation', data: {} });
  push.refuse();
  await until(async () => (await jobs()).length === 0, 'dropped');
  expect(fcm.messages).toHaveLength(1);
});

it('goes on after a death where it was: planned once, in hand tried again, with the same id', async () => {
  await configure();
  const sid = await conversation('alice', 'bob');
  await device('bob', 'bob');
  await worker.stop();
  worker = await startWorker({ PUSH_TIMEOUT_MILLIS: '3000' });
  let answer = false;
  fcm.answer = (_message, response) => { if (answer) response.end('{}'); };
  await say(sid, 'alice', 'hello');
  await until(() => fcm.messages.length === 1, 'in hand');
  await worker.stop();
  answer = true;
  await say(sid, 'alice', 'meanwhile');
  worker = await startWorker();
  await until(async () => pushed('bob').length >= 3 && (await jobs()).length === 0, 'both');
  const ids = fcm.messages.map(({ data }) => data['twi_message_id']);
  expect(ids[0]).toBe(ids[1]);
  expect(pushed('bob').slice(1)).toEqual(['Tea at five:alice: hello', 'Tea at five:alice: meanwhile']);
});

it('counts conversations with unread messages for the badge', async () => {
  await configure({ new_message_enabled: true, new_message_badge_count_enabled: true });
  const [first, second, read] = [await conversation('alice', 'bob'), await conversation('alice', 'bob'), await conversation('alice', 'bob')];
  await conversation('alice', 'bob'); // nothing was said there
  await device('bob', 'b0b0', { binding_type: 'apn' });
  const badges = () => apns.requests.map(({ payload }) => payload.aps.badge as number);
  await say(read, 'alice', 'one');
  await until(() => badges().length === 1, 'first');
  await run(read, { type: 'UpdateParticipant', data: { participantSid: await participantOf(read, 'bob'), lastReadMessageIndex: 0 } });
  await say(first, 'alice', 'two');
  await until(() => badges().length === 2, 'second');
  await say(second, 'alice', 'three');
  await until(() => badges().length === 3, 'third');
  expect(badges()).toEqual([1, 1, 2]);
});

it('forgets devices that were silent for long', async () => {
  const [silent, heard] = [await device('bob', 'silent', { updated_at: '2020-01-01T00:00:00Z' }), await device('bob', 'heard')];
  await worker.stop();
  worker = await startWorker();
  const left = async () => (await db.pool.query<{ sid: string }>('select sid from model.push_binding where account = $1', [account])).rows.map(({ sid }) => sid);
  await until(async () => (await left()).length === 1, 'removed');
  expect(await left()).toEqual([heard]);
  expect(silent).not.toBe(heard);
});

it('does not see other accounts', async () => {
  await configure();
  const sid = await conversation('alice', 'bob');
  await device('bob', 'bob');
  // Could only come about by a mistake: another account's device under this service.
  await device('bob', 'foreign', { account: await newAccount() });
  await say(sid, 'alice', 'hello');
  await until(async () => pushed('bob').length === 1 && (await jobs()).every(({ state }) => state !== 'queued' && state !== 'sending'), 'sent');
  expect(pushed('foreign')).toEqual([]);
});
