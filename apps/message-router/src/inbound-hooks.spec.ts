import type { Caller, InboundMessage } from '@parley/contracts/commands';
import { newSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InboundHooks, isRefusedByHook } from './inbound-hooks.js';

const [account, ownService, plainService] = [newSid('AC'), newSid('IS'), newSid('IS')];
const [conversation, elsewhere, participant] = [newSid('CH'), newSid('CH'), newSid('MB')];
const caller: Caller = { account, webhook: { source: 'SMS' } };
const at = '2026-01-01T00:00:00Z';
const inbound: InboundMessage = { channel: 'sms', from: '+1', to: '+2', body: 'hi', media: null, providerMessageId: 'x:1', receivedAt: at };
let db: TestDatabase;
let server: Server;
let hooks: InboundHooks;
let asked: [path: string, parameters: Record<string, string>][] = [];
let answer: (response: ServerResponse) => void;

beforeAll(async () => {
  db = await testDatabase();
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString())).on('end', () => {
      asked.push([request.url!, Object.fromEntries(new URLSearchParams(body))]);
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const put = (table: string, row: object) =>
    db.pool.query(`insert into model.${table} select * from jsonb_populate_record(null::model.${table}, $1)`, [{ account, attributes: '{}', created_at: at, updated_at: at, ...row }]);
  for (const [sid, service] of [[conversation, plainService], [elsewhere, ownService]])
    await put('conversation', { sid, chat_service_sid: service, state: 'active', last_activity_at: at });
  await put('participant', { sid: participant, conversation_sid: conversation, type: 'sms', address: '+1', proxy_address: '+2' });
  const configuration = { method: 'POST', target: 'webhook', filters: ['onMessageAdd', 'onConversationAdd', 'onParticipantAdd'] };
  await put('webhook_configuration', { sid: account, pre_webhook_url: `${origin}/account`, ...configuration });
  await put('webhook_configuration', { sid: ownService, pre_webhook_url: `${origin}/service`, ...configuration });
  process.env['WEBHOOK_PRIVATE_TARGETS'] = 'allow';
  hooks = new InboundHooks(db.pool, { find: async () => ({ authToken: 'token' }) as never });
  delete process.env['WEBHOOK_PRIVATE_TARGETS'];
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await db.drop();
});
beforeEach(() => {
  asked = [];
  answer = (response) => response.end();
});

const add = (sid: string) => hooks.messageAdd(caller, sid, { author: '+1', body: 'hi', media: null, source: 'sms' }, hooks.patience());

it('asks the webhooks of the conversation\'s service, else the account\'s', async () => {
  answer = (response) => response.end('{"body":"hello"}');
  expect((await Promise.all([add(conversation), add(elsewhere)])).map(({ body }) => body)).toEqual(['hello', 'hello']);
  const common = { EventType: 'onMessageAdd', AccountSid: account, Source: 'SMS', RetryCount: '0', Author: '+1', Body: 'hi', Attributes: '{}' };
  expect(asked.toSorted()).toEqual([
    ['/account', { ...common, ConversationSid: conversation, ChatServiceSid: plainService, ParticipantSid: participant }],
    ['/service', { ...common, ConversationSid: elsewhere, ChatServiceSid: ownService }],
  ]);
});

it('asks before a conversation is opened, with what opens it', async () => {
  answer = (response) => response.end('{"friendly_name":"From +1"}');
  expect(await hooks.conversationAdd(caller, ownService, inbound, hooks.patience())).toEqual({ friendlyName: 'From +1' });
  await hooks.participantAdd(caller, plainService, conversation, inbound, hooks.patience());
  expect(asked).toMatchObject([
    ['/service', { EventType: 'onConversationAdd', 'MessagingBinding.Address': '+1', 'MessagingBinding.ProxyAddress': '+2', MessageBody: 'hi' }],
    ['/account', { EventType: 'onParticipantAdd', 'MessagingBinding.Type': 'SMS', 'MessagingBinding.Address': '+1', 'MessagingBinding.ProxyAddress': '+2' }],
  ]);
});

it('passes refusals on, also of impossible wishes', async () => {
  for (const [status, body] of [[403, ''], [500, ''], [200, '{"attributes":"no JSON"}']] as const) {
    answer = (response) => response.writeHead(status).end(body);
    expect(isRefusedByHook(await add(conversation).catch((error: unknown) => error))).toBe(true);
  }
});

it('has one patience for all that a message causes', async () => {
  answer = () => {};
  const until = Date.now() + 150;
  const from = performance.now();
  for (let n = 0; n < 3; n++) expect(await hooks.conversationAdd(caller, ownService, inbound, until)).toEqual({});
  expect(performance.now() - from).toBeLessThan(4_500); // each with its own would be 5 s
});
