import { newSid } from '@parley/domain/sid';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import twilio from 'twilio';
import { TestGateway } from './gateway.testing.js';

let gateway: TestGateway;
let server: Server;
let url: string;
let asked: Record<string, string>[] = [];
let answer: (response: ServerResponse) => void;
let conversation: string;
/** What the commands were given. */
let done: unknown[] = [];
const hooked = { 'X-Twilio-Webhook-Enabled': 'TRUE' };

beforeAll(async () => {
  gateway = await TestGateway.start({ WEBHOOK_PRIVATE_TARGETS: 'allow' });
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString())).on('end', () => {
      const form = Object.fromEntries(new URLSearchParams(body));
      if (!twilio.validateRequest(gateway.account.token, request.headers['x-twilio-signature'] as string, url, form)) return response.writeHead(403).end();
      asked.push(form);
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/pre`;
  const { sid } = gateway.account;
  await gateway.put('webhook_configuration', {
    sid, account: sid, method: 'POST', target: 'webhook', pre_webhook_url: url,
    filters: [
      'onMessageAdd', 'onMessageUpdate', 'onMessageRemove', 'onConversationAdd', 'onConversationUpdate', 'onConversationRemove', 'onParticipantAdd',
      'onParticipantUpdate', 'onParticipantRemove', 'onUserUpdate', 'onMessageAdded',
    ],
  });
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await gateway.stop();
});
beforeEach(async () => {
  [asked, done] = [[], []];
  answer = (response) => response.end();
  conversation = await gateway.conversation({ friendly_name: 'Old', attributes: '{"c":1}' });
  const note = <T>(result: T) => async (...given: unknown[]) => {
    done.push(given.at(-1));
    return result as never;
  };
  const at = '2026-01-01T00:00:00.000Z';
  gateway.commands.addMessage = note({ messageSid: newSid('IM'), index: 0, author: 'a', body: null, attributes: '{}', media: null, recipients: [], createdAt: at, updatedAt: at });
  gateway.commands.createConversation = note({ conversationSid: conversation });
  for (const name of ['updateConversation', 'deleteConversation', 'updateMessage', 'deleteMessage', 'addParticipant', 'updateParticipant', 'removeParticipant', 'update'] as const)
    (gateway.commands as Record<string, unknown>)[name] = note({ participantSid: newSid('MB') });
});

const say = (form: Record<string, string>, headers: Record<string, string> = hooked) => gateway.call(`/Conversations/${conversation}/Messages`, { form, headers });
const answering = (status: number, body: unknown) => { answer = (response) => response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body)); };

it('is asked with the documented parameters, and may change the message', async () => {
  const participant = newSid('MB');
  await gateway.put('participant', { sid: participant, account: gateway.account.sid, conversation_sid: conversation, identity: 'alice', attributes: '{}' });
  answering(200, { body: 'clean', author: 'bot', attributes: { seen: true }, unknown: 1 });
  expect((await say({ Author: 'alice', Body: 'dirty' })).status).toBe(201);
  expect(asked).toEqual([{
    EventType: 'onMessageAdd', AccountSid: gateway.account.sid, Source: 'API', RetryCount: '0', ConversationSid: conversation, ChatServiceSid: gateway.account.service,
    Body: 'dirty', Author: 'alice', ParticipantSid: participant, Attributes: '{}',
  }]);
  expect(done).toMatchObject([{ body: 'clean', author: 'bot', attributes: '{"seen":true}' }]);
});

it.each([['', 'empty'], ['{}', 'an empty object'], ['OK', 'no JSON'], ['[1]', 'a list'], ['"text"', 'a text']])('takes %j for consent', async (body) => {
  answering(200, body);
  expect((await say({ Body: 'as it is' })).status).toBe(201);
  expect(done).toMatchObject([{ body: 'as it is' }]);
});

it.each([
  ['403', 403, {}, 403, 50056], ['404', 404, {}, 403, 50056], ['500', 500, {}, 400, 50057], ['302', 302, {}, 400, 50057],
  ['attributes that are no JSON', 200, { attributes: 'not JSON' }, 400, 50304], ['a body too long', 200, { body: 'x'.repeat(40_000) }, 400, 50504],
  ['a NUL', 200, '{"body":"\\u0000"}', 400, 20001], ['half a character', 200, '{"author":"\\ud800"}', 400, 20001],
  ['an author too long', 200, { author: 'x'.repeat(300) }, 400, 50310],
])('refuses by %s, and nothing happens', async (_what, status, body, expected, code) => {
  answering(status, body);
  expect(await say({ Body: 'no' })).toMatchObject({ status: expected, body: { code } });
  expect(done).toEqual([]);
});

it('a target that cannot be reached refuses; one that does not answer in time has consented', async () => {
  answer = (response) => void response.socket!.destroy();
  expect(await say({ Body: 'gone' })).toMatchObject({ status: 400, body: { code: 50057 } });
  answer = () => {};
  const from = performance.now();
  expect((await say({ Body: 'late' })).status).toBe(201);
  expect(performance.now() - from).toBeGreaterThan(4_900);
  expect(done).toMatchObject([{ body: 'late' }]);
});

it('is not asked without the header, nor of what is not listed, nor for another account', async () => {
  await say({ Body: 'a' }, {});
  await say({ Body: 'b' }, { 'X-Twilio-Webhook-Enabled': 'false' });
  const theirs = await gateway.conversation({}, gateway.other);
  await gateway.call(`/Conversations/${theirs}/Messages`, { form: { Body: 'c' }, headers: hooked, as: gateway.other });
  expect(asked).toEqual([]);
  expect(done).toHaveLength(3);
});

it('is asked before everything it is listed for', async () => {
  const message = await gateway.message(conversation, 0, { author: 'bob', body: 'before' });
  const participant = newSid('MB');
  await gateway.put('participant', { sid: participant, account: gateway.account.sid, conversation_sid: conversation, identity: 'bob', role_sid: 'RL1', attributes: '{}' });
  const user = newSid('US');
  await gateway.put('chat_user', {
    sid: user, account: gateway.account.sid, chat_service_sid: gateway.account.service, identity: 'bob', friendly_name: 'Bob', attributes: '{}', role_sid: 'RL2',
  });
  answering(200, { friendly_name: 'Renamed' });
  const base = `/Conversations/${conversation}`;
  await gateway.call('/Conversations', { form: { FriendlyName: 'New' }, headers: hooked });
  await gateway.call(base, { form: { Attributes: '{}' }, headers: hooked });
  expect(done).toMatchObject([{ friendlyName: 'Renamed' }, { friendlyName: 'Renamed', attributes: '{}' }]);
  answering(200, '');
  await gateway.call(`${base}/Messages/${message}`, { form: { Body: 'after' }, headers: hooked });
  await gateway.call(`${base}/Messages/${message}`, { method: 'DELETE', headers: hooked });
  await gateway.call(`${base}/Participants`, { form: { Identity: 'carol' }, headers: hooked });
  await gateway.call(`${base}/Participants/${participant}`, { form: { Attributes: '{"p":1}' }, headers: hooked });
  await gateway.call(`${base}/Participants/${participant}`, { method: 'DELETE', headers: hooked });
  await gateway.call(`/Users/${user}`, { form: { FriendlyName: 'Robert' }, headers: hooked });
  await gateway.call(base, { method: 'DELETE', headers: hooked });
  const times = { DateCreated: '2026-01-01T00:00:00.250Z', DateUpdated: '2026-01-01T00:00:01.000Z' };
  expect(asked).toMatchObject([
    { EventType: 'onConversationAdd', FriendlyName: 'New', Attributes: '{}', State: 'active' },
    { EventType: 'onConversationUpdate', ConversationSid: conversation, FriendlyName: 'Old', Attributes: '{}', ...times },
    { EventType: 'onMessageUpdate', MessageSid: message, Index: '0', Body: 'after', Author: 'bob', ...times },
    { EventType: 'onMessageRemove', MessageSid: message, Body: 'before', ...times },
    { EventType: 'onParticipantAdd', Identity: 'carol', 'MessagingBinding.Type': 'CHAT', Attributes: '{}' },
    { EventType: 'onParticipantUpdate', ParticipantSid: participant, Identity: 'bob', Attributes: '{"p":1}', ...times },
    { EventType: 'onParticipantRemove', ParticipantSid: participant, RoleSid: 'RL1' },
    { EventType: 'onUserUpdate', UserSid: user, Identity: 'bob', FriendlyName: 'Robert' },
    { EventType: 'onConversationRemove', ConversationSid: conversation, FriendlyName: 'Old' },
  ]);
  expect(asked[0]).not.toHaveProperty('ConversationSid');
  expect(done).toHaveLength(9);
});

it('is not asked by what does not declare the header', async () => {
  const [user, participant] = [newSid('US'), newSid('MB')];
  const { sid: account, service } = gateway.account;
  await gateway.put('chat_user', { sid: user, account, chat_service_sid: service, identity: user, attributes: '{}', role_sid: 'RL2' });
  await gateway.put('participant', { sid: participant, account, conversation_sid: conversation, identity: user, attributes: '{}' });
  expect((await gateway.call(`/Users/${user}/Conversations/${conversation}`, { method: 'DELETE', headers: hooked })).status).toBe(204);
  expect([asked, done]).toEqual([[], [participant]]);
});

it('a service\'s own replace the account\'s', async () => {
  const service = newSid('IS');
  await gateway.put('webhook_configuration', { sid: service, account: gateway.account.sid, method: 'POST', target: 'webhook', filters: ['onMessageAdd'] });
  conversation = await gateway.conversation({}, { ...gateway.account, service });
  await gateway.put('service', { ...(await gateway.database.pool.query('select * from model.service limit 1')).rows[0], sid: service, account: gateway.account.sid });
  const answered = await gateway.call(`/Services/${service}/Conversations/${conversation}/Messages`, { form: { Body: 'x' }, headers: hooked });
  expect([answered.status, asked]).toEqual([201, []]);
});
