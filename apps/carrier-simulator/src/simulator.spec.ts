/** The simulator over real HTTP and a real database, with the real client of Twilio's API on one side. */
import { Module } from '@nestjs/common';
import { openSimulator, SimulatorSms } from '@parley/channel/carriers/simulator/adapter';
import type { Delivery } from '@parley/channel/channel-adapter';
import { SendError } from '@parley/channel/send-error';
import { isTwilioSignature } from '@parley/channel/signatures';
import { newSid, type AccountSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { bootstrap } from '@parley/runtime/bootstrap';
import { readConfig } from '@parley/runtime/config';
import { PartsModule } from '@parley/runtime/parts';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CarrierSimulatorModule } from './app.module.js';
import { SimulatorStore } from './simulator-store.js';

const [phone, number] = ['+15550100002', '+15550100001'];
let db: TestDatabase;
let app: Awaited<ReturnType<typeof bootstrap>>;
let base: string;
let parley: Server;
let publicUrl: string;
let account: AccountSid;
/** Webhooks as Parley got them, and what it answers. */
let webhooks: Array<{ url: string; form: Record<string, string>; signed: boolean }> = [];
let answer: () => number = () => 200;

beforeAll(async () => {
  db = await testDatabase();
  parley = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const form = new URLSearchParams(body);
      const status = answer();
      const signature = String(request.headers['x-twilio-signature']);
      if (status === 200 && form.get('AccountSid') === account)
        webhooks.push({ url: request.url!, form: Object.fromEntries(form), signed: isTwilioSignature('token', signature, publicUrl + request.url, form) });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => parley.listen(0, '127.0.0.1', resolve));
  publicUrl = `http://127.0.0.1:${(parley.address() as AddressInfo).port}`;
  await start();
});
afterAll(async () => {
  await app.close();
  parley.closeAllConnections();
  await new Promise((resolve) => parley.close(resolve));
  await db.drop();
});
beforeEach(async () => {
  account = await newAccount();
  webhooks = [];
  answer = () => 200;
});

async function start(): Promise<void> {
  const config = readConfig({
    DATABASE_URL: db.url, KEYS_DATABASE_URL: db.keysUrl, PARLEY_KEK: db.kek, NATS_URL: process.env['TEST_NATS_URL'],
    REDIS_URL: process.env['TEST_REDIS_URL'], PUBLIC_URL: publicUrl,
  });
  @Module({ imports: [PartsModule.forRoot('none', config), CarrierSimulatorModule] })
  class Service {}
  app = await bootstrap(Service, { name: 'carrier-simulator', port: 0, host: '127.0.0.1' });
  base = await app.getUrl();
}
const stored = () => app.get(SimulatorStore, { strict: false });
async function newAccount(): Promise<AccountSid> {
  const sid = newSid('AC');
  await db.pool.query(
    "insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, '', $2, 'IS')", [sid, db.box.seal('token')],
  );
  return sid;
}
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; !(await condition()); await new Promise((resolve) => setTimeout(resolve, 5)))
    if (Date.now() > end) throw new Error(`still not so: ${condition.toString()}`);
}
const carrier = () => new SimulatorSms({ accountSid: account, authToken: 'token', baseUrl: `${base}/simulator`, publicUrl });
const delivery = (body = 'hi', fields: Partial<Delivery> = {}): Delivery => ({
  deliveryId: newSid('DY'), sender: number, recipient: phone, body, media: [], firstAttemptAt: new Date().toISOString(), ...fields,
});
const send = (message = delivery(), millis = 30_000) => carrier().send(message, AbortSignal.timeout(millis));
async function call(method: string, path: string, body?: unknown, user: string = account) {
  const response = await fetch(`${base}/simulator/${path}`, {
    method, ...(body !== undefined && { body: JSON.stringify(body) }),
    headers: { authorization: `Basic ${Buffer.from(`${user}:token`).toString('base64')}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
  });
  const text = await response.text();
  return { status: response.status, json: (text === '' ? undefined : JSON.parse(text)) as never };
}
const handset = encodeURIComponent(phone);
const received = async () => (await call('GET', `handsets/${handset}/messages`)).json as { count: number; messages: Array<{ sid: string; body: string; status: string; sends: number }> };
const behave = (behaviour: object, address = phone) => call('PUT', `handsets/${encodeURIComponent(address)}/behaviour`, behaviour);
const statuses = () => webhooks.filter(({ form }) => form['MessageStatus']).map(({ form }) => form['MessageStatus']);

describe('a message to a handset', () => {
  it('arrives, and is reported sent and delivered with our reference and the signature of the account', async () => {
    const message = delivery();
    const { providerMessageIds: [sid] } = await send(message);
    await until(() => webhooks.length === 2);
    expect(webhooks.map(({ form }) => [form['MessageSid'], form['MessageStatus']])).toEqual([[sid, 'sent'], [sid, 'delivered']]);
    expect(webhooks.every(({ url, signed }) => signed && url === `/webhooks/twilio/status?delivery=${message.deliveryId}`)).toBe(true);
    await until(async () => (await received()).messages[0]?.status === 'delivered');
    expect(await received()).toMatchObject({ count: 1, messages: [{ sid, body: 'hi', sends: 1 }] });
  });
  it('sent again with the same reference is the same message', async () => {
    const message = delivery();
    expect(await send(message)).toEqual(await send(message));
    await until(() => webhooks.length === 2);
    expect(await received()).toMatchObject({ count: 1, messages: [{ sends: 2 }] });
    expect(await carrier().lookup(message, AbortSignal.timeout(30_000))).toEqual(await send(message));
    expect(await carrier().lookup(delivery(), AbortSignal.timeout(30_000))).toBeUndefined();
  });
  it('to a group is taken for everybody or for nobody', async () => {
    await db.pool.query("alter table simulator.message add constraint nobody_there check (recipient <> '+15550100009' or direction = 'inbound')");
    const message = delivery('hi', { group: ['+15550100008', '+15550100009'] });
    await expect(send(message)).rejects.toBeInstanceOf(SendError);
    expect([(await received()).count, await carrier().lookup(message, AbortSignal.timeout(30_000))]).toEqual([0, undefined]);
    await db.pool.query('alter table simulator.message drop constraint nobody_there');
    await send(message);
    expect(((await call('GET', `handsets/${encodeURIComponent('+15550100009')}/messages`)).json as { messages: object[] }).messages).toMatchObject([{ body: 'hi', group: [phone, '+15550100008'] }]);
  });
  it('is counted as the short messages it travels in', async () => {
    for (const body of ['a'.repeat(160), 'a'.repeat(161), 'Ж'.repeat(71)]) await send({ ...delivery(), body });
    expect((await received()).messages).toMatchObject([{ segments: 1 }, { segments: 2 }, { segments: 2 }]);
  });
  it.each([['sms', phone, number], ['whatsapp', `whatsapp:${phone}`, `whatsapp:${number}`], ['messenger', 'messenger:72', 'messenger:71'], ['email', 'ann@example.com', 'us@example.org']] as const)(
    'may be as long as it says on %s, and no longer', async (channel, recipient, sender) => {
      const adapter = openSimulator({ accountSid: account, authToken: 'token', baseUrl: `${base}/simulator`, publicUrl }, channel);
      const sends = (chars: number) => adapter.send(delivery('a'.repeat(chars), { recipient, sender }), AbortSignal.timeout(30_000));
      expect((await sends(adapter.limits.bodyCharsMax)).providerMessageIds).toHaveLength(1);
      await expect(sends(adapter.limits.bodyCharsMax + 1)).rejects.toMatchObject({ outcome: 'permanent', errorCode: 21617 });
      const { messages } = (await call('GET', `handsets/${encodeURIComponent(recipient)}/messages`)).json as { messages: object[] };
      expect(messages).toMatchObject([{ segments: channel === 'sms' ? 11 : 1 }]);
    });
  it.each([
    [{ outcome: 'read' }, ['sent', 'delivered', 'read']],
    [{ outcome: 'undelivered', errorCode: 30007 }, ['sent', 'undelivered']],
    [{ outOfOrder: true, twice: true }, ['delivered', 'delivered', 'sent', 'sent']],
  ])('is reported as its handset behaves: %j', async (behaviour, expected) => {
    expect((await behave(behaviour)).status).toBe(200);
    await send();
    await until(() => statuses().length === expected.length);
    expect(statuses()).toEqual(expected);
    if ('errorCode' in behaviour) expect(webhooks.at(-1)!.form['ErrorCode']).toBe('30007');
  });
  it('may be answered by the person', async () => {
    await behave({ outcome: 'silent', autoReply: 'thanks' });
    await send();
    await until(() => webhooks.length === 1);
    expect(webhooks[0]).toMatchObject({ url: '/webhooks/twilio/sms', signed: true, form: { From: phone, To: number, Body: 'thanks', AccountSid: account } });
  });
  it('is reported otherwise when somebody says so', async () => {
    await behave({ outcome: 'silent' });
    const { providerMessageIds: [sid] } = await send();
    expect((await call('POST', `messages/${sid}/status`, { status: 'failed', errorCode: 30005 })).status).toBe(202);
    await until(() => webhooks.length === 1);
    expect(webhooks[0]!.form).toMatchObject({ MessageStatus: 'failed', ErrorCode: '30005' });
    expect((await call('POST', `messages/${newSid('SM')}/status`, { status: 'failed' })).status).toBe(404);
  });
});

describe('what it keeps', () => {
  it('is found by its reference, and with another number not', async () => {
    const store = stored();
    const message = delivery();
    const { providerMessageIds: [sid] } = await send(message);
    const find = (filter: object) => store.list(account, { reference: message.deliveryId, ...filter }, 50);
    expect(await find({})).toMatchObject([{ sid }]);
    expect(await find({ to: phone, from: number })).toMatchObject([{ sid }]);
    expect(await find({ to: number })).toEqual([]);
    expect(await store.list(newSid('AC'), { reference: message.deliveryId }, 50)).toEqual([]);
  });
  it('is gone after a week, however much it is', async () => {
    const count = async () => (await db.pool.query<{ n: number }>('select count(*) as n from simulator.message where account = $1', [account])).rows[0]!.n;
    // Whatever other specs have left is older by number, so it goes by age only once it is old itself.
    await db.pool.query("update simulator.message set created_at = now() - interval '8 days'");
    await db.pool.query(
      `insert into simulator.message (sid, account, direction, sender, recipient, body, status, created_at)
       select 'SM' || $1 || n, $1, 'inbound', '+1', '+2', '', 'received', now() - interval '8 days' from generate_series(1, 2500) n`, [account],
    );
    await send();
    expect(await count()).toBe(2501);
    await stored().removeOld();
    expect(await count()).toBe(1);
  });
});

describe('a carrier in trouble', () => {
  const failure = (message?: Delivery, millis?: number) => send(message, millis).then(() => undefined, (error: unknown) => error as SendError);

  it('refuses as told, for as many messages as told', async () => {
    await behave({ rejectWith: { status: 429, retryAfterSeconds: 3 }, times: 1 }, number);
    expect(await failure()).toMatchObject({ outcome: 'retryable', code: 'rate_limited', retryAfterMillis: 3000 });
    await send();
    expect((await received()).count).toBe(1);
  });
  it('takes a message and hangs up: found by its reference afterwards', async () => {
    await behave({ acceptThenDrop: true });
    const message = delivery();
    expect(await failure(message)).toMatchObject({ outcome: 'ambiguous' });
    expect(await carrier().lookup(message, AbortSignal.timeout(30_000))).toMatchObject({ providerMessageIds: [expect.stringMatching(/^SM/)] });
  });
  it('hangs, and has got nothing when the client gave up before', async () => {
    await behave({ hangMs: 2_000 });
    const giveUp = new AbortController();
    const first = carrier().send(delivery(), giveUp.signal).then(() => undefined, (error: unknown) => error as SendError);
    await new Promise((resolve) => app.getHttpServer().once('request', resolve));
    setTimeout(() => giveUp.abort(), 100);
    expect(await first).toMatchObject({ outcome: 'ambiguous' });
    await send(delivery('patient')); // answered when the first one would have been
    expect((await received()).messages).toMatchObject([{ body: 'patient' }]);
  });
  it('behaves as usual again when told so', async () => {
    await behave({ rejectWith: { status: 400 } });
    expect((await call('GET', `handsets/${handset}/behaviour`)).json).toEqual({ rejectWith: { status: 400 } });
    expect((await call('DELETE', `handsets/${handset}/behaviour`)).status).toBe(204);
    await send();
  });
});

describe('a person who writes', () => {
  const write = (body: string) => call('POST', `handsets/${handset}/messages`, { to: number, body });

  it('is heard in order, also when Parley is away for a while', async () => {
    answer = () => 503;
    for (let n = 0; n < 20; n++) expect((await write(`${n}`)).status).toBe(201);
    let failures = 3;
    answer = () => (failures-- > 0 ? 500 : 200);
    await until(() => webhooks.length === 20);
    expect(webhooks.map(({ form }) => form['Body'])).toEqual(Array.from({ length: 20 }, (_, n) => `${n}`));
  });
  it('is heard after the simulator was restarted', async () => {
    answer = () => 503;
    await write('before');
    await app.close();
    answer = () => 200;
    await start();
    await until(() => webhooks.length === 1);
    expect(webhooks[0]!.form['Body']).toBe('before');
  });
  it('may send pictures', async () => {
    await call('POST', `handsets/${handset}/messages`, { to: number, media: [{ contentType: 'image/png', url: 'https://x.test/1.png' }] });
    await until(() => webhooks.length === 1);
    expect(webhooks[0]!.form).toMatchObject({ NumMedia: '1', NumSegments: '1', MediaContentType0: 'image/png', MediaUrl0: 'https://x.test/1.png' });
    expect(webhooks[0]!.form['MessageSid']).toMatch(/^MM/);
  });
});

describe('bad input', () => {
  it('of another account opens nothing', async () => {
    await send();
    const other = await newAccount();
    expect((await call('GET', `handsets/${handset}/messages`, undefined, other)).json).toEqual({ count: 0, messages: [] });
    expect((await call('GET', `2010-04-01/Accounts/${account}/Messages.json`, undefined, other)).status).toBe(401);
    expect((await call('GET', `handsets/${handset}/messages`, undefined, newSid('AC'))).status).toBe(401);
    expect((await fetch(`${base}/simulator/handsets/${handset}/messages`)).status).toBe(401);
  });
  it('is open to the auth token of the account it is a subaccount of', async () => {
    const [parent, sub] = [await newAccount(), await newAccount()];
    await db.pool.query('update registry.account set parent = $1 where sid = $2', [parent, sub]);
    const list = (of: string, by: string) => call('GET', `2010-04-01/Accounts/${of}/Messages.json`, undefined, by).then(({ status }) => status);
    expect([await list(sub, parent), await list(sub, sub), await list(parent, sub), await list(sub, account)]).toEqual([200, 200, 401, 401]);
  });
  it.each([
    ['PUT', `handsets/${handset}/behaviour`, { outcome: 'exploded' }],
    ['PUT', `handsets/${handset}/behaviour`, { hangMs: -1 }],
    ['PUT', `handsets/${handset}/behaviour`, { unknown: 1 }],
    ['POST', `handsets/${handset}/messages`, { to: number }],
    ['POST', `handsets/${handset}/messages`, { body: 'hi' }],
    ['POST', `handsets/${handset}/messages`, ['hi']],
  ])('%s %s %j is answered 400', async (method, path, body) => {
    expect(await call(method, path, body)).toMatchObject({ status: 400, json: { code: 20001 } });
  });
  it.each([
    ['GET', 'handsets/%2B1/messages?limit=1.5', undefined], ['GET', 'handsets/%2B1/messages?limit=0', undefined], ['GET', 'handsets/%2B1/messages?after=1e300', undefined],
    ['GET', 'handsets/%2B1/messages?after=-1', undefined], ['GET', 'handsets/%2B1/messages?after=1&after=2', undefined], ['GET', 'handsets/%00/messages', undefined],
    ['GET', 'handsets/%00/behaviour', undefined], ['DELETE', 'handsets/%00/behaviour', undefined], ['PUT', 'handsets/%00/behaviour', {}],
    ['POST', 'handsets/%00/messages', { to: number, body: 'hi' }], ['POST', 'handsets/%2B1/messages', { to: '\0', body: 'hi' }],
    ['POST', 'handsets/%2B1/messages', { to: number, media: [{ contentType: 'image/png', url: 'https://x.test/\0' }] }],
    ['POST', 'messages/%00/status', { status: 'sent' }],
    ['GET', 'AC/Messages.json?PageSize=1.5', undefined], ['GET', 'AC/Messages.json?PageSize=x', undefined], ['GET', 'AC/Messages.json?To=%00', undefined],
    ['GET', 'AC/Messages.json?Reference=a&Reference=b', undefined], ['GET', 'AC/Messages/%00.json', undefined],
  ])('%s %s %j is answered 400, never 5xx', async (method, path, body) => {
    expect(await call(method, path.replace(/^AC/, `2010-04-01/Accounts/${account}`), body)).toMatchObject({ status: 400, json: { code: 20001, status: 400 } });
  });
  it('with a NUL where a message is sent is refused too', async () => {
    for (const field of ['To', 'From', 'MediaUrl']) {
      const form = new URLSearchParams({ From: number, To: phone, Body: 'x', MediaUrl: 'https://x.test/1' });
      form.set(field, '\0');
      const response = await fetch(`${base}/simulator/2010-04-01/Accounts/${account}/Messages.json`, {
        method: 'POST', body: form, headers: { authorization: `Basic ${Buffer.from(`${account}:token`).toString('base64')}` },
      });
      expect(response.status).toBe(400);
    }
  });
  it('of an account that is not active is answered 401', async () => {
    await db.pool.query("update registry.account set status = 'suspended' where sid = $1", [account]);
    expect(await call('GET', `handsets/${handset}/messages`)).toMatchObject({ status: 401, json: { code: 20003 } });
  });
  it('of a client of the API has the codes of the API', async () => {
    const post = async (form: Record<string, string>) => {
      const response = await fetch(`${base}/simulator/2010-04-01/Accounts/${account}/Messages.json`, {
        method: 'POST', body: new URLSearchParams(form), headers: { authorization: `Basic ${Buffer.from(`${account}:token`).toString('base64')}` },
      });
      return (await response.json() as { code: number }).code;
    };
    expect(await post({ From: number, Body: 'x' })).toBe(21604);
    expect(await post({ From: number, To: phone })).toBe(21602);
    expect(await post({ From: number, To: phone, Body: 'x'.repeat(1601) })).toBe(21617);
    expect(await post({ From: number, To: phone, Body: 'x', StatusCallback: 'http://169.254.169.254/' })).toBe(21609);
  });
});
