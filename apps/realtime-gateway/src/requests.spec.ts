import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { metrics } from '@parley/telemetry/metrics';
import { Requests } from './requests.js';
import type { Session } from './session.js';
import { basic, type Client, RealtimeWorld, type TestAccount } from './realtime.testing.js';

type Asked = { request: IncomingMessage; body: string; answer(status: number, body?: unknown, headers?: Record<string, string>): void };
const CH = `CH${'0'.repeat(32)}`;
const CH2 = `CH${'1'.repeat(32)}`;

describe('requests inside /v1/stream', () => {
  let world: RealtimeWorld;
  let account: TestAccount;
  let alice: Client;
  /** What the REST API was asked and has not answered. */
  let asked: Asked[];
  const next = async (count: number): Promise<Asked> => {
    await alice.until(() => asked.length >= count);
    return asked[count - 1]!;
  };
  const post = (id: number, conversation = CH, body: object = { Body: `m${id}` }) =>
    alice.send({ type: 'request', id, method: 'POST', path: `/v1/Conversations/${conversation}/Messages`, body });

  beforeAll(async () => { world = await RealtimeWorld.open({ framesPerSecond: 1_000 }); });
  afterAll(() => world.close());
  beforeEach(async () => {
    account = await world.account();
    asked = [];
    world.api = (request: IncomingMessage, response: ServerResponse) => void text(request).then((body) => asked.push({
      request, body,
      answer: (status, answer, headers = {}) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(answer === undefined ? undefined : JSON.stringify(answer)),
    }));
    alice = await world.connect(account, 'alice');
  });

  it('go to the REST API with the member\'s token, and come back with status and body', async () => {
    alice.send({
      type: 'request', id: 7, method: 'POST', path: `/v1/Conversations/${CH}/Messages?x=%20`, body: { Body: 'ä & b', Attributes: { a: [1] }, Author: null, MediaSid: 'ME1' }, idempotency_key: 'k 1',
    });
    const { request, body, answer } = await next(1);
    expect([request.method, request.url]).toEqual(['POST', `/v1/Conversations/${CH}/Messages?x=%20`]);
    expect(request.headers).toMatchObject({ 'authorization': expect.stringMatching(/^Bearer ey/), 'content-type': 'application/x-www-form-urlencoded', 'idempotency-key': 'k 1' });
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({ Body: 'ä & b', Attributes: '{"a":[1]}', Author: '', MediaSid: 'ME1' });
    answer(201, { sid: 'IM1' });
    expect(await alice.next('response')).toEqual({ type: 'response', id: 7, status: 201, body: { sid: 'IM1' } });
  });
  it('of a back end go with its credentials, in the name of the member it acts as', async () => {
    const backEnd = await world.connect(account);
    backEnd.send({ type: 'request', id: 'a', method: 'DELETE', path: `/v1/Conversations/${CH}`, webhook_enabled: true });
    const plain = await next(1);
    expect(plain.request.headers).toMatchObject({ ...basic(account.sid, account.token), 'x-twilio-webhook-enabled': 'true' });
    expect(plain.request.headers).not.toHaveProperty('x-parley-acts-as');
    plain.answer(204);
    expect(await backEnd.next('response')).toEqual({ type: 'response', id: 'a', status: 204, body: null });
    const member = world.client('?identity=bob%2Fé', basic(account.sid, account.token));
    await member.next('ready');
    member.send({ type: 'request', id: 1, method: 'GET', path: '/v1/Services' });
    const named = await next(2);
    expect(named.request.headers).toMatchObject({ ...basic(account.sid, account.token), 'x-parley-acts-as': `${account.service}/bob%2F%C3%A9` });
    named.answer(200, {});
    await member.next('response');
  });
  it('with a JSON body go to those that read one', async () => {
    alice.send({ type: 'request', id: 1, method: 'POST', path: '/v1/Content', body: { types: { a: null } } });
    const { request, body, answer } = await next(1);
    expect(request.headers['content-type']).toBe('application/json');
    expect(JSON.parse(body)).toEqual({ types: { a: null } });
    answer(201, {});
    await alice.next('response');
  });

  it('change one conversation in their order, others and reads at once', async () => {
    post(1);
    post(2);
    post(3, CH2);
    alice.send({ type: 'request', id: 4, method: 'GET', path: `/v1/Conversations/${CH}` });
    await next(3);
    expect(asked.map(({ request }) => `${request.method} ${request.url!.slice(0, 24)}`).sort()).toEqual(['GET /v1/Conversations/CH0000', 'POST /v1/Conversations/CH0000', 'POST /v1/Conversations/CH1111']);
    const first = asked.find(({ body }) => body === 'Body=m1')!;
    first.answer(201, {});
    expect((await next(4)).body).toBe('Body=m2');
    for (const each of asked) if (each !== first) each.answer(200, {}); // they came in any order
    await alice.until(() => alice.frames.filter(({ type }) => type === 'response').length === 4);
  });
  it('change one conversation in their order, also when one between them is refused at once', async () => {
    const calls: string[] = [];
    let release: () => void = () => {};
    const session = { open: true, inFlight: 0, backlogWithPending: 0, principal: { account: account.sid }, credentials: {}, say: () => {} } as unknown as Session;
    const requests = new Requests(session, {
      call: async ({ path, after }) => {
        if (path.endsWith('refused')) return { status: 503, body: {}, chars: 2 };
        await after?.turn;
        calls.push(path);
        if (path.endsWith('first')) await new Promise<void>((go) => (release = go));
        return { status: 201, body: {}, chars: 2 };
      },
    });
    const all = ['first', 'refused', 'last'].map((name) => requests.request({ type: 'request', method: 'POST', path: `/v1/Conversations/${CH}/Messages?${name}` } as never));
    await all[1];
    expect(calls).toEqual([expect.stringMatching(/first$/)]);
    release();
    await Promise.all(all);
    expect(calls).toEqual([expect.stringMatching(/first$/), expect.stringMatching(/last$/)]);
  });
  it('are sixteen at once: who asks for more is told to wait', async () => {
    for (let id = 1; id <= 17; id++) alice.send({ type: 'request', id, method: 'GET', path: '/v1/Services' });
    expect(await alice.next('response')).toMatchObject({ id: 17, status: 429, body: { code: 20429 }, retry_after: 1 });
    await next(16);
    for (const each of asked) each.answer(200, {});
    await alice.until(() => alice.frames.filter(({ status }) => status === 200).length === 16);
    alice.send({ type: 'request', id: 18, method: 'GET', path: '/v1/Services' });
    (await next(17)).answer(200, {});
    expect((await alice.next('response')).type).toBe('response');
  });
  it('that wait for others of their conversation count to what the account may hold', async () => {
    const clients = await Promise.all(Array.from({ length: 6 }, () => world.connect(account, 'alice')));
    for (const client of clients) for (let id = 1; id <= 16; id++) client.send({ type: 'request', id, method: 'POST', path: `/v1/Conversations/${CH}/Messages`, body: { Body: 'x'.repeat(100_000) } });
    const refused = () => clients.flatMap(({ frames }) => frames.filter(({ status }) => status === 503)).length;
    await alice.until(() => refused() >= 96 - 82); // 8 MiB
    expect(asked.length).toBeLessThanOrEqual(6);
    let answered = 0;
    await alice.until(() => {
      for (; answered < asked.length; answered++) asked[answered]!.answer(201, {});
      return clients.flatMap(({ frames }) => frames.filter(({ type }) => type === 'response')).length === 96;
    });
  });
  it('whose answers nobody reads are held for no account beyond its part', async () => {
    // 80 answers, far beyond the account's 32 million characters, whatever of them the kernel takes.
    const clients = await Promise.all(Array.from({ length: 5 }, () => world.connect(account, 'alice')));
    const other = await world.account();
    const reader = await world.connect(other, 'bob');
    const sockets = () => Number(/^parley_realtime_sockets (\d+)/m.exec(metrics.expose())![1]);
    const before = sockets();
    for (const client of clients) {
      client.websocket.pause();
      for (let id = 1; id <= 16; id++) client.send({ type: 'request', id, method: 'GET', path: '/v1/Services' });
    }
    const page = { page: 'x'.repeat(1_000_000) };
    for (let answered = 0; answered < 80; answered++) (await next(answered + 1)).answer(200, page);
    reader.send({ type: 'request', id: 1, method: 'GET', path: '/v1/Services' });
    (await next(81)).answer(200, page);
    expect((await reader.next('response')).body).toEqual(page);
    await alice.until(() => sockets() < before);
    for (const client of clients) client.websocket.resume();
    await alice.until(() => clients.some(({ closed }) => closed !== undefined));
    // 1006: it was cut off before it read the close frame.
    for (const { closed } of clients) if (closed) expect([4008, 1006]).toContain(closed.code);
  });
  it('that the REST API refuses, or does not answer, say so', async () => {
    post(1);
    (await next(1)).answer(429, { code: 20429 }, { 'retry-after': '2' });
    expect(await alice.next('response')).toEqual({ type: 'response', id: 1, status: 429, body: { code: 20429 }, retry_after: 2 });
    post(2);
    (await next(2)).request.socket.destroy();
    expect(await alice.next('response')).toMatchObject({ id: 2, status: 503, body: { code: 20503 } });
    post(3);
    (await next(3)).answer(200, 'x'.repeat(1_100_000));
    expect(await alice.next('response')).toMatchObject({ id: 3, status: 413, body: { code: 20413 } });
  });
  it('that were not begun when the client went away are not made', async () => {
    post(1);
    post(2);
    const first = await next(1);
    alice.websocket.terminate();
    await alice.until(() => alice.closed !== undefined);
    const again = await world.connect(account, 'alice');
    first.answer(201, {});
    again.send({ type: 'request', id: 3, method: 'GET', path: '/v1/Services' });
    expect((await next(2)).request.method).toBe('GET');
    asked[1]!.answer(200, {});
    await again.next('response');
    expect(asked).toHaveLength(2);
  });

  it.each([
    [404, { method: 'GET', path: '/metrics' }], [404, { method: 'GET', path: '/v1/Conversations/%2e%2e/x' }], [405, { method: 'PUT', path: '/v1/Services' }],
    [405, { method: 'POST', path: `/v1/Services/IS${'0'.repeat(32)}/Media` }], [400, { method: 'GET', path: '/v1/Services', body: { PageSize: 1 } }],
  ])('that are no requests of the public API are answered %d here: %j', async (status, request) => {
    alice.send({ type: 'request', id: 1, ...request });
    expect(await alice.next('response')).toMatchObject({ id: 1, status, body: { code: expect.any(Number), message: expect.any(String), status } });
    expect(asked).toEqual([]);
  });
  it.each([
    {}, { method: 'PATCH' }, { method: 'get' }, { method: 7 }, { path: 7 }, { path: '' }, { path: 'x'.repeat(5_000) }, { body: 'x' }, { body: [] }, { idempotency_key: 'a\nb' }, { webhook_enabled: 'yes' },
  ])('that are no requests at all are refused: %j', async (changed) => {
    const whole = { type: 'request', id: 5, method: 'GET', path: '/v1/Services' };
    alice.send(Object.keys(changed).length > 0 ? { ...whole, ...changed } : { ...whole, id: undefined });
    expect(await alice.next('error')).toMatchObject({ code: 20001 });
    expect(asked).toEqual([]);
  });
  it('nested deeper than anybody writes do no harm', async () => {
    alice.send(`{"type":"request","id":1,"method":"POST","path":"/v1/Conversations","body":{"Attributes":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`);
    expect(await alice.next('response')).toMatchObject({ id: 1, status: 400 });
  });

  describe('read', () => {
    it('sets the horizon as REST does, and tells what is unread', async () => {
      alice.send({ type: 'read', id: 9, conversation: CH, index: 12 });
      const { request, body, answer } = await next(1);
      expect([request.method, request.url, body]).toEqual(['POST', `/v1/Services/${account.service}/Users/alice/Conversations/${CH}`, 'LastReadMessageIndex=12']);
      answer(200, { last_read_message_index: 12, unread_messages_count: 3 });
      expect(await alice.next('read')).toEqual({ type: 'read', id: 9, conversation: CH, index: 12, unread: 3 });
    });
    it('tells the code that REST refuses it with', async () => {
      alice.send({ type: 'read', id: 9, conversation: CH, index: 12 });
      (await next(1)).answer(404, { code: 20404, message: 'no' });
      expect(await alice.next('error')).toEqual({ type: 'error', id: 9, code: 20404, message: 'no', conversation: CH });
    });
    it('is for members', async () => {
      const backEnd = await world.connect(account);
      backEnd.send({ type: 'read', id: 9, conversation: CH, index: 12 });
      expect(await backEnd.next('error')).toMatchObject({ id: 9, code: 20001 });
    });
    it.each([{ index: -1 }, { index: 1.5 }, { index: '1' }, { index: 2_147_483_648 }, { conversation: 'x' }])('is checked: %j', async (changed) => {
      alice.send({ type: 'read', id: 9, conversation: CH, index: 1, ...changed });
      expect(await alice.next('error')).toMatchObject({ id: 9, code: 20001 });
    });
  });
});
