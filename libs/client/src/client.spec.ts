import { ParleyClient } from './client.js';
import { ClosedError, HandlerError, ParleyError, RefusedError, TimeoutError, TokenError } from './errors.js';
import type { ParleyClientOptions } from './options.js';
import { message, ScriptedServer, sid, until, type Asked } from './server.testing.js';

let server: ScriptedServer;
let clients: ParleyClient[];
beforeEach(async () => {
  server = await ScriptedServer.start();
  clients = [];
});
afterEach(async () => {
  for (const client of clients) client.close();
  await server.stop();
  expect(server.faults).toEqual([]);
});

function clientOf(options: Partial<ParleyClientOptions> = {}) {
  const client = new ParleyClient({ url: server.url, token: () => 'token', backoff: { firstMillis: 10, maxMillis: 20 }, framesPerSecond: 10_000, ...options });
  clients.push(client);
  const bodies: string[] = [];
  const ends: { code: number; retryInMillis: number | undefined }[] = [];
  client.on('onMessageAdded', ({ data }) => void bodies.push(data.body!));
  client.on('disconnected', (end) => void ends.push(end));
  return { client, bodies, ends };
}
const told = (client: ParleyClient, name: 'error' | 'closed') => new Promise<Error>((resolve) => client.on(name, resolve));

describe('a client', () => {
  it('says hello with its token, and subscribes to what it is asked before it is connected', async () => {
    const { client } = clientOf();
    expect(await client.subscribe([sid(1)], { from: { [sid(1)]: 7 } })).toEqual({ [sid(1)]: 7 });
    expect(server.asked).toMatchObject([{ type: 'hello', token: 'token' }, { type: 'subscribe', conversations: [sid(1)], from: { [sid(1)]: 7 } }]);
    expect(await client.connected()).toEqual({ accountSid: 'AC1', identity: 'alice', chatServiceSid: 'IS1', expiresAt: null });
  });

  it('hands out nothing twice and nothing late', async () => {
    const { client, bodies } = clientOf();
    await client.subscribe([sid(1)]);
    for (const position of [5, 6, 6, 4, 7]) server.tell(message(sid(1), position));
    server.tell(message(sid(2), 1)); // not asked for
    await until(() => bodies.includes('7'), 'the last');
    expect(bodies).toEqual(['5', '6', '7']);
    expect(client.positions()).toEqual({ [sid(1)]: 7 });
  });

  it('resumes more conversations than one frame may name, all of them last', async () => {
    const positions = Object.fromEntries(Array.from({ length: 2_300 }, (_, i) => [sid(i), i + 1]));
    const { client, bodies } = clientOf({ positions });
    server.answer = (frame, socket) => {
      if (frame.type === 'subscribe') socket.send(JSON.stringify(message(sid(2_299), 9_999, 'before its subscription is answered')));
      server.usual(frame, socket);
      if (frame.conversations === 'all') for (const position of [2_301, 9_999]) socket.send(JSON.stringify(message(sid(2_299), position)));
    };
    await client.subscribe('all');
    expect(server.of('subscribe').map(({ conversations, from }) => [conversations === 'all' ? 'all' : conversations!.length, Object.keys(from!).length])).toEqual([[1_000, 1_000], [1_000, 1_000], ['all', 300]]);
    await until(() => bodies.length === 2, 'both are there');
    expect(bodies).toEqual(['2301', '9999']);
  });

  it('asks for the beginning of conversations that appeared while it was away, unless it is told not to', async () => {
    server.answer = (frame, socket) => {
      if (frame.type !== 'subscribe') return server.usual(frame, socket);
      socket.send(JSON.stringify({ type: 'subscribed', id: frame.id, conversations: frame.conversations, positions: frame.conversations === 'all' ? { [sid(1)]: 4, [sid(2)]: 9 } : frame.from }));
      if (frame.conversations === 'all') socket.send(JSON.stringify(message(sid(2), 10, 'comes again')));
      else for (const position of [8, 10]) socket.send(JSON.stringify(message(sid(2), position)));
    };
    const { client, bodies } = clientOf({ positions: { [sid(1)]: 4 } });
    await client.subscribe('all');
    await until(() => bodies.length === 2, 'both are there');
    expect(bodies).toEqual(['8', '10']);
    expect(server.of('subscribe').at(-1)).toMatchObject({ conversations: [sid(2)], from: { [sid(2)]: 0 } });
    const fromNow = clientOf({ positions: { [sid(1)]: 4 }, newConversations: 'fromNow' });
    expect(await fromNow.client.subscribe('all')).toEqual({ [sid(1)]: 4, [sid(2)]: 9 });
  });

  it('tells what it may no longer see when it comes back', async () => {
    const { client } = clientOf({ positions: { [sid(1)]: 4, [sid(2)]: 5 } });
    const left: string[] = [];
    client.on('left', ({ conversation }) => void left.push(conversation));
    server.answer = (frame, socket) => {
      if (frame.type !== 'subscribe') return server.usual(frame, socket);
      socket.send(JSON.stringify({ type: 'subscribed', id: frame.id, conversations: 'all', positions: { [sid(1)]: 4 } }));
      socket.send(JSON.stringify({ type: 'error', id: frame.id, code: 20404, message: 'not there', conversations: [sid(2)] }));
    };
    await client.subscribe('all');
    expect([left, client.positions()]).toEqual([[sid(2)], { [sid(1)]: 4 }]);
  });

  it('does not take up again what it gave up', async () => {
    const { client, bodies } = clientOf();
    await client.subscribe([sid(1), sid(2)]);
    client.unsubscribe([sid(1)]);
    server.tell(message(sid(1), 5));
    server.tell(message(sid(2), 6));
    await until(() => bodies.length === 1, 'the other');
    server.close(1001);
    await until(() => server.of('subscribe').length === 2, 'it is back');
    expect([bodies, server.of('subscribe')[1]]).toMatchObject([['6'], { conversations: [sid(2)], from: { [sid(2)]: 6 } }]);
    const told = client.subscribe([sid(3)]);
    client.unsubscribe([sid(3)]); // before the server answers
    expect(await told).toEqual({});
    await client.request('GET', '/v1/Conversations');
    expect(Object.keys(client.positions())).toEqual([sid(2)]);
    await client.subscribe('all');
    expect(() => client.unsubscribe([sid(2)])).toThrow('unsubscribe from all');
  });
});

describe('a client that is sent away', () => {
  it.each([1001, 1006, 1011, 4001, 4008, 4010])('comes back after %i, from where it was', async (code) => {
    const { client, bodies, ends } = clientOf();
    await client.subscribe([sid(1)]);
    server.tell(message(sid(1), 5));
    await until(() => bodies.length === 1, 'the first');
    if (code === 1006) server.tell('{'); else server.close(code);
    await until(() => server.of('subscribe').length === 2, 'it is back');
    expect(server.of('subscribe')[1]).toMatchObject({ from: { [sid(1)]: 5 } });
    expect(ends).toMatchObject([{ code, retryInMillis: expect.any(Number) }]);
  });

  it.each([20429, 20503])('or whose subscription the server cannot take for the moment (%i) asks for all of it again, without a gap', async (code) => {
    const refused = (frame: Asked, socket: { send(data: string): void }) => socket.send(JSON.stringify({ type: 'error', id: frame.id, code, message: 'try again' }));
    server.answer = (frame, socket) => {
      if (frame.type !== 'subscribe') return server.usual(frame, socket);
      if (server.of('subscribe').length === 1) return refused(frame, socket);
      if (frame.conversations !== 'all') refused(frame, socket); // what appeared meanwhile, from its beginning
      else socket.send(JSON.stringify({ type: 'subscribed', id: frame.id, conversations: 'all', positions: { [sid(2)]: 3, ...frame.from } }));
      if (frame.from![sid(2)] === 0) for (const position of frame.conversations === 'all' ? [1, 2, 3, 9] : [9]) socket.send(JSON.stringify(message(sid(2), position)));
    };
    const { client, bodies, ends } = clientOf({ positions: { [sid(1)]: 4 } });
    await client.subscribe('all');
    await until(() => bodies.includes('9'), 'the last');
    expect([bodies, ends.length]).toEqual([['1', '2', '3', '9'], 2]);
    expect(server.of('subscribe').map(({ conversations, from }) => [conversations, from])).toEqual([
      ['all', { [sid(1)]: 4 }], ['all', { [sid(1)]: 4 }], [[sid(2)], { [sid(2)]: 0 }], ['all', { [sid(1)]: 4, [sid(2)]: 0 }],
    ]);
  });

  it('comes back later when it sent too much', async () => {
    const { client, ends } = clientOf();
    await client.connected();
    server.close(4029);
    await until(() => ends.length === 1, 'it is away');
    expect(ends[0]!.retryInMillis).toBeGreaterThanOrEqual(5_000);
  });

  it.each([1003, 4000, 4003, 4004])('stays away after %i and says so to everybody who waits', async (code) => {
    const { client } = clientOf();
    await client.connected();
    server.answer = () => {};
    const waiting = [client.subscribe('all'), client.request('GET', '/v1/Conversations')];
    const closed = told(client, 'closed');
    server.close(code);
    for (const each of waiting) await expect(each).rejects.toMatchObject({ name: 'ClosedError', code });
    expect(await closed).toBeInstanceOf(ClosedError);
    await expect(client.subscribe('all')).rejects.toMatchObject({ code });
    expect(server.connections).toBe(1);
  });

  it('finds out that a line is dead', async () => {
    server.heartbeatSeconds = 0.2;
    const pinged: unknown[] = [];
    server.answer = (frame, socket) => void (frame.type === 'ping' ? pinged.push(socket) : server.usual(frame, socket));
    const { client, ends } = clientOf();
    await client.connected();
    await until(() => ends.length === 1, 'it has noticed');
    expect(pinged.filter((socket) => socket === pinged[0]).length).toBe(1);
    await until(() => server.connections === 2, 'it is back');
  });
});

describe('tokens', () => {
  it('come from the provider for each connection, and when one is about to end', async () => {
    let count = 0;
    const { client } = clientOf({ token: async () => `token ${++count}` });
    await client.connected();
    server.tell({ type: 'token_expiring', expires_at: '2026-11-22T19:02:23Z' });
    await until(() => server.of('hello').length === 2, 'a new one');
    server.close(4001);
    await until(() => server.of('hello').length === 3, 'another one');
    expect(server.of('hello').map(({ token }) => token)).toEqual(['token 1', 'token 2', 'token 3']);
  });

  it('are asked for again when the provider fails', async () => {
    let count = 0;
    const provider = async () => {
      count += 1;
      if (count % 2 === 1) throw new Error('no network');
      return 'token';
    };
    const { client } = clientOf({ token: provider });
    expect(await told(client, 'error')).toBeInstanceOf(TokenError);
    await client.connected();
    server.tell({ type: 'token_expiring', expires_at: '2026-11-22T19:02:23Z' });
    expect(await told(client, 'error')).toMatchObject({ cause: new Error('no network') });
    await until(() => server.of('hello').length === 2, 'a new one');
    expect(server.connections).toBe(2);
  });

  it.each(['refused', 'taken'])('that are renewed while the one before is being %s are told as well', async (fate) => {
    const { client } = clientOf({ token: 'old' });
    server.answer = (frame, socket) => {
      if (frame.token !== 'old') return server.usual(frame, socket);
      client.updateToken('new');
      if (fate === 'taken') return server.usual(frame, socket);
      server.tell({ type: 'error', code: 20104, message: 'Access Token expired' });
      server.close(4001);
    };
    await until(() => server.of('hello').length === 2, 'the newer one');
    await client.connected();
    expect([server.of('hello').map(({ token }) => token), server.connections]).toEqual([['old', 'new'], fate === 'taken' ? 1 : 2]);
  });

  it('that are fixed are the application\'s to renew, and end the client', async () => {
    const { client } = clientOf({ token: 'first' });
    await client.connected();
    const expiring = new Promise((resolve) => client.on('tokenExpiring', resolve));
    server.tell({ type: 'token_expiring', expires_at: '2026-11-22T19:02:23Z' });
    expect(await expiring).toEqual({ expiresAt: '2026-11-22T19:02:23Z' });
    client.updateToken('second');
    await until(() => server.of('hello').length === 2, 'the new one');
    expect(server.of('hello')[1]!.token).toBe('second');
    const closed = told(client, 'closed');
    server.tell({ type: 'error', code: 20104, message: 'Access Token expired' });
    server.close(4001);
    expect(await closed).toMatchObject({ code: 4001, message: 'Access Token expired' });
  });
});

describe('an application', () => {
  it('that fails is told, and harms nothing', async () => {
    const { client, bodies } = clientOf();
    client.on('onMessageAdded', () => { throw new Error('at once'); });
    client.on('event', async () => { throw new Error('later'); });
    const errors: Error[] = [];
    client.on('error', (error) => void errors.push(error));
    await client.subscribe([sid(1)]);
    server.tell(message(sid(1), 5));
    server.tell(message(sid(1), 6));
    await until(() => bodies.length === 2 && errors.length === 4, 'both are handled');
    expect(errors.every((error) => error instanceof HandlerError)).toBe(true);
    expect(client.positions()).toEqual({ [sid(1)]: 6 });
  });

  it('that is slow holds up its own conversation only, and then the network', async () => {
    const { client, ends } = clientOf({ waitingMax: 10 });
    let free: () => void = () => {};
    const slow = new Promise<void>((resolve) => { free = resolve; });
    const handled: string[] = [];
    client.on('event', async ({ conversation, position }) => {
      if (conversation === sid(1)) await slow;
      handled.push(`${conversation === sid(1) ? 'slow' : 'fast'} ${position}`);
    });
    await client.subscribe([sid(1), sid(2)]);
    for (let position = 1; position <= 3; position++) for (const each of [sid(1), sid(2)]) server.tell(message(each, position));
    await until(() => handled.length === 3, 'the other is handled');
    expect(handled).toEqual(['fast 1', 'fast 2', 'fast 3']);
    expect(client.positions()).toEqual({ [sid(1)]: 0, [sid(2)]: 3 });
    for (let position = 4; position <= 20; position++) server.tell(message(sid(1), position));
    await until(() => ends.length === 1, 'it reads no more');
    expect(ends[0]!.retryInMillis).toBeUndefined();
    expect(server.connections).toBe(1);
    free();
    await until(() => server.of('subscribe').length === 2, 'it goes on');
    expect(server.of('subscribe')[1]!.from).toEqual({ [sid(1)]: 10, [sid(2)]: 3 });
    expect(handled.slice(3)).toEqual(Array.from({ length: 10 }, (_, i) => `slow ${i + 1}`));
  });
});

describe('requests', () => {
  it('are answered, or refused with the API\'s code', async () => {
    const { client } = clientOf();
    expect(await client.request('GET', '/v1/Conversations')).toEqual({ path: '/v1/Conversations' });
    expect(server.of('request')[0]!['idempotency_key']).toBeUndefined();
    server.answer = ({ id }, socket) => socket.send(JSON.stringify({
      type: 'response', id, status: 429, retry_after: 3, body: { code: 20429, message: 'Too many requests', status: 429, more_info: '' },
    }));
    const error = await client.request('POST', '/v1/Conversations').catch((error: unknown) => error);
    expect(error).toBeInstanceOf(RefusedError);
    expect(error).toMatchObject({ code: 20429, status: 429, retryAfterSeconds: 3, message: 'Too many requests' });
  });

  it('that a break swallowed are asked again in their order, with the same key', async () => {
    const { client } = clientOf();
    await client.connected();
    server.answer = (frame, socket) => { if (frame.type !== 'request') server.usual(frame, socket); };
    const all = Promise.all(Array.from({ length: 20 }, (_, i) => client.request('POST', `/v1/${i}`)));
    await until(() => server.of('request').length === 12, 'as many as may be in flight');
    const before = server.of('request');
    server.answer = (frame, socket) => server.usual(frame, socket);
    server.close(1011);
    expect(await all).toEqual(Array.from({ length: 20 }, (_, i) => ({ path: `/v1/${i}` })));
    const again = server.of('request').slice(12);
    expect(again.map(({ path }) => path)).toEqual(Array.from({ length: 20 }, (_, i) => `/v1/${i}`));
    const key = ({ idempotency_key }: Asked) => idempotency_key;
    expect(again.slice(0, 12).map(key)).toEqual(before.map(key));
    expect(new Set(again.map(key)).size).toBe(20);
  });

  it('that are not answered end by the clock; those that are too large are not sent', async () => {
    const { client } = clientOf();
    await client.connected();
    server.answer = () => {};
    expect(await client.request('GET', '/v1/Conversations', { timeoutMillis: 50 }).catch((error: unknown) => error)).toBeInstanceOf(TimeoutError);
    await expect(client.request('POST', '/v1/Conversations', { body: { Body: 'x'.repeat(131_072) } })).rejects.toThrow('131072 bytes');
    await until(() => server.of('request').length > 0, 'the first has come');
    expect(server.of('request').length).toBe(1);
  });

  it('and all other frames keep below what the server takes per second', async () => {
    const { client } = clientOf({ framesPerSecond: 20 });
    await client.connected();
    const startedAt = Date.now();
    await Promise.all(Array.from({ length: 40 }, (_, i) => client.request('GET', `/v1/${i}`)));
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(450); // 30 at once, 10 more at 20 a second
  });
});

describe('what is shown for a moment', () => {
  const typing = (seconds = 1) => server.tell({ type: 'typing', conversation: sid(1), identity: 'bob', expires_in_seconds: seconds });

  it('is who types, until he stops or says it', async () => {
    const { client } = clientOf();
    const seen: string[] = [];
    client.on('typing', ({ identity, typing }) => void seen.push(`${identity} ${typing ? 'types' : 'stopped'}`));
    client.on('onMessageAdded', ({ data }) => void seen.push(`${data.author} says ${data.body}`));
    await client.subscribe([sid(1)]);
    typing();
    typing();
    await until(() => seen.length === 2, 'his time is over');
    typing(60);
    server.tell(message(sid(1), 5, 'hello'));
    await until(() => seen.length === 5, 'he said it');
    expect(seen).toEqual(['bob types', 'bob stopped', 'bob types', 'bob stopped', 'bob says hello']);
  });

  it('is said every few seconds, and again after a message', async () => {
    const { client } = clientOf();
    await client.subscribe([sid(1)]);
    for (let letter = 0; letter < 20; letter++) client.conversation(sid(1)).typing();
    server.tell({ ...message(sid(1), 5), data: { author: 'alice', body: 'done' } });
    await until(() => client.positions()[sid(1)] === 5, 'it is said');
    for (let letter = 0; letter < 20; letter++) client.conversation(sid(1)).typing();
    await client.request('GET', '/v1/Conversations');
    expect(server.of('typing')).toEqual([{ type: 'typing', conversation: sid(1) }, { type: 'typing', conversation: sid(1) }]);
  });

  it('is asked of no more users than a frame holds: the line would end, again and again', async () => {
    const { client } = clientOf();
    await client.connected();
    client.watchPresence(['bob']);
    expect(() => client.watchPresence(Array.from({ length: 1_000 }, (_, n) => `${n}${'x'.repeat(200)}`))).toThrow(ParleyError);
    server.close(1001);
    await until(() => server.of('presence').length === 2, 'it is asked again');
    expect(server.of('presence').map(({ identities }) => identities)).toEqual([['bob'], ['bob']]);
  });

  it('is who is there, asked for again after a break and told when it changes', async () => {
    const { client } = clientOf();
    const seen: unknown[] = [];
    client.on('presence', (change) => void seen.push(change));
    await client.connected();
    client.watchPresence(['bob', 'carol', 'bob']);
    await until(() => server.of('presence').length === 1, 'it is asked');
    for (const [identity, online] of [['bob', true], ['carol', null], ['dave', true]]) server.tell({ type: 'presence', identity, online });
    server.close(1001);
    await until(() => server.of('presence').length === 2, 'it is asked again');
    for (const online of [true, false]) server.tell({ type: 'presence', identity: 'bob', online });
    await until(() => seen.length === 3, 'the change');
    expect(seen).toEqual([{ identity: 'bob', online: true }, { identity: 'carol', online: null }, { identity: 'bob', online: false }]);
    expect(server.of('presence').map(({ identities }) => identities)).toEqual([['bob', 'carol'], ['bob', 'carol']]);
  });
});
