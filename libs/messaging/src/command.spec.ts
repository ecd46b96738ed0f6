import { DomainError } from '@parley/domain/domain-error';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { remote } from './command-client.js';
import { serve } from './command-server.js';
import { Connection } from './connection.js';
import { PrivateNats, testNatsUrl, until } from './nats-server.testing.js';

type Echo = {
  echo(text: string): Promise<string>;
  nothing(): Promise<void>;
  count(first?: string, second?: string): Promise<unknown[]>;
  refuse(): Promise<void>;
  fail(): Promise<void>;
  hang(): Promise<void>;
};
/** Commands that hang until a spec lets them go. */
const hanging: Array<() => void> = [];
const release = () => hanging.splice(0).forEach((done) => done());
let calls = 0;
const echo: Echo = {
  echo: async (text) => { calls += 1; return text; },
  nothing: async () => {},
  count: async (...args) => args,
  refuse: async () => { throw new DomainError('address_pair_in_use', { conversationSid: 'CH1' }); },
  fail: async () => { throw new Error('a secret of the server'); },
  hang: () => new Promise<void>((resolve) => hanging.push(resolve)),
};
const failure = async (promise: Promise<unknown>): Promise<DomainError> => {
  try { await promise; } catch (error) { return error as DomainError; }
  throw new Error('nothing was thrown');
};
let names = 0;
const freshName = () => `echo${process.pid}x${names++}`;

describe('commands over NATS', () => {
  let connection: Connection;
  let other: Connection;
  beforeAll(async () => {
    connection = await Connection.open({ url: testNatsUrl(), name: 'client' });
    other = await Connection.open({ url: testNatsUrl(), name: 'server' });
  });
  afterAll(async () => { await connection.close(); await other.close(); });
  const started = async (options = {}) => {
    const name = freshName();
    const server = serve(other, name, echo);
    await other.nats.flush();
    return { name, server, client: remote<Echo>(connection, name, options) };
  };

  it('answer with the result, also with none', async () => {
    const { client } = await started();
    expect(await client.echo('grüß dich 👋')).toBe('grüß dich 👋');
    expect(await client.nothing()).toBeUndefined();
  });

  it('lack the arguments that were not given, so that what stands for them is the same as without NATS', async () => {
    const { client } = await started();
    expect(await client.count(undefined, undefined)).toEqual([]);
    expect(await client.count('a', undefined)).toEqual(['a']);
  });

  it('of one turn travel in few messages, both ways', async () => {
    const { client, name } = await started();
    const requests: number[] = [];
    other.nats.subscribe(`command.${name}`, { callback: (_, message) => void requests.push(message.json<{ calls: unknown[] }>().calls.length) });
    await other.nats.flush();
    const before = connection.nats.stats().inMsgs;
    const texts = Array.from({ length: 200 }, (_, i) => `text ${i}`);
    expect(await Promise.all(texts.map((text) => client.echo(text)))).toEqual(texts);
    expect(requests).toEqual([64, 64, 64, 8]);
    expect(connection.nats.stats().inMsgs - before).toBeLessThanOrEqual(8);
  });

  it('are cut by size too, and a large one travels alone', async () => {
    const { client } = await started();
    const texts = Array.from({ length: 8 }, (_, i) => String(i).repeat(100_000));
    expect(await Promise.all(texts.map((text) => client.echo(text)))).toEqual(texts);
  });

  it('carry a refusal with its code and details', async () => {
    const { client } = await started();
    const error = await failure(client.refuse());
    expect(error).toBeInstanceOf(DomainError);
    expect(error).toMatchObject({ code: 'address_pair_in_use', details: { conversationSid: 'CH1' } });
  });

  it('keep the reason of a failure at the server', async () => {
    const { client } = await started();
    const error = await failure(client.fail());
    expect(error).toMatchObject({ code: 'unavailable', details: {} });
    expect(JSON.stringify(error) + error.message).not.toContain('secret');
  });

  it.each(['constructor', 'toString', 'hasOwnProperty', 'missing'])('do not reach %s', async (method) => {
    const { name } = await started();
    const answers: unknown[] = [];
    const inbox = `_INBOX.${name}`;
    connection.nats.subscribe(`${inbox}.*`, { callback: (_, message) => void answers.push(message.json()) });
    connection.nats.publish(`command.${name}`, JSON.stringify({ until: Date.now() + 60_000, calls: [[1, method, []]] }), { reply: `${inbox}.1` });
    await until(() => answers.length > 0);
    expect(answers).toEqual([[[1, 'refused', 'unavailable', {}]]]);
  });

  it('end at their deadline', async () => {
    const { client } = await started({ deadlineMs: 150 });
    const since = Date.now();
    expect(await failure(client.hang())).toMatchObject({ code: 'unavailable' });
    expect(Date.now() - since).toBeLessThan(7_000);
    release();
  });

  it('fail at once when nobody answers', async () => {
    const since = Date.now();
    expect(await failure(remote<Echo>(connection, freshName()).echo('x'))).toMatchObject({ code: 'unavailable' });
    expect(Date.now() - since).toBeLessThan(7_000);
  });

  it('are refused when too many wait', async () => {
    const { client } = await started({ inFlightMax: 2 });
    const first = [client.echo('a'), client.echo('b')];
    expect(await failure(client.echo('c'))).toMatchObject({ code: 'overloaded' });
    expect(await Promise.all(first)).toEqual(['a', 'b']);
    expect(await client.echo('d')).toBe('d');
  });

  it('are dropped unheard when nobody waits for them any more', async () => {
    const { name, client } = await started();
    const before = calls;
    connection.nats.publish(`command.${name}`, JSON.stringify({ until: Date.now() - 60_000, calls: [[1, 'echo', ['x']]] }), { reply: '_INBOX.x.1' });
    await client.echo('y');
    expect(calls).toBe(before + 1);
  });

  it('survive what is not a batch', async () => {
    const { name, client } = await started();
    for (const bad of ['', '{', '[]', '{"calls":1}', '{"calls":[1]}', '{"calls":[null]}', 'null']) connection.nats.publish(`command.${name}`, bad, { reply: '_INBOX.x.1' });
    expect(await client.echo('still here')).toBe('still here');
  });

  it('are answered though somebody answers what is no answer', async () => {
    const { client, name } = await started();
    let inbox = '';
    other.nats.subscribe(`command.${name}`, { callback: (_, message) => { inbox = message.reply!.replace(/\.\d+$/, ''); } });
    await other.nats.flush();
    expect(await client.echo('first')).toBe('first');
    await until(() => inbox !== '');
    for (const bad of ['{', 'null', '[1]', '[null]', '{}']) other.nats.publish(`${inbox}.r`, bad);
    expect(await client.echo('still here')).toBe('still here');
  });

  it('in work are finished when the server closes', async () => {
    const { client, server, name } = await started();
    const answers = [client.hang(), client.hang()];
    await until(() => hanging.length === 2);
    const closing = server.close();
    release();
    await expect(Promise.all([...answers, closing])).resolves.toBeDefined();
    expect(await failure(remote<Echo>(connection, name).echo('x'))).toMatchObject({ code: 'unavailable' });
  });

  it('are shared among the servers of one name', async () => {
    const { client, name } = await started();
    let elsewhere = 0;
    serve(connection, name, { echo: async (text: string) => { elsewhere += 1; return text; } });
    await connection.nats.flush();
    for (let i = 0; i < 40; i++) expect(await client.echo(`${i}`)).toBe(`${i}`);
    expect(elsewhere).toBeGreaterThan(0);
    expect(elsewhere).toBeLessThan(40);
  });

  it('leave alone what await and Nest ask of any object', async () => {
    const client = remote<Echo>(connection, freshName()) as unknown as Record<string, unknown>;
    expect(await client).toBe(client);
    expect([client.then, client.onModuleInit, client.beforeApplicationShutdown, client.toJSON]).toEqual(Array(4).fill(undefined));
    expect(String(client)).toBe('[object Object]');
  });
});

describe('commands while the server restarts', () => {
  it('end as unavailable, and work again afterwards without help', async () => {
    const nats = await PrivateNats.start();
    const connection = await Connection.open({ url: nats.url, name: 'spec' });
    try {
      serve(connection, 'echo', echo);
      const client = remote<Echo>(connection, 'echo');
      expect(await client.echo('before')).toBe('before');
      const underWay = failure(client.hang());
      await until(async () => (await client.echo('x')) === 'x');
      await nats.kill();
      expect(await underWay).toMatchObject({ code: 'unavailable' });
      const since = Date.now();
      expect(await failure(client.echo('while down'))).toMatchObject({ code: 'unavailable' });
      expect(Date.now() - since).toBeLessThan(7_000);
      await nats.run();
      await until(() => client.echo('after').then((text) => text === 'after', () => false));
      expect(connection.connected).toBe(true);
    } finally {
      release();
      await connection.close();
      await nats.remove();
    }
  });

  it('go on after a server that stopped to answer, though what was sent is still on its way', async () => {
    const nats = await PrivateNats.start();
    const connection = await Connection.open({ url: nats.url, name: 'spec', pingMs: 200 });
    try {
      serve(connection, 'echo', echo);
      const client = remote<Echo>(connection, 'echo');
      expect(await client.echo('before')).toBe('before');
      nats.freeze();
      for (let i = 0; i < 40; i++) connection.nats.publish('elsewhere', 'x'.repeat(1_000_000)); // more than the system takes off our hands
      await until(() => !connection.connected);
      await nats.kill();
      await nats.run();
      await until(() => client.echo('after').then((text) => text === 'after', () => false));
    } finally {
      await connection.close();
      await nats.remove();
    }
  });

  it('are forgotten when they were refused, however long the server stays away', async () => {
    const nats = await PrivateNats.start();
    const connection = await Connection.open({ url: nats.url, name: 'spec' });
    try {
      const client = remote<Echo>(connection, 'echo');
      await nats.kill();
      await until(() => !connection.connected);
      setFlagsFromString('--expose-gc');
      const collect = runInNewContext('gc') as () => void;
      collect();
      const before = process.memoryUsage().heapUsed;
      const refused = await Promise.all(Array.from({ length: 30 }, (_, i) => failure(client.echo(String(i % 10).repeat(2_000_000)))));
      expect(refused.map(({ code }) => code)).toEqual(Array(30).fill('unavailable'));
      collect();
      expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000); // 60 MB were given
    } finally {
      await connection.close();
      await nats.remove();
    }
  });

  it('a server that is not there is named in the error', async () => {
    await expect(Connection.open({ url: 'nats://user:secret@127.0.0.1:1', name: 'spec', firstConnectMs: 200 }))
      .rejects.toThrow(/^cannot connect to NATS at 127\.0\.0\.1:1: /);
  });
});
