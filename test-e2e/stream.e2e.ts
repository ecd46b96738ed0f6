/** Our own websocket as an application uses it, both ways: the REST API inside it, how far somebody read, who types, who is there. */
import { accessToken } from '../tools/bench/access-token.ts';
import { inParallel } from '../tools/bench/rest-client.ts';
import type { Topology } from './installation.js';
import { killAndBringBack } from './parts.js';
import { SdkWire } from './sdk-wire.js';
import { Stage } from './stage.js';
import { StreamClient } from './stream-client.js';

describe.each<Topology>(['one', 'services'])('/v1/stream, spoken to (%s)', (topology) => {
  const stage = new Stage(topology, { PRESENCE_LEASE_MILLIS: '4000' });
  const clients: StreamClient[] = [];
  const open = async (options: Parameters<typeof StreamClient.open>[1]) => {
    const client = await StreamClient.open(stage.parley, options);
    clients.push(client);
    return client;
  };
  const member = (identity: string) => open({ query: `?token=${accessToken(stage.parley.account, identity)}` });
  const basic = () => ({ authorization: `Basic ${btoa(`${stage.parley.account.accountSid}:${stage.parley.account.authToken}`)}` });
  let alice: StreamClient;
  let bob: StreamClient;
  let conversation: string;
  let messages: string;

  beforeAll(async () => {
    [alice, bob] = [await member('alice'), await member('bob')];
    await bob.subscribe();
    const made = await alice.request('POST', '/v1/Conversations', { FriendlyName: 'Tea', Attributes: { topic: 'tea' } });
    expect(made).toMatchObject({ status: 201, body: { friendly_name: 'Tea', attributes: '{"topic":"tea"}' } });
    conversation = made.body.sid as string;
    messages = `/v1/Conversations/${conversation}/Messages`;
    expect((await alice.request('POST', `/v1/Conversations/${conversation}/Participants`, { Identity: 'bob' })).status).toBe(201);
  });
  afterAll(() => { for (const client of clients) client.close(); });

  it('does what the REST API does, as the member, once per key', async () => {
    const first = await alice.request('POST', messages, { Body: 'hello' }, { idempotency_key: 'hello 1' });
    expect(first).toMatchObject({ status: 201, body: { author: 'alice', body: 'hello', index: 0 } });
    expect((await alice.request('POST', messages, { Body: 'hello' }, { idempotency_key: 'hello 1' })).body.sid).toBe(first.body.sid);
    expect(await bob.next('event', ({ event }) => event === 'onMessageAdded')).toMatchObject({ conversation, data: { sid: first.body.sid, body: 'hello' } });
    expect((await bob.request('GET', `${messages}?PageSize=5`)).body.messages).toMatchObject([{ index: 0, body: 'hello' }]);
    const asked = await stage.parley.request(`${messages}/${first.body.sid}`);
    expect((await bob.request('GET', `${messages}/${first.body.sid}`)).body).toEqual(asked.body);
  });
  it('keeps the order in which one client writes', async () => {
    const bodies = Array.from({ length: 12 }, (_, n) => `in order ${n}`);
    await Promise.all(bodies.map((Body) => alice.request('POST', messages, { Body })));
    const { body } = await alice.request('GET', `${messages}?Order=desc&PageSize=12`);
    expect((body.messages as { body: string }[]).map((message) => message.body).reverse()).toEqual(bodies);
  });
  it('tells who reads the past nothing of what deleted messages said, and that they were', async () => {
    const said: string[] = [];
    for (const Body of ['a secret', 'and another']) said.push((await alice.request('POST', messages, { Body, Attributes: { key: Body } })).body.sid as string);
    await alice.request('POST', `${messages}/${said[0]}`, { Body: 'a better secret' });
    await alice.request('DELETE', `${messages}/${said[0]}`);
    // Behind more than one read of the past: its deletion is in another than what it said.
    await inParallel(205, 8, (n) => stage.parley.request(messages, { body: `Author=alice&Body=later+${n}` }));
    await alice.request('DELETE', `${messages}/${said[1]}`);
    const late = await member('bob');
    late.send({ type: 'subscribe', conversations: [conversation], from: { [conversation]: 0 } });
    await late.next('event', ({ event, data }) => event === 'onMessageRemoved' && data.sid === said[1]);
    const told = late.frames.filter(({ type, data }) => type === 'event' && said.includes(data.sid as string)).map(({ event, data }) => [event, said.indexOf(data.sid as string), data.body, data.attributes]);
    expect(told).toEqual([['onMessageAdded', 0, null, '{}'], ['onMessageAdded', 1, null, '{}'], ['onMessageUpdated', 0, null, undefined], ['onMessageRemoved', 0, undefined, undefined]]);
    expect(JSON.stringify(late.frames)).not.toContain('secret');
    const versions = late.frames.filter(({ type }) => type === 'event').map(({ version }) => version as number);
    expect(versions).toEqual(versions.map((_, n) => n + 1));
  });
  it('refuses what REST refuses, with its codes', async () => {
    const mallory = await member('mallory');
    expect(await mallory.request('POST', messages, { Body: 'hi' })).toMatchObject({ status: 403, body: { code: 50430 } });
    expect(await mallory.request('GET', '/v1/Conversations')).toMatchObject({ status: 403, body: { code: 50107 } });
    expect(await alice.request('POST', messages, { Body: 'x', DateCreated: '2020-01-01T00:00:00Z' })).toMatchObject({ status: 403, body: { code: 50107 } });
    expect(await alice.request('POST', messages, { Attributes: '{' })).toMatchObject({ status: 400, body: { code: 50304 } });
    expect(await alice.request('GET', '/metrics')).toMatchObject({ status: 404, body: { code: 20404 } });
  });
  it('lets a back end do everything, and in the name of a member what that member may', async () => {
    const backEnd = await open({ headers: basic() });
    expect((await backEnd.request('GET', '/v1/Conversations')).body.conversations).toHaveLength(1);
    expect((await backEnd.request('POST', messages, { Body: 'from the back end' })).body).toMatchObject({ author: 'system' });
    const asBob = await open({ query: '?identity=bob', headers: basic() });
    expect((await asBob.request('POST', messages, { Body: 'as Bob' })).body).toMatchObject({ author: 'bob' });
    expect(await asBob.request('GET', '/v1/Conversations')).toMatchObject({ status: 403, body: { code: 50107 } });
    const other = await stage.parley.newAccount();
    const stranger = await open({ headers: { authorization: `Basic ${btoa(`${other.accountSid}:${other.authToken}`)}` } });
    expect(await stranger.request('GET', `/v1/Conversations/${conversation}`)).toMatchObject({ status: 404 });
  });
  it('tells how far a member has read, as REST then knows', async () => {
    const { body } = await bob.request('GET', `${messages}?Order=desc&PageSize=1`);
    const last = body.messages[0].index as number;
    bob.send({ type: 'read', id: 'r', conversation, index: last - 2 });
    expect(await bob.next('read')).toEqual({ type: 'read', id: 'r', conversation, index: last - 2, unread: 2 });
    expect((await stage.parley.request(`/v1/Users/bob/Conversations/${conversation}`)).body).toMatchObject({ last_read_message_index: last - 2, unread_messages_count: 2 });
    (await member('carol')).send({ type: 'read', id: 1, conversation, index: 0 });
    expect(await clients.at(-1)!.next('error')).toMatchObject({ id: 1, code: 50430 });
  });

  describe('with a client of the official SDK\'s protocol on the other side', () => {
    const isOnline = async (identity: string) => (await stage.parley.request(`/v1/Users/${identity}`)).body.is_online as boolean | null;
    let dora: SdkWire;
    beforeAll(async () => {
      await stage.parley.request(`/v1/Services/${stage.parley.account.serviceSid}/Configuration`, { body: 'ReachabilityEnabled=true' });
      await alice.request('POST', `/v1/Conversations/${conversation}/Participants`, { Identity: 'dora' });
      dora = await SdkWire.open(stage.parley, accessToken(stage.parley.account, 'dora'));
    });
    afterAll(() => dora?.close());

    it('shows who types to either', async () => {
      const mine = (await dora.request('GET', '/Client/v2/Configuration')).body.sync_objects.my_conversations as string;
      await dora.request('POST', '/v4/Subscriptions', JSON.stringify({ action: 'establish', correlation_id: 1, requests: [{ object_sid: mine, object_type: 'map' }] }));
      await dora.notification('twilio.sync.event');
      expect(await dora.request('POST', '/v1/typing', `ChannelSid=${conversation}`, true)).toMatchObject({ status: 200, body: { typing_timeout: 5 } });
      expect(await bob.next('typing')).toEqual({ type: 'typing', conversation, identity: 'dora', expires_in_seconds: 6 });
      bob.send({ type: 'typing', conversation });
      expect((await dora.notification('twilio.ipmsg.typing_indicator')).payload).toEqual({ channel_sid: conversation, identity: 'bob', typing_timeout: 6 });
    });
    it('agrees with it and with REST about who is there', async () => {
      alice.send({ type: 'presence', identities: ['dora', 'erin'] });
      const first = [await alice.next('presence'), await alice.next('presence')];
      expect(Object.fromEntries(first.map(({ identity, online }) => [identity, online]))).toEqual({ dora: true, erin: false });
      expect(await isOnline('dora')).toBe(true);
      const erin = await member('erin');
      expect(await alice.next('presence')).toEqual({ type: 'presence', identity: 'erin', online: true });
      const map = (await dora.request('GET', '/Client/v2/Users/erin')).body.sync_objects.user_info_map as string;
      const seen = async () => ((await dora.request('GET', `/v3/Maps/${map}/Items`)).body.items as { key: string; data: any }[]).find(({ key }) => key === 'reachability')!.data.online as boolean;
      expect([await seen(), await isOnline('erin')]).toEqual([true, true]);
      erin.close();
      expect(await alice.next('presence')).toEqual({ type: 'presence', identity: 'erin', online: false });
      expect([await seen(), await isOnline('erin')]).toEqual([false, false]);
      dora.close();
      expect(await alice.next('presence')).toEqual({ type: 'presence', identity: 'dora', online: false });
    });
  });

  if (topology === 'services') it('shows nobody as online for long whose instance died', async () => {
    await member('frida');
    await killAndBringBack(stage.parley.installation.apps['realtime-gateway']!);
    const again = await member('alice');
    again.send({ type: 'presence', identities: ['frida', 'alice'] });
    await again.next('presence', ({ identity, online }) => identity === 'frida' && online === false);
    expect((await stage.parley.request('/v1/Users/frida')).body.is_online).toBe(false);
    expect((await stage.parley.request('/v1/Users/alice')).body.is_online).toBe(true);
  });
});
