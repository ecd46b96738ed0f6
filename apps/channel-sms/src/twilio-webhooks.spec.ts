/** The webhooks over real HTTP and a real database: every payload of fixtures/twilio, then what no fixture can show. */
import { Global, Module } from '@nestjs/common';
import { CONVERSATION_COMMANDS, ROUTER_COMMANDS } from '@parley/contracts/command-tokens';
import type { InboundMessage, ReportDelivery } from '@parley/contracts/commands';
import { twilioSignature } from '@parley/channel/signatures';
import { Connections } from '@parley/delivery/connections';
import { saveSender } from '@parley/delivery/senders';
import { newSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { bootstrap } from '@parley/runtime/bootstrap';
import { readConfig } from '@parley/runtime/config';
import { PartsModule } from '@parley/runtime/parts';
import { readFileSync } from 'node:fs';
import { ChannelSmsModule } from './app.module.js';

type Fixture = {
  id: string; file: string; desc: string; expectHttp: number; response?: object; expected: Array<{ kind: string; providerMessageId: string; text: string }>;
  request: { url: string; headers: Record<string, string> };
};
const fixtures = new URL('../../../libs/channel/fixtures/twilio/', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, fixtures), 'utf8');
const { fixtures: table, secrets } = JSON.parse(read('index.json')) as { fixtures: Fixture[]; secrets: { accountSid: string; authToken: string } };
const publicUrl = 'https://channels.example.test';
const account = newSid('AC');
const ownToken = 'the account’s own token';

let db: TestDatabase;
let app: Awaited<ReturnType<typeof bootstrap>>;
let base: string;
const routed: InboundMessage[] = [];
const reported: ReportDelivery[] = [];

beforeAll(async () => {
  db = await testDatabase();
  await db.pool.query(
    "insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, '', $2, 'IS')", [account, db.box.seal(ownToken)],
  );
  for (const address of ['+15550100001', 'whatsapp:+15550100100'])
    await saveSender(db.pool, db.box, { account, address, carrier: 'twilio', ...secrets });

  const router = { routeInbound: async (_account: string, message: InboundMessage) => { routed.push(message); return { outcome: 'routed', conversationSid: newSid('CH'), messageSid: newSid('IM'), created: false }; } };
  const conversations = { reportDelivery: async (_caller: unknown, _sid: unknown, report: ReportDelivery) => { reported.push(report); } };
  @Global()
  @Module({
    providers: [{ provide: ROUTER_COMMANDS, useValue: router }, { provide: CONVERSATION_COMMANDS, useValue: conversations }],
    exports: [ROUTER_COMMANDS, CONVERSATION_COMMANDS],
  })
  class PlayedCommands {}
  const config = readConfig({
    DATABASE_URL: db.url, KEYS_DATABASE_URL: db.keysUrl, PARLEY_KEK: db.kek, NATS_URL: process.env['TEST_NATS_URL'],
    REDIS_URL: process.env['TEST_REDIS_URL'], PUBLIC_URL: publicUrl,
  });
  @Module({ imports: [PartsModule.forRoot('none', config), PlayedCommands, ChannelSmsModule] })
  class Service {}
  app = await bootstrap(Service, { name: 'channel-sms', port: 0, host: '127.0.0.1' });
  base = await app.getUrl();
});
afterAll(async () => {
  await app.close();
  await db.drop();
});

const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(base + path, { method: 'POST', body, headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers } });
const rows = async () => (await db.pool.query<{ event_key: string }>('select event_key from delivery.inbox order by id')).rows.map(({ event_key }) => event_key);
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; !(await condition()); await new Promise((resolve) => setTimeout(resolve, 5)))
    if (Date.now() > end) throw new Error(`still not so: ${condition.toString()}`);
}
/** As the simulator does it: with the account's own SID and token. */
const signed = (path: string, fields: Record<string, string>) => {
  const form = new URLSearchParams({ AccountSid: account, From: '+15550100002', To: '+15550100001', ...fields });
  return post(path, form.toString(), { 'x-twilio-signature': twilioSignature(ownToken, publicUrl + path, form) });
};

describe('a webhook of Twilio', () => {
  for (const { file, desc, request, expectHttp, expected } of table.filter(({ response }) => !response))
    it(`${file}: ${desc}`, async () => {
      const before = await rows();
      const response = await post(new URL(request.url).pathname, read(file), request.headers);
      expect(response.status).toBe(expectHttp);
      const text = await response.text();
      if (expectHttp === 200) {
        expect(response.headers.get('content-type')).toMatch(/^text\/xml/);
        expect(text).toBe('<?xml version="1.0" encoding="UTF-8"?><Response/>');
      }
      const fresh = expected.filter(({ kind }) => kind !== 'duplicate');
      expect((await rows()).length - before.length).toBe(fresh.length);
      for (const { kind, providerMessageId, text: body } of fresh)
        if (kind !== 'status') {
          await until(() => routed.some((message) => message.providerMessageId === `twilio:${providerMessageId}`));
          expect(routed.filter((message) => message.providerMessageId === `twilio:${providerMessageId}`)).toMatchObject([{ body }]);
        }
    });
  it('takes note of who opted out, and of who is back', async () => {
    const refusing = async () => (await db.pool.query('select recipient from delivery.opt_out where channel = $1 and sender = $2', ['sms', '+15550100001'])).rows;
    expect(await refusing()).toEqual([{ recipient: '+15550100002' }]); // from the fixtures
    await signed('/webhooks/twilio/sms', { MessageSid: 'SMback', Body: 'start' });
    await until(async () => (await refusing()).length === 0);
  });
});

describe('a webhook of the simulator', () => {
  it('is known by the secret of the account', async () => {
    expect((await signed('/webhooks/twilio/sms', { MessageSid: 'SM1', Body: 'hi', NumMedia: '1', MediaUrl0: 'http://x.test/1', MediaContentType0: 'image/png' })).status).toBe(200);
    await until(() => routed.some(({ providerMessageId }) => providerMessageId === 'simulator:SM1'));
    expect(routed.find(({ providerMessageId }) => providerMessageId === 'simulator:SM1')).toMatchObject({ channel: 'sms', body: 'hi', media: [{ contentType: 'image/png' }] });
  });
  it('about a delivery becomes a receipt', async () => {
    const deliveryId = newSid('DY');
    await db.pool.query(
      `insert into delivery.delivery (delivery_id, account, conversation_sid, message_sid, message_index, participant_sid, channel, sender, recipient, deadline)
       values ($1, $2, 'CH', 'IM', 0, 'MB', 'sms', '+15550100001', '+15550100002', now())`, [deliveryId, account],
    );
    const sid = newSid('SM');
    await signed(`/webhooks/twilio/status?delivery=${deliveryId}`, { MessageSid: sid, MessageStatus: 'undelivered', ErrorCode: '30007' });
    await until(() => reported.length === 1);
    expect(reported).toMatchObject([{ receiptSid: deliveryId, channelMessageSid: sid, status: 'undelivered', errorCode: 30007 }]);
  });
});

describe('a webhook at a connection’s own address', () => {
  const theirs = newSid('AC');
  let connection: string;
  beforeAll(async () => {
    const connections = new Connections({ pool: db.pool, box: db.box, privateAllowed: false });
    ({ sid: connection } = await connections.create(account, { carrier: 'twilio', credentials: { accountSid: theirs, authToken: 'theirs' } }));
  });
  const at = (path: string, fields: Record<string, string>, token = 'theirs') => {
    const form = new URLSearchParams({ AccountSid: theirs, From: '+15550100002', To: '+15550100077', ...fields });
    return post(path, form.toString(), { 'x-twilio-signature': twilioSignature(token, publicUrl + path, form) });
  };

  it('is known by the connection, whatever number it is about', async () => {
    for (const path of ['', '/sms', '/status?delivery=DY']) expect((await at(`/webhooks/twilio/${connection}${path}`, { MessageSid: newSid('SM'), Body: path })).status).toBe(200);
    await until(() => routed.some(({ to, body }) => to === '+15550100077' && body === '/sms'));
    expect(routed.find(({ to, body }) => to === '+15550100077' && body === '/sms')!.providerMessageId).toMatch(/^twilio:/);
  });
  it.each<[string, () => Promise<Response>, number]>([
    ['of an unknown connection', () => at(`/webhooks/twilio/${newSid('CX')}`, { MessageSid: 'SM' }), 404],
    ['of another carrier’s connection', () => at(`/webhooks/simulator/${connection}`, { MessageSid: 'SM' }), 404],
    ['of an unknown carrier', () => at(`/webhooks/pigeon/${connection}`, { MessageSid: 'SM' }), 404],
    ['at nonsense', () => at('/webhooks/twilio/nonsense', { MessageSid: 'SM' }), 404],
    ['with another secret', () => at(`/webhooks/twilio/${connection}`, { MessageSid: 'SM' }, ownToken), 403],
    ['that is too large', () => post(`/webhooks/twilio/${connection}`, 'x'.repeat(42_000_000)), 413],
  ])('%s leaves no trace', async (_, send, status) => {
    const before = await rows();
    const response = await send();
    expect([response.status, await rows()]).toEqual([status, before]);
    expect(await response.text()).not.toMatch(/\bat .*\.(js|ts)/);
  });
  it('is refused in the form of the API’s errors', async () => {
    const bodies = await Promise.all([at(`/webhooks/twilio/${newSid('CX')}`, {}), at(`/webhooks/twilio/${connection}`, {}, ownToken)].map(async (answer) => (await answer).json()));
    expect(bodies).toEqual([[404, 20404], [403, 20006]].map(([status, code]) =>
      ({ code, status, message: expect.any(String), more_info: `https://www.twilio.com/docs/errors/${code}` })));
  });
});

describe('what nobody we know signed', () => {
  it.each([
    ['no signature', { AccountSid: account }, {}],
    ['no account', { Body: 'hi' }, { 'x-twilio-signature': 'x' }],
    ['an unknown account', { AccountSid: newSid('AC') }, { 'x-twilio-signature': 'x' }],
    ['nonsense', { AccountSid: account }, { 'x-twilio-signature': 'nonsense' }],
  ])('leaves no trace: %s', async (_, fields, headers) => {
    const before = await rows();
    const form = new URLSearchParams({ MessageSid: 'SMx', From: '+1', To: '+2', ...fields });
    const response = await post('/webhooks/twilio/sms', form.toString(), headers as Record<string, string>);
    expect(response.status).toBe(403);
    expect(await response.text()).not.toMatch(/\bat .*\.(js|ts)/);
    expect(await rows()).toEqual(before);
  });
  it('nor does the secret of one account open another', async () => {
    const other = newSid('AC');
    await db.pool.query(
      "insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, '', $2, 'IS')", [other, db.box.seal('other')],
    );
    const form = new URLSearchParams({ AccountSid: account, MessageSid: 'SMy', From: '+1', To: '+2' });
    const url = '/webhooks/twilio/sms';
    expect((await post(url, form.toString(), { 'x-twilio-signature': twilioSignature('other', publicUrl + url, form) })).status).toBe(403);
  });
  it('a body that is no form is refused', async () => {
    const response = await fetch(`${base}/webhooks/twilio/sms`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
    expect(response.status).toBe(415);
  });
});
