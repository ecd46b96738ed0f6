/** Devices for push: from form to binding, whose they are, how many; the credentials they are pushed to with. */
import { newSid } from '@parley/domain/sid';
import { pushBindingSid } from '@parley/event-store/push-binding-sid';
import { vapidPublicKey } from '@parley/push/vapid';
import { accessToken } from '../../../tools/bench/access-token.ts';
import { TestGateway, unknown } from './gateway.testing.js';

let gateway: TestGateway;
let key: { apiKeySid: string; apiKeySecret: string };
const credential: Record<string, string> = {};
const removed: string[] = [];
const subscription = (endpoint = 'https://push.example/send/1') => JSON.stringify({
  endpoint, expirationTime: null, keys: { p256dh: vapidKey, auth: Buffer.alloc(16, 1).toString('base64url') },
});
const vapidKey = vapidPublicKey(Buffer.alloc(32, 3).toString('base64url'))!;
const path = () => `/Services/${gateway.account.service}/Devices`;

beforeAll(async () => {
  gateway = await TestGateway.start();
  const { database: { pool, box }, account, commands } = gateway;
  key = { apiKeySid: newSid('SK'), apiKeySecret: 'x'.repeat(32) };
  await pool.query('insert into registry.api_key (sid, account, friendly_name, secret) values ($1, $2, $1, $3)', [key.apiKeySid, account.sid, box.seal(key.apiKeySecret)]);
  for (const type of ['fcm', 'gcm', 'apn', 'webpush']) await gateway.put('credential', { sid: (credential[type] = newSid('CR')), account: account.sid, type, sandbox: 'False' });
  for (const identity of ['alice', 'bob'])
    await gateway.put('chat_user', { sid: newSid('US'), account: account.sid, chat_service_sid: account.service, identity, attributes: '{}', role_sid: newSid('RL') });
  commands.ensureUser = async () => true;
  // As the registry does it.
  commands.createOrUpdate = async (caller, _kind, row, changes) => {
    const { rowCount } = await pool.query('delete from model.push_binding where sid = $1', [row.sid]);
    await gateway.put('push_binding', { ...row, ...(rowCount ? changes : {}), account: caller.account });
  };
  commands.remove = async (_caller, _kind, sid) => {
    removed.push(sid);
    await pool.query('delete from model.push_binding where sid = $1', [sid]);
  };
});
afterAll(() => gateway.stop());
beforeEach(() => gateway.database.pool.query('delete from model.push_binding'));

const fcm = (more: Record<string, string> = {}) => ({ BindingType: 'fcm', Address: 'token:1', CredentialSid: credential['fcm']!, Identity: 'alice', ...more });
const register = (form: Record<string, string>) => gateway.call(path(), { form });
/** With an access token of that user, whose claims name the credential. */
function as(identity: string, pushCredential?: string): { authorization: string } {
  const source = { accountSid: gateway.account.sid, serviceSid: gateway.account.service, ...key };
  return { authorization: `Bearer ${accessToken(source, identity, 3600, pushCredential === undefined ? {} : { push_credential_sid: pushCredential })}` };
}
const byMember = (identity: string, form: Record<string, string>, pushCredential?: string) =>
  gateway.call(path(), { form, as: null, headers: as(identity, pushCredential) });
const bindings = async () => (await gateway.database.pool.query('select sid, identity, binding_type, address from model.push_binding order by updated_at, sid')).rows;

it('registers a device, and again the same one, whoever has it now', async () => {
  const { status, body } = await register(fcm({ MessageTypes: 'new_message', Endpoint: 'phone' }));
  const sid = pushBindingSid(gateway.account.sid, gateway.account.service, 'fcm', 'token:1');
  expect([status, body]).toEqual([201, expect.objectContaining({ sid, identity: 'alice', binding_type: 'fcm', message_types: ['new_message'], endpoint: 'phone', credential_sid: credential['fcm'] })]);
  expect(JSON.stringify(body)).not.toContain('token:1');
  expect((await register(fcm({ BindingType: 'gcm', Identity: 'bob' }))).body).toMatchObject({ sid, identity: 'bob', message_types: ['new_message', 'added_to_conversation', 'removed_from_conversation'] });
  expect(await bindings()).toEqual([{ sid, identity: 'bob', binding_type: 'gcm', address: 'token:1' }]);
  expect(removed).toEqual([sid]); // whoever watches alice learns that she is not notified any more
  expect((await gateway.call(`${path()}/${sid}`)).body).toMatchObject({ sid, url: expect.stringContaining(`/Bindings/${sid}`) });
  expect((await gateway.call(`${path()}/${sid}`, { method: 'DELETE' })).status).toBe(204);
  expect((await gateway.call(`${path()}/${sid}`, { method: 'DELETE' })).status).toBe(404);
});

it('notes once a day that a device still lives', async () => {
  let written = 0;
  const { createOrUpdate } = gateway.commands;
  gateway.commands.createOrUpdate = async (...args) => { written++; await createOrUpdate!(...args); };
  for (let n = 0; n < 3; n++) await register(fcm());
  expect(written).toBe(1);
  await gateway.database.pool.query(`update model.push_binding set updated_at = now() - interval '25 hours'`);
  await register(fcm());
  expect(written).toBe(2);
  await register(fcm({ Endpoint: 'renamed' }));
  expect(written).toBe(3);
  gateway.commands.createOrUpdate = createOrUpdate!;
});

it('takes tokens of Apple as hex, and subscriptions of browsers as they are', async () => {
  await register({ BindingType: 'APN', Address: 'ABCDEF0123456789', CredentialSid: credential['apn']!, Identity: 'alice' });
  await register({ BindingType: 'webpush', Address: subscription(), CredentialSid: credential['webpush']!, Identity: 'alice' });
  expect((await bindings()).map(({ address }) => address)).toEqual(['abcdef0123456789', JSON.stringify({ endpoint: 'https://push.example/send/1', keys: JSON.parse(subscription()).keys })]);
});

it.each<[Record<string, string | undefined>, number]>([
  [{ BindingType: 'pigeon' }, 50209], [{ BindingType: undefined }, 20001], [{ Address: undefined }, 20001], [{ Address: 'two words' }, 20001], [{ Address: 'x'.repeat(4097) }, 20001],
  [{ Identity: undefined }, 50204], [{ Identity: 'system' }, 20001], [{ CredentialSid: undefined }, 20001], [{ CredentialSid: unknown('CR') }, 20001], [{ CredentialSid: 'CR1' }, 20001],
  [{ MessageTypes: 'typing' }, 20001], [{ Endpoint: '' }, 20001], [{ BindingType: 'apn' }, 20001], [{ BindingType: 'apn', Address: 'abcdef0123456789' }, 20001],
  [{ BindingType: 'webpush', Address: '{}' }, 20001], [{ BindingType: 'webpush', Address: 'https://push.example/' }, 20001],
  [{ BindingType: 'webpush', Address: JSON.stringify({ endpoint: 'https://push.example/', keys: { p256dh: 'AAAA', auth: 'AAAA' } }) }, 20001],
])('%j is refused', async (changes, code) => {
  const form = Object.fromEntries(Object.entries({ ...fcm(), ...changes }).filter(([, value]) => value !== undefined)) as Record<string, string>;
  expect(await register(form)).toMatchObject({ status: 400, body: { code } });
});

it.each(['https://127.0.0.1/x', 'https://localhost/x', 'https://10.0.0.1/x', 'https://[::1]/x', 'http://push.example/x', 'ftp://push.example/x'])(
  'a subscription at %s would have us call our own network', async (endpoint) =>
    expect(await register({ BindingType: 'webpush', Address: subscription(endpoint), CredentialSid: credential['webpush']!, Identity: 'alice' })).toMatchObject({ status: 400, body: { code: 20001 } }));

it('lets users register their own devices, with the credential of their token', async () => {
  const { status, body } = await byMember('alice', { BindingType: 'fcm', Address: 'hers' }, credential['fcm']);
  expect([status, body.identity, body.credential_sid]).toEqual([201, 'alice', credential['fcm']]);
  expect((await byMember('alice', { BindingType: 'fcm', Address: 'x' })).body.code).toBe(20001);
  expect((await byMember('alice', { BindingType: 'fcm', Address: 'x' }, credential['apn'])).body.code).toBe(20001);
  expect((await byMember('alice', { BindingType: 'fcm', Address: 'x', Identity: 'bob' }, credential['fcm'])).status).toBe(403);
  const at = `${path()}/${body.sid}`;
  for (const method of ['GET', 'DELETE']) expect((await gateway.call(at, { method, as: null, headers: as('bob') })).status).toBe(403);
  expect((await gateway.call(`${path()}/${unknown('BS')}`, { method: 'DELETE', as: null, headers: as('bob') })).status).toBe(404);
  expect((await gateway.call(at, { method: 'DELETE', as: null, headers: as('alice') })).status).toBe(204);
});

it('keeps twenty devices of a user: a new one takes the place of the one silent for longest', async () => {
  for (let n = 0; n < 20; n++) {
    await register(fcm({ Address: `d${n}` }));
    await gateway.database.pool.query(`update model.push_binding set updated_at = now() - $1 * interval '1 hour' where address = $2`, [n, `d${n}`]);
  }
  await register(fcm({ Address: 'new' }));
  await register(fcm({ Address: 'd0', Endpoint: 'changed' }));
  expect((await bindings()).map(({ address }) => address).sort()).toEqual(['new', ...Array.from({ length: 19 }, (_, n) => `d${n}`)].sort());
  await register({ ...fcm({ Address: 'of-bob', Identity: 'bob' }) });
  expect(await bindings()).toHaveLength(21);
});

it('keeps no more than twenty of those that register in the same moment', async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => register(fcm({ Address: `at-once-${n}` }))));
  expect(answers.filter(({ status }) => status !== 201)).toEqual([]);
  expect([19, 20]).toContain((await bindings()).length); // each makes room for itself, also one that others take for the oldest
});

it('does not see other accounts', async () => {
  const { body: { sid } } = await register(fcm());
  expect((await gateway.call(`${path()}/${sid}`, { as: gateway.other })).status).toBe(404);
  expect((await gateway.call(path(), { form: fcm(), as: gateway.other })).status).toBe(404);
  expect((await gateway.call(`/Services/${gateway.other.service}/Devices`, { form: fcm(), as: gateway.other })).body.code).toBe(20001);
});

describe('credentials', () => {
  let row: Record<string, any>;
  beforeEach(() => {
    gateway.commands.create = async (_caller, _kind, created) => { row = created; await gateway.put('credential', { ...created, account: gateway.account.sid }); };
    gateway.commands.update = async (_caller, _kind, _sid, changes) => { row = changes; };
  });
  const opened = (sealed: string) => gateway.database.box.open(Buffer.from(sealed, 'base64'));
  it('of Web Push get keys of their own, of which the public one is told', async () => {
    const { body } = await gateway.call('/Credentials', { form: { Type: 'webpush', Subject: 'mailto:ops@example.com' } });
    expect(body).toMatchObject({ type: 'webpush', subject: 'mailto:ops@example.com', public_key: vapidPublicKey(opened(row['private_key'] as string)) });
    const privateKey = Buffer.alloc(32, 3).toString('base64url');
    expect((await gateway.call('/Credentials', { form: { Type: 'webpush', Subject: 'https://example.com/', PrivateKey: privateKey } })).body.public_key).toBe(vapidKey);
    await gateway.call(`/Credentials/${body.sid}`, { form: { PrivateKey: privateKey } });
    expect(row).toMatchObject({ public_key: vapidKey });
  });
  it('of APNs hold what its tokens need', async () => {
    const form = { Type: 'apn', PrivateKey: 'p8', KeyId: 'ABC1234567', TeamId: 'TEAM123456', Topic: 'com.example.chat' };
    expect((await gateway.call('/Credentials', { form })).body).toMatchObject({ key_id: 'ABC1234567', team_id: 'TEAM123456', topic: 'com.example.chat' });
  });
  it.each<Record<string, string>>([{ Type: 'webpush' }, { Type: 'webpush', Subject: 'ops@example.com' }, { Type: 'webpush', Subject: 'mailto:a@b', PrivateKey: 'short' }, { Type: 'apn', Topic: 'a b' }])(
    '%j is refused', async (form) => expect(await gateway.call('/Credentials', { form })).toMatchObject({ status: 400, body: { code: 20001 } }));
});

it('tells what became of notifications', async () => {
  const job = {
    account: gateway.account.sid, chat_service_sid: gateway.account.service, conversation_sid: newSid('CH'), binding_sid: newSid('BS'), identity: 'alice', host: 'h', kind: 'new_message',
    state: 'failed', attempt: 8, reason: 'INTERNAL', message_sid: newSid('IM'),
  };
  await gateway.database.pool.query(
    `insert into push.job (job_key, kept, expires_at, ${Object.keys(job).join(', ')}) values ('k', false, now(), ${Object.keys(job).map((_, i) => `$${i + 1}`).join(', ')})`, Object.values(job));
  expect((await gateway.call('/Queues/PushNotifications')).body.push_notifications).toEqual([expect.objectContaining({ type: 'new_message', status: 'failed', attempts: 8, reason: 'INTERNAL', binding_sid: job.binding_sid })]);
  expect((await gateway.call('/Queues/PushNotifications', { as: gateway.other })).body.push_notifications).toEqual([]);
});
