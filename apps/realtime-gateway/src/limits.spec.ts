import { connect, type Socket } from 'node:net';
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { metrics } from '@parley/telemetry/metrics';
import { basic, RealtimeWorld, type TestAccount } from './realtime.testing.js';

describe('/v1/stream at its limits', () => {
  let world: RealtimeWorld;
  let account: TestAccount;
  beforeAll(async () => {
    world = await RealtimeWorld.open({
      lagBytesMax: 65_536, socketsPerAccountMax: 3, subscriptionsPerSocketMax: 5, unauthenticatedMax: 4, framesPerSecond: 50,
    });
  });
  afterAll(() => world.close());
  beforeEach(async () => { account = await world.account(); });
  const ended = async (frame: string | Buffer) => {
    const client = await world.connect(account, 'alice');
    client.websocket.send(frame);
    await client.until(() => client.closed !== undefined);
    return client;
  };

  it.each(['', '{', 'null', '[]', '"x"', '{}', '{"type":7}', '{"type":"ping","id":{}}', '{"type":"hello"}', `{"type":"ping","id":"${'x'.repeat(99)}"}`])(
    'closes with 4000 for the malformed frame %j', async (frame) => {
      const client = await ended(frame);
      expect(client.closed!.code).toBe(4000);
      expect(client.frames.at(-1)).toMatchObject({ type: 'error', code: 20001 });
    });
  it('counts the conversations a member is in, not those he was in', async () => {
    const client = await world.connect(account, 'alice');
    await client.subscribe();
    for (let n = 0; n < 7; n++) {
      const sid = await world.conversation(account, [], account.service);
      await world.leave(account, sid, await world.join(account, sid, 'alice'));
    }
    await world.say(account, await world.conversation(account, ['alice']), 'still told');
    await client.until(() => client.bodies().length > 0 || client.frames.some(({ type }) => type === 'error'));
    expect(client.frames.filter(({ type }) => type === 'error')).toEqual([]);
    expect(client.events.filter(({ event }) => event === 'onParticipantRemoved')).toHaveLength(7);
  });
  it('closes with 4004 for a frame it does not know', async () => expect((await ended('{"type":"publish"}')).closed!.code).toBe(4004));
  it('closes with 1003 for binary', async () => expect((await ended(Buffer.from('{"type":"ping"}'))).closed!.code).toBe(1003));
  it('closes with 1009 for more than 128 KiB', async () =>
    expect((await ended(`{"type":"ping","x":"${'x'.repeat(131_072)}"}`)).closed!.code).toBe(1009));

  it.each([
    { conversations: 'some' }, { conversations: [] }, { conversations: ['x'] }, { conversations: [7] }, { conversations: {} }, {},
    { conversations: 'all', from: [] }, { conversations: 'all', from: { x: 1 } }, { conversations: 'all', from: { [`CH${'0'.repeat(32)}`]: -1 } },
    { conversations: 'all', from: { [`CH${'0'.repeat(32)}`]: '5' } }, { conversations: Array.from({ length: 1_001 }, () => `CH${'0'.repeat(32)}`) },
  ])('refuses the subscription %j and stays open', async (subscription) => {
    const client = await world.connect(account, 'alice');
    client.send({ type: 'subscribe', id: 7, ...subscription });
    expect(await client.next('error')).toMatchObject({ id: 7, code: 20001 });
    client.send({ type: 'ping' });
    await client.next('pong');
    client.websocket.terminate();
  });

  it('survives what is no websocket protocol at all', async () => {
    const raw = async (afterUpgrade: Buffer, last = false): Promise<Socket> => {
      const { port } = world.server.address() as { port: number };
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(`GET /v1/stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n`
        + `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nAuthorization: ${basic(account.sid, account.token).authorization}\r\n\r\n`);
      await new Promise((resolve) => socket.once('data', resolve));
      if (last) socket.end(afterUpgrade);
      else socket.write(afterUpgrade);
      await new Promise((resolve) => { socket.once('close', resolve); socket.resume(); });
      return socket;
    };
    for (const bytes of [
      [0x81, 0x05, 1, 2, 3, 4, 5], // not masked
      [0xff, 0x80, 0, 0, 0, 0], // reserved bits
      [0x83, 0x80, 0, 0, 0, 0], // reserved opcode
      [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], // 2^64 bytes
      [0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28], // not UTF-8
      [0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0], // a ping of 256 bytes
    ]) await raw(Buffer.from(bytes));
    for (let round = 0; round < 40; round++) {
      const noise = randomBytes(1 + (round * 37) % 400);
      noise[0] = 0x88 | noise[0]!; // close, or reserved bits; what asks for more than comes ends with the connection
      await raw(noise, true);
    }
    const client = await world.connect(await world.account());
    client.send({ type: 'ping' });
    await client.next('pong');
  });

  it('closes with 4029 who sends too many frames', async () => {
    const client = await world.connect(account, 'alice');
    for (let n = 0; n < 200; n++) client.send({ type: 'ping' });
    await client.until(() => client.closed !== undefined);
    expect(client.closed!.code).toBe(4029);
  });

  it('closes with 4029 who sends more than 1 MiB ahead of what is worked on', async () => {
    const database = await world.database.pool.connect();
    try {
      await database.query('begin');
      await database.query('lock table log.shard in access exclusive mode'); // nobody can subscribe
      const client = await world.connect(account, 'alice');
      const frame = JSON.stringify({ type: 'subscribe', conversations: 'all', x: 'x'.repeat(130_000) });
      for (let n = 0; n < 10; n++) client.send(frame);
      await client.until(() => client.closed !== undefined);
      expect(client.closed!.code).toBe(4029);
    } finally {
      await database.query('rollback');
      database.release();
    }
  });

  it('admits so many sockets per account, and again when one goes', async () => {
    const clients = await Promise.all([1, 2, 3].map(() => world.connect(account, 'alice')));
    const fourth = world.client('', basic(account.sid, account.token));
    await fourth.until(() => fourth.closed !== undefined);
    expect(fourth.closed!.code).toBe(4029);
    expect(fourth.frames).toMatchObject([{ type: 'error', code: 20429 }]);
    await (await world.connect(await world.account())).subscribe(); // others are not touched
    clients[0]!.websocket.close();
    await clients[0]!.until(() => clients[0]!.closed !== undefined);
    await world.connect(account, 'alice');
  });

  it('refuses further sockets while too many have not said who they are', async () => {
    const silent = [1, 2, 3, 4].map(() => world.client());
    for (const client of silent) await client.until(() => client.websocket.readyState === client.websocket.OPEN);
    const fifth = world.client();
    await fifth.until(() => fifth.refused !== undefined);
    expect(fifth.refused!.status).toBe(503);
    for (const client of silent) { client.websocket.close(); await client.until(() => client.closed !== undefined); }
  });

  it('refuses more conversations than one socket may have', async () => {
    for (let n = 0; n < 6; n++) await world.conversation(account, ['alice']);
    const alice = await world.connect(account, 'alice');
    alice.send({ type: 'subscribe', conversations: 'all' });
    expect(await alice.next('error')).toMatchObject({ code: 20001 });
  });

  it('keeps a quiet client that answers pings, ends one that does not', async () => {
    const own = await RealtimeWorld.open({ heartbeatMillis: 800 }); // silence of 2 s: on a busy machine who answers must not seem dead
    const member = await own.account();
    const [quiet, dead] = [await own.connect(member, 'alice'), await own.connect(member, 'bob')];
    dead.websocket.pong = () => {};
    (dead.websocket as unknown as { _autoPong: boolean })._autoPong = false;
    await dead.until(() => dead.closed !== undefined);
    expect(dead.closed!.code).toBe(4010);
    quiet.send({ type: 'ping' });
    await quiet.next('pong');
    await own.close();
  });

  it('ends the sockets of a suspended account and of a deleted key, and no others', async () => {
    const own = await RealtimeWorld.open({ recheckMillis: 100 });
    const [one, two, three] = [await own.account(), await own.account(), await own.account()];
    const [suspended, byKey, other] = [await own.connect(one), await own.connect(two, 'alice'), await own.connect(three, 'alice')];
    const byToken = await own.connect(two);
    await own.database.pool.query(`update registry.account set status = 'suspended' where sid = $1`, [one.sid]);
    await own.database.pool.query('delete from registry.api_key where sid = $1', [two.keySid]);
    // What the accounts remember for 10 s, so that the spec need not wait for it.
    for (const cache of ['accounts', 'keys']) (own.accounts as unknown as Record<string, Map<string, unknown>>)[cache]!.clear();
    for (const client of [suspended, byKey]) {
      await client.until(() => client.closed !== undefined);
      expect(client.closed!.code).toBe(4003);
    }
    for (const client of [byToken, other]) {
      client.send({ type: 'ping' });
      await client.next('pong');
    }
    await own.close();
  });

  it('ends the sockets that came with an auth token once it was rotated away, and no others', async () => {
    const own = await RealtimeWorld.open({ recheckMillis: 100 });
    const account = await own.account();
    const [primary, next] = [await own.connect(account), 'f'.repeat(32)];
    const { pool, box } = own.database;
    await pool.query('update registry.account set secondary_auth_token = $2, secondary_created_at = now() where sid = $1', [account.sid, box.seal(next)]);
    own.accounts.drop(account.sid); // as a change tells every process
    const secondary = own.client('', basic(account.sid, next));
    const [asMember, byKey, byToken] = [
      own.client('?identity=bob', basic(account.sid, account.token)), own.client('', basic(account.keySid, account.keySecret)), await own.connect(account, 'alice'),
    ];
    for (const client of [secondary, asMember, byKey]) await client.next('ready');
    await pool.query('update registry.account set auth_token = secondary_auth_token, secondary_auth_token = null, secondary_created_at = null where sid = $1', [account.sid]);
    own.accounts.drop(account.sid);
    for (const client of [primary, asMember]) {
      await client.until(() => client.closed !== undefined);
      expect(client.closed!.code).toBe(4003);
    }
    for (const client of [secondary, byKey, byToken]) {
      client.send({ type: 'ping' });
      await client.next('pong');
    }
    await own.close();
  });

  it('tells everybody to come back when it stops', async () => {
    const own = await RealtimeWorld.open();
    const client = await own.connect(await own.account());
    await own.closeRealtime();
    await client.until(() => client.closed !== undefined);
    expect(client.frames.at(-1)).toMatchObject({ type: 'closing' });
    expect(client.closed!.code).toBe(1001);
    await own.close();
  });
});

describe('a client that reads too slowly', () => {
  it('is sent away with 4008, delays nobody, and resumes without a gap', async () => {
    const world = await RealtimeWorld.open({ lagBytesMax: 65_536 });
    try {
      const account = await world.account();
      const sid = await world.conversation(account, ['alice', 'bob']);
      const [alice, bob] = [await world.connect(account, 'alice'), await world.connect(account, 'bob')];
      await Promise.all([alice.subscribe(), bob.subscribe()]);
      alice.websocket.pause();
      const body = 'x'.repeat(30_000);
      let sent = 0;
      // The kernel's buffers take some megabytes before the backlog shows; then the socket is cut off within 2 s.
      while ((await connectionsOf(world)) === 2) {
        await Promise.all(Array.from({ length: 20 }, (_, n) => world.say(account, sid, `${sent + n} ${body}`)));
        sent += 20;
        await bob.until(() => bob.bodies().length === sent);
      }
      alice.websocket.resume();
      await alice.until(() => alice.closed !== undefined);
      const before = alice.bodies();
      expect(before.length).toBeLessThan(sent);
      const again = await world.connect(account, 'alice');
      await again.subscribe('all', { [sid]: alice.events.at(-1)!.position });
      await again.until(() => before.length + again.bodies().length >= sent);
      expect([...before, ...again.bodies()]).toEqual(bob.bodies());
    } finally {
      await world.close();
    }
  });

  it('is told so when it reads again in time', async () => {
    const world = await RealtimeWorld.open({ lagBytesMax: 65_536 });
    try {
      const account = await world.account();
      const sid = await world.conversation(account, ['alice']);
      const alice = await world.connect(account, 'alice');
      await alice.subscribe();
      alice.websocket.pause();
      const lagged = () => Number(/parley_realtime_lagged_total (\d+)/.exec(metrics.expose())?.[1] ?? 0);
      const until = lagged() + 1;
      let told = false;
      const talking = (async () => { while (!told) await Promise.all(Array.from({ length: 20 }, (_, n) => world.say(account, sid, `${n} ${'x'.repeat(30_000)}`))); })();
      while (lagged() < until) await pause(5);
      alice.websocket.resume(); // at once: who does not read within 2 s is cut off
      told = true;
      await talking;
      await alice.until(() => alice.closed !== undefined);
      expect(alice.frames.at(-1)).toMatchObject({ type: 'lagged' });
      expect(alice.closed!.code).toBe(4008);
    } finally {
      await world.close();
    }
  });
});

const connectionsOf = (world: RealtimeWorld) =>
  new Promise<number>((resolve) => world.server.getConnections((_, count) => resolve(count)));
