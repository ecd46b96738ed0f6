/**
 * Accounts as an operator and his customers know them: subaccounts, keys, tokens that rotate, suspension, by the official
 * SDK and by the command line. And that no secret is anywhere but in the answer that showed it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text as allOf } from 'node:stream/consumers';
import twilio from 'twilio';
import { accessToken } from '../tools/bench/access-token.ts';
import { basic, Caller, type Places } from './caller.js';
import { report, text, webhook } from './carrier.js';
import { Handset } from './handset.js';
import { commandLine, Parley, START_MS, topology, until, type Credentials } from './installation.js';
import { refusal, refused } from './refusal.js';
import { Watcher } from './watcher.js';

const TEST_MS = 180_000;
/** Caches end after ten seconds; a busy machine gets some more. */
const CACHE_MS = 30_000;

let parley: Parley;
let parent: twilio.Twilio;
let sub: Credentials;
let places: Places;
/** Every secret the tests were shown. */
const secrets: string[] = [];
const kept = <T extends string>(secret: T): T => { secrets.push(secret); return secret; };

const as = (sid: string, token: string, of = sub) => parley.sdk({ ...of, accountSid: sid, authToken: token });
const withKey = (apiKeySid: string, apiKeySecret: string, of = sub) => parley.sdkWithKey({ ...of, apiKeySid, apiKeySecret });

beforeAll(async () => {
  parley = await Parley.start({ env: { LOG_LEVEL: 'debug', REALTIME_RECHECK_MILLIS: '200' } });
  parent = parley.sdk();
  places = parley.installation.info as unknown as Places;
  const made = await parent.api.v2010.accounts.create({ friendlyName: 'Branch' });
  const [service] = await as(made.sid, made.authToken).conversations.v1.services.list();
  sub = { accountSid: made.sid, authToken: kept(made.authToken), apiKeySid: '', apiKeySecret: '', serviceSid: service!.sid };
}, START_MS);
afterAll(() => parley?.stop(), START_MS);

describe(`subaccounts (${topology})`, () => {
  it('are the parent\'s to see and to name, each with a service of its own', async () => {
    const accounts = parent.api.v2010.accounts;
    expect(await accounts(sub.accountSid).fetch()).toMatchObject({
      sid: sub.accountSid, ownerAccountSid: parley.account.accountSid, friendlyName: 'Branch', status: 'active', type: 'Full', authToken: null,
    });
    expect((await accounts(sub.accountSid).update({ friendlyName: 'Branch 1' })).friendlyName).toBe('Branch 1');
    const more = await accounts.create();
    kept(more.authToken);
    expect((await accounts.list({ pageSize: 1 })).map(({ sid }) => sid)).toEqual([parley.account.accountSid, sub.accountSid, more.sid].sort());
    expect((await accounts.list({ friendlyName: 'Branch 1' })).map(({ sid }) => sid)).toEqual([sub.accountSid]);
    expect(sub.serviceSid).not.toBe(parley.account.serviceSid);
    expect(await refusal(as(sub.accountSid, sub.authToken).api.v2010.accounts.create())).toEqual([400, 21101]);
    expect(await refusal(as(sub.accountSid, sub.authToken).api.v2010.accounts(parley.account.accountSid).fetch())).toEqual([404, 20404]);
  });
  it('are walls: their conversations are theirs', async () => {
    const { sid } = await parley.sdk(sub).conversations.v1.conversations.create({ uniqueName: 'of the branch' });
    expect(await refusal(parent.conversations.v1.conversations(sid).fetch())).toEqual([404, 20404]);
    // The account of the SDK's third parameter stands in the paths of the 2010 API only: conversations go by the credentials.
    const acting = twilio(parley.account.accountSid, parley.account.authToken, { accountSid: sub.accountSid, httpClient: parent.httpClient! });
    expect(await refusal(acting.conversations.v1.conversations(sid).fetch())).toEqual([404, 20404]);
    const { sid: key, secret } = await acting.newKeys.create({ friendlyName: 'Made by the parent' });
    expect((await withKey(key, kept(secret)).conversations.v1.conversations(sid).fetch()).uniqueName).toBe('of the branch');
    expect((await acting.keys.list()).map((each) => each.sid)).toEqual([key]);
    expect(await acting.keys(key).remove()).toBe(true);
    expect(await refusal(withKey(key, secret).conversations.v1.conversations(sid).fetch())).toEqual([401, 20003]);
  });
});

describe(`API keys (${topology})`, () => {
  it('are made, renamed and deleted by the auth token, not by another key', async () => {
    const sdk = parley.sdk(sub);
    const { sid, secret, friendlyName } = await sdk.newKeys.create({ friendlyName: 'Batch' });
    expect([friendlyName, kept(secret).length]).toEqual(['Batch', 32]);
    const byKey = withKey(sid, secret);
    await byKey.conversations.v1.conversations.create({});
    expect(await refusal(byKey.newKeys.create({}))).toEqual([401, 20003]);
    expect(await refusal(byKey.api.v2010.accounts.list())).toEqual([401, 20003]);
    expect((await sdk.keys(sid).update({ friendlyName: 'Night batch' })).friendlyName).toBe('Night batch');
    expect((await sdk.signingKeys.list()).map((key) => [key.sid, key.friendlyName])).toEqual([[sid, 'Night batch']]);
    const signing = await sdk.newSigningKeys.create();
    const websocket = new Watcher(places.wsUrl);
    await websocket.send({ type: 'hello', token: accessToken({ ...sub, apiKeySid: signing.sid, apiKeySecret: kept(signing.secret) }, 'alice') });
    await websocket.frame('ready');
    expect(await sdk.signingKeys(signing.sid).remove()).toBe(true);
    expect(await until(async () => websocket.ended, 'its socket ends', CACHE_MS)).toBe(4003);
    expect(await sdk.keys(sid).remove()).toBe(true);
  }, TEST_MS);
  it('restricted, do what they list and no more', async () => {
    const sdk = parley.sdk(sub);
    const { sid: conversation } = await sdk.conversations.v1.conversations.create({});
    const policy = { allow: ['/twilio/conversations/messages/create', '/twilio/conversations/messages/list'] };
    const made = await sdk.iam.v1.newApiKey.create({ accountSid: sub.accountSid, friendlyName: 'Sender', keyType: 'restricted', policy });
    expect(made.policy).toEqual(policy);
    const messages = withKey(made.sid, kept(made.secret)).conversations.v1.conversations(conversation).messages;
    const { sid } = await messages.create({ body: 'allowed' });
    expect((await messages.list()).map(({ body }) => body)).toEqual(['allowed']);
    expect(await refused(messages(sid).fetch())).toMatchObject({
      status: 401, code: 70051, message: 'Authorization Error: required permission twilio/conversations/messages/read is missing',
    });
    expect(await refusal(messages(sid).remove())).toEqual([401, 70051]);
    expect(await refusal(withKey(made.sid, made.secret).conversations.v1.conversations(conversation).remove())).toEqual([401, 70051]);
    await sdk.iam.v1.apiKey(made.sid).update({ policy: { allow: ['/twilio/conversations/messages/*'] } });
    expect((await until(() => messages(sid).fetch().catch(() => undefined), 'the new policy holds', CACHE_MS)).body).toBe('allowed');
    // Neither tokens nor sockets: what somebody may do with those, no permission says.
    expect(await new Watcher(places.wsUrl, basic(made.sid, made.secret)).end()).toBe(401);
    const websocket = new Watcher(places.wsUrl);
    await websocket.send({ type: 'hello', token: accessToken({ ...sub, apiKeySid: made.sid, apiKeySecret: made.secret }, 'alice') });
    expect(await websocket.frame('error')).toMatchObject({ code: 20103 });
    expect((await sdk.iam.v1.getApiKeys.list({ accountSid: sub.accountSid })).map((key) => [key.sid, key.flags])).toEqual([[made.sid, ['rest_api']]]);
    expect(await refusal(sdk.iam.v1.newApiKey.create({ accountSid: sub.accountSid, keyType: 'restricted', policy: { allow: ['/twilio/tea/read'] } }))).toEqual([400, 70002]);
    expect(await sdk.iam.v1.apiKey(made.sid).remove()).toBe(true);
  }, TEST_MS);
});

describe(`auth tokens (${topology})`, () => {
  it('rotate under traffic: nothing is refused that holds either token, messages go out and come in throughout', async () => {
    const own = (await parent.api.v2010.accounts.create({ friendlyName: 'Rotating' }));
    const first: Credentials = { ...sub, accountSid: own.sid, authToken: kept(own.authToken) };
    const sdk = parley.sdk(first);
    const { sid } = await sdk.conversations.v1.conversations.create({});
    const [address, proxy] = ['+15550900001', '+15550900002'];
    const participant = await sdk.conversations.v1.conversations(sid).participants.create({ 'messagingBinding.address': address, 'messagingBinding.proxyAddress': proxy });
    const made = await sdk.accounts.v1.secondaryAuthToken().create();
    expect(await refusal(sdk.accounts.v1.secondaryAuthToken().create())).toEqual([409, 20409]);
    const second: Credentials = { ...first, authToken: kept(made.secondaryAuthToken) };
    const [oldCaller, newCaller] = [new Caller(first, places), new Caller(second, places)];
    const handset = new Handset(oldCaller, address, proxy, participant.sid);

    const bodies = async (by: Credentials) => (await parley.sdk(by).conversations.v1.conversations(sid).messages.list()).map(({ body }) => body);
    await parley.sdk(second).conversations.v1.conversations(sid).messages.create({ body: 'sent with the second token' });
    await until(async () => (await handset.received()).length === 1, 'it arrives');
    // The carrier may sign with either.
    expect((await webhook(oldCaller, '/twilio/sms', text(handset, 'signed with the first'))).status).toBe(200);
    await until(async () => (await webhook(newCaller, '/twilio/sms', text(handset, 'signed with the second'))).status === 200, 'the second token is known', CACHE_MS);
    expect((await webhook(oldCaller, '/twilio/sms', text(handset, 'forged'), { token: parley.account.authToken })).status).toBe(403);
    await until(async () => (await bodies(first)).length === 3, 'both arrive');

    const promoted = await parley.sdk(second).accounts.v1.authTokenPromotion().update();
    expect([promoted.accountSid, promoted.authToken]).toEqual([own.sid, second.authToken]);
    await until(async () => (await parley.sdk(first).conversations.v1.conversations(sid).fetch().then(() => false, ({ code }) => code === 20003)), 'the first token ends', CACHE_MS);
    await until(async () => (await webhook(oldCaller, '/twilio/sms', text(handset, 'too late'))).status === 403, 'for signatures too', CACHE_MS);
    await parley.sdk(second).conversations.v1.conversations(sid).messages.create({ body: 'after the promotion' });
    const phone = new Handset(newCaller, address, proxy, participant.sid);
    await until(async () => (await phone.received()).some(({ body }) => body === 'after the promotion'), 'it arrives', CACHE_MS);
    await phone.write('and back');
    await until(async () => (await bodies(second)).some((body) => body.startsWith('and back')), 'the answer arrives', CACHE_MS);
    const sent = (await phone.received())[0]!;
    expect((await webhook(newCaller, '/twilio/status', report(phone, sent.sid, 'read'))).status).toBe(200);
  }, 2 * TEST_MS);
  it('can be taken back before they are promoted', async () => {
    const sdk = parley.sdk(sub);
    const { secondaryAuthToken } = await sdk.accounts.v1.secondaryAuthToken().create();
    await as(sub.accountSid, kept(secondaryAuthToken)).conversations.v1.conversations.list({ limit: 1 });
    expect(await sdk.accounts.v1.secondaryAuthToken().remove()).toBe(true);
    await until(async () => as(sub.accountSid, secondaryAuthToken).conversations.v1.services.list().then(() => false, ({ code }) => code === 20003), 'it ends', CACHE_MS);
    expect(await refusal(sdk.accounts.v1.authTokenPromotion().update())).toEqual([404, 20404]);
  }, TEST_MS);
});

describe(`status (${topology})`, () => {
  it('suspended refuses everything and ends sockets, active brings it back, closed is for ever', async () => {
    const made = await parent.api.v2010.accounts.create({ friendlyName: 'In arrears' });
    const customer: Credentials = { ...sub, accountSid: made.sid, authToken: kept(made.authToken) };
    const sdk = parley.sdk(customer);
    const { sid } = await sdk.conversations.v1.conversations.create({});
    const websocket = new Watcher(places.wsUrl, basic(made.sid, made.authToken));
    await websocket.frame('ready');
    const set = (status: 'active' | 'suspended' | 'closed') => parent.api.v2010.accounts(made.sid).update({ status });
    const fetched = () => sdk.conversations.v1.conversations(sid).fetch().then(() => 200, ({ status, code }) => [status, code].join());
    expect((await set('suspended')).status).toBe('suspended');
    await until(async () => (await fetched()) === '403,20005', 'it is refused', CACHE_MS);
    expect(await until(async () => websocket.ended, 'its socket ends', CACHE_MS)).toBe(4003);
    await until(async () => (await new Watcher(places.wsUrl, basic(made.sid, made.authToken)).end()) === 403, 'no new one opens', CACHE_MS);
    expect(await refusal(sdk.newKeys.create({}))).toEqual([403, 20005]);
    await set('active');
    await until(async () => (await fetched()) === 200, 'it is back', CACHE_MS);
    await set('closed');
    await until(async () => (await fetched()) === '403,20005', 'it is refused', CACHE_MS);
    expect(await refusal(set('active'))).toEqual([400, 20001]);
    expect((await parent.api.v2010.accounts.list({ status: 'closed' })).map((account) => account.sid)).toEqual([made.sid]);
    expect(await refusal(parent.api.v2010.accounts(parley.account.accountSid).update({ status: 'suspended' }))).toEqual([403, 20006]);
  }, TEST_MS);
});

describe(`the command line (${topology})`, () => {
  const command = async (...args: string[]) => (await parley.command(...args)).trim().split('\n').map((line) => JSON.parse(line));
  it('makes and suspends accounts, keys, tokens and services of the running installation', async () => {
    const [top] = await command('account', 'create', 'By hand') as [Credentials];
    const [debtor] = await command('account', 'create', 'In arrears by hand') as [Credentials];
    for (const secret of [top.authToken, top.apiKeySecret, debtor.authToken, debtor.apiKeySecret]) kept(secret);
    await parley.sdk(top).conversations.v1.conversations.create({});
    const [key] = await command('key', 'create', top.accountSid, 'Reader', '--allow', '/twilio/conversations/conversations/list');
    const reader = withKey(key.apiKeySid, kept(key.apiKeySecret), top).conversations.v1.conversations;
    expect(await reader.list()).toHaveLength(1);
    expect(await refusal(reader.create({}))).toEqual([401, 70051]);
    const [service] = await command('service', 'create', top.accountSid, 'Support');
    expect((await parley.sdk(top).conversations.v1.services(service.serviceSid).fetch()).friendlyName).toBe('Support');
    expect(await parley.sdk(top).conversations.v1.services(service.serviceSid).roles.list()).toHaveLength(4);
    const [{ secondaryAuthToken }] = await command('token', 'rotate', top.accountSid);
    await until(async () => as(top.accountSid, kept(secondaryAuthToken), top).conversations.v1.services.list().catch(() => false), 'the second token is known', CACHE_MS);
    const debtors = withKey(debtor.apiKeySid, debtor.apiKeySecret, debtor).conversations.v1.conversations;
    expect(await debtors.list()).toEqual([]);
    await Promise.all([command('token', 'promote', top.accountSid), command('account', 'suspend', debtor.accountSid)]);
    // What the gateway has in its caches ends by itself, so both are waited for at once.
    await Promise.all([
      until(async () => parley.sdk(top).conversations.v1.services.list().then(() => false, () => true), 'the first one ends', CACHE_MS),
      until(async () => debtors.list().then(() => false, ({ code }) => code === 20005), 'it is suspended', CACHE_MS),
    ]);
  }, TEST_MS);
  it.each([
    [1, ['account', 'show', `AC${'0'.repeat(32)}`], `there is no account AC${'0'.repeat(32)}\n`],
    [2, ['account', 'mend'], 'no such command: account mend; see parley account --help\n'],
    [2, ['mend'], 'no such command: mend; see parley help\n'],
    [2, ['rebuild', 'now'], 'usage: parley rebuild\n'],
    [2, ['replay', 'that'], 'that is no delivery SID: DY and 32 hex digits\n'],
  ])('ends with %d and one line: %j', async (code, args, line) => {
    const error = await parley.command(...args).then(() => undefined, (failed: unknown) => failed as { code: number; stderr: string; stdout: string });
    expect([error?.code, error?.stderr, error?.stdout]).toEqual([code, line, '']);
  });
  it('does not mind when nobody reads on', async () => {
    const child = spawn(process.execPath, [commandLine, 'key', 'permissions'], { env: { ...process.env, PARLEY_HOME: parley.installation.home }, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    const [[code], said] = await Promise.all([once(child, 'close'), allOf(child.stderr)]);
    expect([code, said]).toEqual([0, '']);
  }, TEST_MS);
  it('helps', async () => {
    for (const group of ['account', 'token', 'key', 'service']) expect(await parley.command(group, '--help')).toContain(`parley ${group} `);
    for (const args of [['help'], ['rebuild', '--help'], ['sender', 'add', '-h']]) expect(await parley.command(...args)).toContain('parley account --help');
  });
});

it(`leaves no secret in logs, database files or streams (${topology})`, async () => {
  expect(secrets.length).toBeGreaterThan(10);
  const holders = new Map<string, string[]>();
  // The launcher keeps the first account's for whoever starts it: that they are found shows that this looks.
  const known = parley.account.authToken;
  for (const entry of await readdir(parley.installation.home, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    // Servers rename and remove files as they like.
    const content = await readFile(join(entry.parentPath, entry.name), 'latin1').catch(() => '');
    for (const secret of [known, ...secrets]) if (content.includes(secret)) holders.set(secret, [...(holders.get(secret) ?? []), entry.name]);
  }
  expect([...holders]).toEqual([[known, ['run.json']]]);
}, TEST_MS);
