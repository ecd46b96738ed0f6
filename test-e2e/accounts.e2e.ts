/** P8: accounts are walls. A second account tries everything with what it could know of the first one, and finds nothing. */
import { apiPaths } from '../libs/contracts/src/rest/operations.js';
import { accessToken } from '../tools/bench/access-token.ts';
import { basic, Caller, type Fields } from './caller.js';
import { report, text, webhook } from './carrier.js';
import { handsetUrl } from './handset.js';
import { until, type Topology } from './installation.js';
import { Stage } from './stage.js';
import type { Thread } from './thread.js';
import { Watcher } from './watcher.js';

const TEST_MS = 180_000;
/** Valid at each resource: refused for whose they are, not for how they look. */
const fieldsOf: Record<string, Fields> = {
  Conversations: { FriendlyName: 'intruder' }, Messages: { Body: 'intruder' }, Participants: { Identity: 'intruder' }, Addresses: { FriendlyName: 'intruder' },
  Webhooks: { Target: 'webhook', 'Configuration.Url': 'http://127.0.0.1:9/', 'Configuration.Filters': 'onMessageAdded', FriendlyName: 'intruder' },
  Roles: { FriendlyName: 'intruder', Type: 'service', Permission: 'joinConversation' }, Users: { Identity: 'intruder' },
  Services: { FriendlyName: 'intruder' }, Credentials: { Type: 'fcm', FriendlyName: 'intruder' },
  ConversationWithParticipants: { FriendlyName: 'intruder' },
};
/** Some lists must be asked for somebody. */
const queryOf: Record<string, string> = { ParticipantConversations: '?Identity=intruder' };

describe.each<Topology>(['one', 'services'])('a second account (%s)', (topology) => {
  const stage = new Stage(topology);
  let first: Caller;
  let second: Caller;
  let thread: Thread;
  /** What belongs to the first account, by the segment of a path that it stands behind. */
  let theirs: Record<string, string>;
  let names: Record<string, string>;
  /** Nothing of this may be seen by anybody else. */
  let secrets: string[];

  beforeAll(async () => {
    first = stage.caller;
    second = new Caller(await stage.parley.newAccount(), first.places);
    thread = await stage.open('Confidential', { members: 1, sms: 1, whatsapp: 0 });
    names = { Conversations: 'confidential name', Participants: thread.members[0]!.identity, Users: thread.members[0]!.identity, Addresses: '+15550700001' };
    await first.post(thread.path, { UniqueName: names['Conversations']!, Attributes: '{"topic":"confidential attributes"}' });
    await Promise.all([thread.write(3), thread.text(2)]);
    await thread.check();
    const address = await first.post<{ sid: string }>('/v1/Configuration/Addresses', {
      Type: 'sms', Address: names['Addresses']!, 'AutoCreation.Type': 'default', FriendlyName: 'confidential address',
    });
    const message = thread.posts[0]!.answer!.sid;
    const [receipt] = await first.all<{ sid: string }>(`${thread.path}/Messages/${message}/Receipts`, 'delivery_receipts');
    const webhookOfThread = await first.post<{ sid: string }>(`${thread.path}/Webhooks`, fieldsOf['Webhooks']!);
    const role = await first.post<{ sid: string }>('/v1/Roles', { ...fieldsOf['Roles'], FriendlyName: 'confidential role' });
    const credential = await first.post<{ sid: string }>('/v1/Credentials', { Type: 'fcm', FriendlyName: 'confidential credential', Secret: 'confidential secret' });
    const [user] = await first.all<{ sid: string }>('/v1/Users', 'users');
    const [handset] = thread.handsets;
    theirs = {
      Services: first.credentials.serviceSid, Conversations: thread.sid, Messages: message, Receipts: receipt!.sid,
      Participants: handset!.participant, Addresses: address.sid,
      Webhooks: webhookOfThread.sid, Roles: role.sid, Credentials: credential.sid, Users: user!.sid, Bindings: `BS${'0'.repeat(32)}`,
    };
    const { accountSid, authToken, apiKeySid, apiKeySecret } = first.credentials;
    secrets = [...Object.values(theirs), ...Object.values(names), accountSid, authToken, apiKeySid, apiKeySecret, handset!.address, 'onfidential'];
  }, TEST_MS);

  const seen = (text: string): string[] => secrets.filter((secret) => text.includes(secret));
  const everything = () => Promise.all([
    thread.path, `${thread.path}/Messages`, `${thread.path}/Participants`, `${thread.path}/Messages/${theirs['Messages']}/Receipts`, '/v1/Conversations',
    '/v1/Configuration/Addresses', '/v1/Services', '/v1/Configuration', '/v1/Roles', '/v1/Users', '/v1/Credentials', `${thread.path}/Webhooks`,
  ].map(async (path) => (await first.call('GET', path)).text));

  it('finds none of the first one’s resources, whatever the verb, and changes nothing', async () => {
    const before = await everything();
    let tried = 0;
    for (const by of [theirs, { ...theirs, ...names }]) for (const { path: template, built } of apiPaths) for (const verb of built) {
      const path = template.replaceAll(/([A-Za-z]+)\/\{Sid\}/g, (_, segment: string) => `${segment}/${encodeURIComponent(by[segment] ?? `nothing given for ${segment}`)}`);
      const resource = template.replaceAll('/{Sid}', '').split('/').at(-1)!;
      const { status, text } = await second.call(verb, verb === 'GET' ? path + (queryOf[resource] ?? '') : path, verb === 'POST' ? (fieldsOf[resource] ?? {}) : undefined);
      if (!template.includes('{Sid}')) {
        if (verb === 'GET') expect([path, status, seen(text)]).toEqual([path, 200, []]);
        continue;
      }
      tried++;
      const shown = decodeURIComponent(path.replace('/v1', ''));
      expect([verb, path, status, decodeURIComponent((JSON.parse(text) as { message: string }).message)]).toEqual([verb, path, 404, `The requested resource ${shown} was not found`]);
      expect(JSON.parse(text)).toMatchObject({ code: 20404, status: 404, more_info: 'https://www.twilio.com/docs/errors/20404' });
    }
    expect(tried).toBeGreaterThan(60);
    expect(await everything()).toEqual(before);
  }, TEST_MS);

  it('gets no foot in through parameters, page tokens and keys', async () => {
    const own = await second.post<{ sid: string }>('/v1/Conversations', { UniqueName: names['Conversations']! }, { 'Idempotency-Key': 'the same key' });
    await first.post(`${thread.path}/Participants`, { Identity: 'alice' }, { 'Idempotency-Key': 'the same key' });
    expect((await second.get<{ sid: string }>(`/v1/Conversations/${encodeURIComponent(names['Conversations']!)}`)).sid).toBe(own.sid);
    const { meta } = await first.get<{ meta: { next_page_url: string } }>(`${thread.path}/Messages?PageSize=1`);
    const { search } = new URL(meta.next_page_url);
    expect((await second.call('GET', `${thread.path}/Messages${search}`)).status).toBe(404);
    expect(await second.get(`/v1/Conversations/${own.sid}/Messages${search}`)).toMatchObject({ messages: [] });
    // The pair is free here: that it is taken there is nobody's business.
    const [handset] = thread.handsets;
    const pair = { 'MessagingBinding.Address': handset!.address, 'MessagingBinding.ProxyAddress': handset!.proxy };
    expect(await second.post(`/v1/Conversations/${own.sid}/Participants`, pair)).toMatchObject({ conversation_sid: own.sid });
    await second.delete(`/v1/Conversations/${own.sid}`);
  });

  it('is refused with credentials of which half is the first one’s', async () => {
    const [a, b] = [first.credentials, second.credentials];
    const mixed: [string, string][] = [
      [a.accountSid, b.authToken], [b.accountSid, a.authToken], [a.apiKeySid, b.apiKeySecret], [b.apiKeySid, a.apiKeySecret], [a.accountSid, a.apiKeySecret],
      [a.apiKeySid, a.authToken], [a.accountSid, ''], ['', a.authToken],
    ];
    for (const [user, password] of mixed) {
      const { status, text, headers } = await second.call('GET', thread.path, undefined, { Authorization: basic(user, password) });
      expect([status, headers.get('www-authenticate'), JSON.parse(text)]).toMatchObject([401, 'Basic realm="Parley API"', { code: 20003, status: 401 }]);
      const websocket = new Watcher(first.places.wsUrl, basic(user, password));
      expect(await websocket.end()).toBe(401);
    }
  });

  it.each([
    ['its own key for the first account', 20103, () => ({ ...second.credentials, accountSid: first.credentials.accountSid })],
    ['the first one’s key with its own secret', 20107, () => ({ ...first.credentials, apiKeySecret: second.credentials.apiKeySecret })],
    ['its own key for the first one’s chat service', 51102, () => ({ ...second.credentials, serviceSid: first.credentials.serviceSid })],
    ['the first one’s key for itself', 20103, () => ({ ...first.credentials, accountSid: second.credentials.accountSid })],
  ])('cannot sign an access token with %s', async (_, code, source) => {
    const websocket = new Watcher(first.places.wsUrl);
    await websocket.send({ type: 'hello', token: accessToken(source(), thread.members[0]!.identity) });
    expect(await websocket.end()).toBe(4001);
    expect(websocket.frames).toMatchObject([{ type: 'error', code }]);
  });

  it('sees nothing of the first one’s conversations at its websockets', async () => {
    const token = accessToken(second.credentials, thread.members[0]!.identity);
    const member = new Watcher(first.places.wsUrl);
    await member.send({ type: 'hello', token });
    const backEnd = new Watcher(first.places.wsUrl, second.authorization);
    for (const websocket of [member, backEnd]) {
      await websocket.frame('ready');
      await websocket.send({ type: 'subscribe', id: 1, conversations: [thread.sid], from: { [thread.sid]: 0 } });
      expect(await websocket.frame('error')).toMatchObject({ id: 1, code: 20404, conversations: [thread.sid] });
      await websocket.send({ type: 'subscribe', id: 2, conversations: 'all', from: { [thread.sid]: 0 } });
      await websocket.frame('subscribed', ({ id }) => id === 2);
    }
    await Promise.all([thread.write(3), thread.text(1)]);
    await thread.check();
    // Its own comes through the same pipe behind them: what it has not seen by then, it will not see.
    const own = await second.post<{ sid: string }>('/v1/Conversations', {});
    await second.post(`/v1/Conversations/${own.sid}/Messages`, { Body: 'own' });
    await backEnd.frame('event', ({ event }) => event === 'onMessageAdded');
    const events = [...member.frames, ...backEnd.frames].filter(({ type }) => type === 'event');
    expect(new Set(events.map(({ conversation }) => conversation))).toEqual(new Set([own.sid]));
    for (const websocket of [member, backEnd]) websocket.close();
  }, TEST_MS);

  it('cannot read, move or speak for the first one’s handsets', async () => {
    const [handset] = thread.handsets;
    const before = await handset!.received();
    const url = handsetUrl(second, handset!.address);
    expect(await second.get(`${url}/messages`)).toEqual({ count: 0, messages: [] });
    await second.call('PUT', `${url}/behaviour`, JSON.stringify({ outcome: 'failed' }));
    expect((await second.call('POST', `${url}/messages`, JSON.stringify({ to: handset!.proxy, body: 'intruder' }))).status).toBe(201);
    const carrier = `${first.places.simulatorUrl}/2010-04-01/Accounts`;
    const statuses = await Promise.all([
      second.call('GET', `${carrier}/${first.credentials.accountSid}/Messages.json`),
      second.call('POST', `${carrier}/${first.credentials.accountSid}/Messages.json`, { To: handset!.address, From: handset!.proxy, Body: 'intruder' }),
      second.call('GET', `${carrier}/${second.credentials.accountSid}/Messages/${before[0]!.sid}.json`),
      second.call('POST', `${first.places.simulatorUrl}/messages/${before[0]!.sid}/status`, JSON.stringify({ status: 'failed' })),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([401, 401, 404, 404]);
    expect(seen((await second.call('GET', `${carrier}/${second.credentials.accountSid}/Messages.json`)).text)).toEqual([handset!.address]); // what it wrote itself
    await thread.write(2);
    await thread.check();
  }, TEST_MS);

  it('cannot speak for the first one’s carrier', async () => {
    const [handset] = thread.handsets;
    const written = text(handset!, 'intruder');
    expect((await webhook(second, '/twilio/sms', { ...written, AccountSid: first.credentials.accountSid })).status).toBe(403);
    const said = report(handset!, (await handset!.received())[0]!.sid, 'read');
    const path = `/twilio/status?delivery=${theirs['Receipts']}`;
    expect((await webhook(second, path, { ...said, AccountSid: first.credentials.accountSid })).status).toBe(403);
    // With its own name it may say what it likes: it concerns its own conversation with that pair of addresses.
    const own = await second.post<{ sid: string }>('/v1/Conversations', {});
    const pair = { 'MessagingBinding.Address': handset!.address, 'MessagingBinding.ProxyAddress': handset!.proxy };
    await second.post(`/v1/Conversations/${own.sid}/Participants`, pair);
    expect((await webhook(second, path, said)).status).toBe(200);
    expect((await webhook(second, '/twilio/sms', written)).status).toBe(200);
    await until(async () => (await second.all(`/v1/Conversations/${own.sid}/Messages`, 'messages')).length > 0, 'it arrives there');
    await thread.check();
  }, TEST_MS);

  it('and in the end nothing of it arrived', () => stage.checkAll());
});
