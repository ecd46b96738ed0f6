/** Our own websocket as an application uses it, both ways: the REST API inside it, how far somebody read. */
import { accessToken } from '../tools/bench/access-token.ts';
import type { Topology } from './installation.js';
import { Stage } from './stage.js';
import { StreamClient } from './stream-client.js';

describe.each<Topology>(['one', 'services'])('/v1/stream, spoken to (%s)', (topology) => {
  const stage = new Stage(topology);
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
});
