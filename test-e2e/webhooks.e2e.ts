/**
 * Webhooks as an application sees them: configured by the official SDK, received by an HTTP server, every signature checked by
 * the official validator. And: none is lost or out of order when the process that sends them is killed.
 */
import twilio from 'twilio';
import { PlayedTarget } from '../apps/webhook-worker/src/target.testing.js';
import { Caller } from './caller.js';
import { Handset } from './handset.js';
import { Parley, START_MS, until, type Topology } from './installation.js';
import { killAndBringBack } from './parts.js';

const TEST_MS = 360_000;
const PROXY = '+15550100777';
const told = 'true' as const;
const { AccessToken } = twilio.jwt;

describe.each<Topology>(['one', 'services'])('webhooks (%s)', (topology) => {
  let parley: Parley;
  let target: PlayedTarget;
  let api: ReturnType<Parley['sdk']>['conversations']['v1'];

  beforeAll(async () => {
    parley = await Parley.start({ services: topology === 'services', env: { WEBHOOK_RETRY_MILLIS: '100' } });
    target = await PlayedTarget.start(parley.account.authToken);
    api = parley.sdk().conversations.v1;
  }, START_MS);
  afterAll(async () => {
    target?.stop();
    await parley?.stop();
  }, START_MS);

  const events = (path: string) => target.at(path).map(({ parameters }) => parameters);
  const received = (path: string, count: number) => until(async () => events(path).length >= count && events(path), `${count} webhooks at ${path}`);
  const handset = (address: string) => new Handset(new Caller(parley.account, parley.installation.info), address, PROXY, '');
  const open = (friendlyName: string) => api.conversations.create({ friendlyName });

  it('tell of what the API did when it asked for it, by the account\'s and the conversation\'s', async () => {
    await api.configuration.webhooks().update({ postWebhookUrl: target.url('/account'), method: 'POST', filters: ['onConversationAdded', 'onMessageAdded', 'onMessageRemoved'] });
    const { sid } = await api.conversations.create({ friendlyName: 'Told', xTwilioWebhookEnabled: told });
    const conversation = api.conversations(sid);
    await conversation.webhooks.create({
      target: 'webhook', 'configuration.url': target.url('/scoped?key=a%20b'), 'configuration.method': 'get', 'configuration.filters': ['onMessageAdded', 'onConversationRemoved'],
    });
    await conversation.messages.create({ body: 'silent' });
    const message = await conversation.messages.create({ author: 'alice', body: 'told', attributes: '{"a":1}', xTwilioWebhookEnabled: told });
    await conversation.messages(message.sid).remove({ xTwilioWebhookEnabled: told });
    await conversation.remove({ xTwilioWebhookEnabled: told });
    const about = { AccountSid: parley.account.accountSid, ConversationSid: sid, ChatServiceSid: parley.account.serviceSid, Source: 'API', RetryCount: '0' };
    expect(await received('/account', 3)).toMatchObject([
      { ...about, EventType: 'onConversationAdded', FriendlyName: 'Told', State: 'active' },
      { ...about, EventType: 'onMessageAdded', MessageSid: message.sid, Index: '1', Author: 'alice', Body: 'told', Attributes: '{"a":1}', DateCreated: expect.stringMatching(/\.\d{3}Z$/) },
      { ...about, EventType: 'onMessageRemoved', MessageSid: message.sid, Index: '1', Body: 'told', DateRemoved: expect.stringMatching(/\.\d{3}Z$/) },
    ]);
    expect(await received('/scoped', 2)).toMatchObject([{ EventType: 'onMessageAdded', Body: 'told', key: 'a b' }, { EventType: 'onConversationRemoved', FriendlyName: 'Told' }]);
    expect(target.told.map(({ valid }) => valid)).toEqual(target.told.map(() => true));
  }, TEST_MS);

  it('tell of what carriers bring and report, whatever the API asked for', async () => {
    const service = await api.services.create({ friendlyName: 'Carriers' });
    await api.services(service.sid).configuration.webhooks().update({
      postWebhookUrl: target.url('/service'), filters: ['onConversationAdded', 'onParticipantAdded', 'onMessageAdded', 'onDeliveryUpdated'], method: 'POST',
    });
    await api.addressConfigurations.create({ type: 'sms', address: PROXY, 'autoCreation.enabled': true, 'autoCreation.type': 'default', 'autoCreation.conversationServiceSid': service.sid });
    await handset('+15550100701').write('hello');
    const opened = await received('/service', 3);
    const about = { AccountSid: parley.account.accountSid, ChatServiceSid: service.sid, Source: 'SMS' };
    expect(opened).toMatchObject([
      { ...about, EventType: 'onConversationAdded', MessageBody: 'hello, try 1', 'MessagingBinding.Address': '+15550100701', 'MessagingBinding.ProxyAddress': PROXY },
      { ...about, EventType: 'onParticipantAdded', 'MessagingBinding.Type': 'SMS', 'MessagingBinding.Address': '+15550100701' },
      { ...about, EventType: 'onMessageAdded', Body: 'hello, try 1', Author: '+15550100701', ParticipantSid: expect.stringMatching(/^MB/) },
    ]);
    const conversation = api.services(service.sid).conversations(opened[0]!['ConversationSid']!);
    const message = await conversation.messages.create({ body: 'answer' });
    await until(async () => events('/service').some(({ Status }) => Status === 'delivered'), 'the receipt is told');
    const receipts = events('/service').slice(3);
    expect(receipts.at(-1)).toMatchObject({ ...about, EventType: 'onDeliveryUpdated', MessageSid: message.sid, Status: 'delivered', ErrorCode: '0', ChannelMessageSid: expect.stringMatching(/^SM/) });
    expect(receipts.map(({ Status }) => Status)).toEqual(['sent', 'delivered'].slice(-receipts.length));
    expect(events('/account').filter(({ ChatServiceSid }) => ChatServiceSid === service.sid)).toEqual([]);
  }, TEST_MS);

  it('tell of what users do, without any header, and who it was', async () => {
    await api.configuration.webhooks().update({ postWebhookUrl: target.url('/users'), filters: ['onUserAdded', 'onParticipantAdded', 'onMessageAdded', 'onUserUpdated'] });
    const { accountSid, apiKeySid, apiKeySecret, serviceSid } = parley.account;
    const { sid } = await open('Chat');
    await api.conversations(sid).participants.create({ identity: 'carol', xTwilioWebhookEnabled: told });
    const token = new AccessToken(accountSid, apiKeySid, apiKeySecret, { identity: 'carol' });
    token.addGrant(new AccessToken.ChatGrant({ serviceSid }));
    const answer = await parley.request(`/v1/Conversations/${sid}/Messages`, { as: null, headers: { authorization: `Bearer ${token.toJwt()}` }, body: 'Body=hello' });
    expect(answer.status).toBe(201);
    await api.users('carol').update({ friendlyName: 'Carol', xTwilioWebhookEnabled: told });
    const all = await received('/users', 4);
    const of = (event: string) => all.find(({ EventType }) => EventType === event);
    expect(of('onUserAdded')).toMatchObject({ Identity: 'carol', ChatServiceSid: serviceSid, Source: 'API' });
    expect(of('onParticipantAdded')).toMatchObject({ Identity: 'carol', 'MessagingBinding.Type': 'CHAT', Source: 'API', RoleSid: expect.stringMatching(/^RL/) });
    expect(of('onMessageAdded')).toMatchObject({ Source: 'SDK', ClientIdentity: 'carol', Author: 'carol', Body: 'hello', MessageSid: answer.body.sid, ParticipantSid: expect.stringMatching(/^MB/) });
    expect(of('onUserUpdated')).toMatchObject({ Identity: 'carol', FriendlyName: 'Carol', Source: 'API' });
  }, TEST_MS);

  it('asked before may change, refuse, and are asked of inbound messages too', async () => {
    const service = await api.services.create({ friendlyName: 'Asked' });
    const proxy = '+15550100778';
    await api.services(service.sid).configuration.webhooks().update({ preWebhookUrl: target.url('/pre'), filters: ['onMessageAdd'], method: 'POST' });
    await api.addressConfigurations.create({ type: 'sms', address: proxy, 'autoCreation.enabled': true, 'autoCreation.type': 'default', 'autoCreation.conversationServiceSid': service.sid });
    target.answer = ({ path, parameters }, response) => {
      if (path === '/pre' && /secret/.test(parameters['Body']!)) response.writeHead(403);
      response.end(path === '/pre' ? JSON.stringify({ body: parameters['Body']!.replace('darn', '****') }) : '');
    };
    const of = api.services(service.sid).conversations;
    const { sid } = await of.create({ friendlyName: 'Moderated' });
    expect(await of(sid).messages.create({ body: 'darn it', xTwilioWebhookEnabled: told })).toMatchObject({ body: '**** it', index: 0 });
    await expect(of(sid).messages.create({ body: 'a secret', xTwilioWebhookEnabled: told })).rejects.toMatchObject({ status: 403, code: 50056 });
    expect(await of(sid).messages.create({ body: 'no secret when nobody is asked' })).toMatchObject({ index: 1 });

    const person = new Handset(new Caller(parley.account, parley.installation.info), '+15550100702', proxy, '');
    for (const body of ['darn', 'a secret', 'fine']) await person.write(body);
    const bodies = await until(async () => {
      const opened = (await of.list()).find((conversation) => conversation.sid !== sid);
      const messages = opened ? await of(opened.sid).messages.list() : [];
      return messages.length >= 2 && messages.map(({ body }) => body);
    }, 'the inbound messages are stored');
    expect(bodies).toEqual(['****, try 1', 'fine, try 1']);
    target.answer = (_told, response) => void response.end();
  }, TEST_MS);

  it('none is lost or overtaken when the process that sends them is killed', async () => {
    await api.configuration.webhooks().update({ postWebhookUrl: target.url('/killed'), filters: ['onMessageAdded'] });
    const conversations = await Promise.all(['a', 'b', 'c'].map(open));
    const victim = parley.installation.apps[topology === 'one' ? 'parley' : 'webhook-worker']!;
    const written = new Map(conversations.map(({ sid }) => [sid, [] as string[]]));
    const write = async (count: number) => Promise.all(conversations.map(async ({ sid }) => {
      for (let n = 0; n < count; n++) written.get(sid)!.push((await api.conversations(sid).messages.create({ body: `${n}`, xTwilioWebhookEnabled: told })).sid);
    }));
    let calls = 0;
    // Some calls are under way, and some have been answered without anybody knowing, when the process dies.
    target.answer = (_told, response) => setTimeout(() => response.end(), ++calls % 3 === 0 ? 200 : 0);
    for (let n = 0; n < 3; n++) {
      await write(15);
      await killAndBringBack(victim);
    }
    await write(5);
    const expected = [...written.values()].flat().length;
    await until(async () => new Set(events('/killed').map(({ MessageSid }) => MessageSid)).size >= expected, `${expected} messages are told`, 180_000);
    for (const [sid, messages] of written) {
      const theirs = events('/killed').filter(({ ConversationSid }) => ConversationSid === sid).map(({ MessageSid }) => MessageSid!);
      expect(theirs.filter((message, i) => theirs.indexOf(message) === i)).toEqual(messages);
    }
    expect(target.told.every(({ valid }) => valid)).toBe(true);
  }, TEST_MS);
});

it('into private networks they are not sent, where the installation says nothing else', async () => {
  const parley = await Parley.start({ services: false, env: { WEBHOOK_PRIVATE_TARGETS: 'refuse' } });
  try {
    const { webhooks } = parley.sdk().conversations.v1.configuration;
    await expect(webhooks().update({ postWebhookUrl: 'http://127.0.0.1:1/', filters: [] })).rejects.toMatchObject({ status: 400, code: 50054 });
    await expect(webhooks().update({ postWebhookUrl: 'https://example.com/', filters: ['onMessageAdded'] })).resolves.toMatchObject({ filters: ['onMessageAdded'] });
  } finally {
    await parley.stop();
  }
}, START_MS);
