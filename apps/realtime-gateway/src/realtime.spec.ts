import { connect, type Socket } from 'node:net';
import { basic, type Client, RealtimeWorld, type TestAccount } from './realtime.testing.js';

const count = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `m${from + i}`);

describe('/v1/stream', () => {
  let world: RealtimeWorld;
  let account: TestAccount;
  beforeAll(async () => { world = await RealtimeWorld.open(); });
  afterAll(() => world.close());
  beforeEach(async () => { account = await world.account(); });
  const say = async (sid: string, bodies: string[]) => { for (const body of bodies) await world.say(account, sid, body); };

  describe('who may come in', () => {
    it('the account by Basic, as an observer', async () => {
      const client = world.client('', basic(account.sid, account.token));
      expect(await client.next('ready')).toMatchObject({ account_sid: account.sid, identity: null, expires_at: null });
    });
    it('an API key by Basic, as a chat member', async () => {
      const client = world.client('?identity=alice', basic(account.keySid, account.keySecret));
      expect(await client.next('ready')).toMatchObject({ account_sid: account.sid, identity: 'alice', chat_service_sid: account.service });
    });
    it('a member by token in the address, also with a numeric identity', async () => {
      const client = world.client(`?token=${await world.token(account, { identity: 42 })}`);
      expect(await client.next('ready')).toMatchObject({ identity: '42', chat_service_sid: account.service, expires_at: expect.any(String) });
    });
    it('a member by token in the first frame', async () => {
      const client = world.client();
      await client.until(() => client.websocket.readyState === client.websocket.OPEN);
      client.send({ type: 'hello', id: 1, token: await world.token(account) });
      expect(await client.next('ready')).toMatchObject({ identity: 'alice' });
    });

    it.each([
      ['a wrong password', () => basic(account.sid, 'x')], ['an unknown account', () => basic(`AC${'0'.repeat(32)}`, 'x')],
      ['no Basic at all', () => ({ authorization: 'Bearer x' })], ['rubbish', () => ({ authorization: 'Basic ###' })],
    ])('but not with %s: 401', async (_, headers) => {
      const client = world.client('', headers());
      await client.until(() => client.refused !== undefined);
      expect(client.refused!.status).toBe(401);
      expect(JSON.parse(client.refused!.body)).toMatchObject({ code: 20003, status: 401 });
    });
    it('but not a page of another origin with the browser\'s credentials: 403', async () => {
      const client = world.client('', { ...basic(account.sid, account.token), origin: 'https://evil.example' });
      await client.until(() => client.refused !== undefined);
      expect(client.refused!.status).toBe(403);
    });
    it('but not a suspended account', async () => {
      await world.database.pool.query(`update registry.account set status = 'suspended' where sid = $1`, [account.sid]);
      const client = world.client('', basic(account.sid, account.token));
      await client.until(() => client.refused !== undefined);
      expect(client.refused).toMatchObject({ status: 403, body: expect.stringContaining('20005') });
    });

    it.each<[number, string, (other: TestAccount) => Promise<string> | string]>([
      [20101, 'rubbish', () => 'x.y.z'],
      [20101, 'white space after it', async () => `${await world.token(account)}%0A`],
      [20102, 'another algorithm', () => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{}').toString('base64url')}.`],
      [20102, 'another content type', () => world.token(account, { header: { cty: 'other' } })],
      [20102, 'something critical', async () =>
        `${Buffer.from('{"alg":"HS256","crit":["exp"]}').toString('base64url')}.${(await world.token(account)).split('.').slice(1).join('.')}`],
      [20101, 'a beginning that is no time', () => world.token(account, { claims: { nbf: 'tomorrow' } })],
      [20107, 'half a signature', async () => (await world.token(account)).slice(0, -20)],
      [20107, 'another payload', async () => {
        const [header, payload, signature] = (await world.token(account)).split('.');
        const claims = { ...JSON.parse(Buffer.from(payload!, 'base64url').toString()), jti: 'other' };
        return `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
      }],
      [20103, 'a key of another account', (other) => world.token(account, { claims: { iss: other.keySid }, secret: other.keySecret })],
      [20103, 'an unknown key', () => world.token(account, { claims: { iss: `SK${'0'.repeat(32)}` } })],
      [20104, 'an end in the past', () => world.token(account, { seconds: -60 })],
      [20104, 'no end', () => world.token(account, { claims: { exp: undefined } })],
      [20105, 'a beginning in the future', () => world.token(account, { claims: { nbf: Math.floor(Date.now() / 1000) + 600 } })],
      [20106, 'no grants', () => world.token(account, { claims: { grants: undefined } })],
      [20107, 'another secret', (other) => world.token(account, { secret: other.keySecret })],
      [20157, 'too long a life', () => world.token(account, { seconds: 90_000 })],
      [20157, 'a life that has yet to begin', () => world.token(account, { claims: { iat: Math.floor(Date.now() / 1000) + 86_400 }, seconds: 2 * 86_400 })],
      [51102, 'no chat service', () => world.token(account, { claims: { grants: { identity: 'alice' } } })],
      [51105, 'no identity', () => world.token(account, { identity: '' })], [51105, 'half a character', () => world.token(account, { identity: '\ud800' })],
    ])('but not a token with %s for %s', async (code, _, make) => {
      const client = world.client(`?token=${await make(await world.account())}`);
      expect(await client.next('error')).toMatchObject({ code });
      await client.until(() => client.closed !== undefined);
      expect(client.closed!.code).toBe(4001);
    });

    it('who does not say hello in time is closed with 4010', async () => {
      const own = await RealtimeWorld.open({ helloMillis: 200 });
      const client = own.client();
      await client.until(() => client.closed !== undefined);
      expect(client.closed!.code).toBe(4010);
      await own.close();
    });
    it('who subscribes before hello is closed with 4001', async () => {
      const client = world.client();
      await client.until(() => client.websocket.readyState === client.websocket.OPEN);
      client.send({ type: 'subscribe', conversations: 'all' });
      expect(await client.next('error')).toMatchObject({ code: 20003 });
      await client.until(() => client.closed !== undefined);
      expect(client.closed!.code).toBe(4001);
    });
    it('a token ends the socket when it ends, unless a new one comes in time', async () => {
      // Told within a second that it ends, it has more than three to renew it.
      const ends = world.client(`?token=${await world.token(account, { seconds: 6 })}`);
      const renewed = world.client(`?token=${await world.token(account, { seconds: 6 })}`);
      await renewed.next('token_expiring');
      renewed.send({ type: 'hello', token: await world.token(account, { identity: 'mallory' }) });
      expect(await renewed.next('error')).toMatchObject({ code: 20001 });
      renewed.send({ type: 'hello', token: await world.token(account) });
      await renewed.next('ready');
      await ends.until(() => ends.closed !== undefined);
      expect(ends.frames.at(-1)).toMatchObject({ type: 'error', code: 20104 });
      expect(ends.closed!.code).toBe(4001);
      renewed.send({ type: 'ping', id: 'still here' });
      expect(await renewed.next('pong')).toMatchObject({ id: 'still here' });
    });
    it('another path is 404', async () => {
      const { WebSocket } = await import('ws');
      const other = new WebSocket(world.url.replace('/v1/stream', '/v1/other'));
      const status = await new Promise((resolve) => other.on('unexpected-response', (_, response) => resolve(response.statusCode)));
      expect(status).toBe(404);
    });
    it.each(['/v1/stream', '/v1/other'])('who resets an upgrade to %s ends nobody but himself', async (path) => {
      const accepted = new Promise<Socket>((resolve) => world.server.once('connection', resolve));
      const client = connect(Number(new URL(world.url).port), '127.0.0.1');
      client.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
      await new Promise((answered) => client.once('data', answered));
      const socket = await accepted;
      expect(socket.emit('error', new Error('read ECONNRESET'))).toBe(true); // without a listener this throws
      client.destroy();
    });
    it('an identity with a NUL is 400', async () => {
      const { sid, token } = await world.account();
      const client = world.client('?identity=%00', basic(sid, token));
      await client.until(() => client.refused !== undefined);
      expect(client.refused).toMatchObject({ status: 400, body: expect.stringContaining('20001') });
    });
  });

  describe('live', () => {
    it('a member of everything gets what is said where he is, in order, as documented', async () => {
      const sid = await world.conversation(account, ['alice', 'bob']);
      const elsewhere = await world.conversation(account, ['bob']);
      const alice = await world.connect(account, 'alice');
      const { positions } = await alice.subscribe();
      expect(Object.keys(positions)).toEqual([sid]);
      await say(elsewhere, ['not for her']);
      await say(sid, count(1, 20));
      await alice.until(() => alice.bodies().length === 20);
      expect(alice.bodies()).toEqual(count(1, 20));
      expect(alice.events.map((f) => f.position)).toEqual([...alice.events.map((f) => f.position)].sort((a, b) => a - b));
      expect(alice.events[0]).toEqual({
        type: 'event', conversation: sid, position: expect.any(Number), version: 4, time: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
        event: 'onMessageAdded',
        data: {
          account_sid: account.sid, conversation_sid: sid, sid: expect.stringMatching(/^IM/), index: 0, author: 'system', body: 'm1', media: null,
          attributes: '{}', participant_sid: null, content_sid: null, date_created: expect.stringMatching(/:\d\dZ$/),
          date_updated: expect.stringMatching(/:\d\dZ$/),
        },
      });
    });

    it('a join takes effect with its own event, a leave after its own', async () => {
      const sid = await world.conversation(account, ['bob']);
      const alice = await world.connect(account, 'alice');
      await alice.subscribe();
      await say(sid, ['before']);
      const first = await world.join(account, sid, 'alice');
      await say(sid, ['inside']);
      await world.leave(account, sid, first);
      await say(sid, ['after']);
      const second = await world.join(account, sid, 'alice');
      await say(sid, ['again']);
      await alice.until(() => alice.bodies().includes('again'));
      expect(alice.events.map((f) => [f.event, f.data.body ?? f.data.sid])).toEqual([
        ['onParticipantAdded', first], ['onMessageAdded', 'inside'], ['onParticipantRemoved', first],
        ['onParticipantAdded', second], ['onMessageAdded', 'again'],
      ]);
    });

    it('a join to a conversation the gateway has not heard of is found too', async () => {
      const sid = await world.conversation(account, ['bob']);
      const other = await RealtimeWorldTwin.of(world); // another gateway, started after the conversation was made
      const alice = await other.connect(account, 'alice');
      await alice.subscribe();
      await world.join(account, sid, 'alice');
      await say(sid, count(1, 3));
      await alice.until(() => alice.bodies().length === 3);
      expect(alice.events.map((f) => f.event)).toEqual(['onParticipantAdded', 'onMessageAdded', 'onMessageAdded', 'onMessageAdded']);
      await other.close();
    });

    it('a member sees the conversations of his chat service only', async () => {
      const otherService = `IS${'5'.repeat(32)}`;
      const foreign = await world.conversation(account, ['alice'], otherService);
      const alice = await world.connect(account, 'alice');
      expect((await alice.subscribe()).positions).toEqual({});
      const later = await world.conversation(account, [], otherService);
      await world.join(account, later, 'alice');
      await say(foreign, ['x']);
      await say(later, ['x']);
      const mine = await world.conversation(account, ['alice']);
      await say(mine, ['mine']);
      await alice.until(() => alice.bodies().length > 0);
      expect(new Set(alice.events.map((f) => f.conversation))).toEqual(new Set([mine]));
    });

    it('an observer of the account gets everything of it', async () => {
      const observer = await world.connect(account);
      await observer.subscribe();
      const sid = await world.conversation(account, ['alice']);
      await say(sid, count(1, 3));
      await world.do(account, sid, { type: 'UpdateConversation', data: { friendlyName: 'Lunch', state: 'inactive', now: new Date().toISOString() } });
      await world.do(account, sid, { type: 'DeleteConversation', data: { now: new Date().toISOString() } });
      await observer.until(() => observer.events.at(-1)?.event === 'onConversationRemoved');
      expect(observer.events.map((f) => f.event)).toEqual([
        'onConversationAdded', 'onParticipantAdded', 'onMessageAdded', 'onMessageAdded', 'onMessageAdded', 'onConversationUpdated',
        'onConversationStateUpdated', 'onConversationRemoved',
      ]);
      expect(observer.events[0]!.data).toMatchObject({ sid, chat_service_sid: account.service, state: 'active', timers: {} });
      expect(observer.events[5]!.data).toEqual({
        account_sid: account.sid, conversation_sid: sid, friendly_name: 'Lunch', date_updated: expect.any(String),
      });
    });

    it('some conversations: those and no others, until unsubscribed', async () => {
      const [one, two] = [await world.conversation(account, ['alice']), await world.conversation(account, ['alice'])];
      const alice = await world.connect(account, 'alice');
      expect(Object.keys((await alice.subscribe([one])).positions)).toEqual([one]);
      await say(two, ['not asked for']);
      await say(one, ['a']);
      await alice.until(() => alice.bodies().length === 1);
      await alice.subscribe([two]);
      alice.send({ type: 'unsubscribe', conversations: [one] });
      await alice.next('unsubscribed');
      await say(one, ['no more']);
      await say(two, ['b']);
      await alice.until(() => alice.bodies().length === 2);
      expect(alice.bodies()).toEqual(['a', 'b']);
    });

    it('unsubscribed from all, nothing comes, joins neither', async () => {
      const sid = await world.conversation(account, ['alice', 'bob']);
      const [alice, bob] = [await world.connect(account, 'alice'), await world.connect(account, 'bob')];
      await Promise.all([alice.subscribe(), bob.subscribe()]);
      alice.send({ type: 'unsubscribe', conversations: 'all' });
      await alice.next('unsubscribed');
      const fresh = await world.conversation(account, ['alice', 'bob']);
      await say(sid, ['x']);
      await say(fresh, ['y']);
      await bob.until(() => bob.bodies().length === 2);
      alice.send({ type: 'ping' });
      await alice.next('pong');
      expect(alice.events).toEqual([]);
    });
  });

  describe('walls', () => {
    it('another account gets nothing, whatever it asks for', async () => {
      const sid = await world.conversation(account, ['alice']);
      const stranger = await world.account();
      const observer = await world.connect(stranger);
      const alice = await world.connect(stranger, 'alice');
      for (const client of [observer, alice]) {
        expect(await client.subscribe([sid], { [sid]: 0 })).toMatchObject({ positions: {} });
        expect(await client.next('error')).toMatchObject({ code: 20404, conversations: [sid] });
        await client.subscribe('all', { [sid]: 0 });
        expect(await client.next('error')).toMatchObject({ code: 20404, conversations: [sid] });
      }
      const own = await world.conversation(stranger, ['alice']);
      await say(sid, ['secret']);
      await world.join(account, sid, 'bob');
      await world.say(stranger, own, 'mine');
      for (const client of [observer, alice]) {
        await client.until(() => client.bodies().length > 0);
        expect(client.frames.filter((f) => JSON.stringify(f).includes('secret') || f.conversation === sid)).toEqual([]);
      }
    });
    it('who is not a member, or no longer, gets nothing', async () => {
      const sid = await world.conversation(account, ['bob']);
      const alice = await world.join(account, sid, 'alice');
      await say(sid, ['while she was in']);
      await world.leave(account, sid, alice);
      const client = await world.connect(account, 'alice');
      expect((await client.subscribe([sid], { [sid]: 0 })).positions).toEqual({});
      expect(await client.next('error')).toMatchObject({ code: 20404 });
      await client.subscribe('all', { [sid]: 0 });
      await say(sid, ['after']);
      const probe = await world.conversation(account, ['alice']);
      await say(probe, ['probe']);
      await client.until(() => client.bodies().length > 0);
      expect(client.bodies()).toEqual(['probe']);
    });
  });

  describe('resume', () => {
    it('gives everything after the last position seen, once, in order', async () => {
      const sid = await world.conversation(account, ['alice']);
      const first = await world.connect(account, 'alice');
      await first.subscribe();
      await say(sid, count(1, 5));
      await first.until(() => first.bodies().length === 5);
      const seen = first.events[2]!.position;
      first.websocket.terminate();
      await say(sid, count(6, 8));
      const again = await world.connect(account, 'alice');
      expect((await again.subscribe('all', { [sid]: seen })).positions).toEqual({ [sid]: seen });
      await say(sid, count(9, 10));
      await again.until(() => again.bodies().length === 7);
      expect(again.bodies()).toEqual(count(4, 10));
    });

    it('loses and doubles nothing while messages pour in, in several conversations', async () => {
      const sids = await Promise.all([1, 2, 3].map(() => world.conversation(account, ['alice'])));
      let sent = 0;
      let stop = false;
      const pouring = Promise.all(sids.map(async (sid) => { for (let n = 1; !stop; n++) { await world.say(account, sid, `m${n}`); sent = Math.max(sent, n); } }));
      const seen: Record<string, number> = {};
      const got = new Map<string, string[]>(sids.map((sid) => [sid, []]));
      let client: Client | undefined;
      for (let round = 0; round < 8; round++) {
        client = await world.connect(account, 'alice');
        await client.subscribe(round % 2 === 0 ? 'all' : sids, round === 0 ? Object.fromEntries(sids.map((sid) => [sid, 0])) : seen);
        const current = client;
        const before = current.events.length;
        await current.until(() => current.events.length > before + 30);
        current.websocket.terminate();
        for (const { conversation, position, event, data } of current.events) {
          seen[conversation] = position;
          if (event === 'onMessageAdded') got.get(conversation)!.push(data.body as string);
        }
      }
      stop = true;
      await pouring;
      for (const bodies of got.values()) expect(bodies).toEqual(count(1, bodies.length));
      expect(sent).toBeGreaterThan(20);
    });

    it('works for observers, of all and of some', async () => {
      const sid = await world.conversation(account, ['alice']);
      await say(sid, count(1, 450));
      const [all, some] = [await world.connect(account), await world.connect(account)];
      await all.subscribe('all', { [sid]: 0 });
      await some.subscribe([sid], { [sid]: 0 });
      await say(sid, count(451, 460));
      for (const client of [all, some]) {
        await client.until(() => client.bodies(sid).length === 460);
        expect(client.bodies(sid)).toEqual(count(1, 460));
        expect(client.events.slice(0, 2).map((f) => f.event)).toEqual(['onConversationAdded', 'onParticipantAdded']);
      }
    });

    it('from a position that never was begins now', async () => {
      const sid = await world.conversation(account, ['alice']);
      const alice = await world.connect(account, 'alice');
      const { positions } = await alice.subscribe('all', { [sid]: Number.MAX_SAFE_INTEGER });
      expect(positions[sid]).toBeLessThan(1_000);
      await say(sid, ['now']);
      await alice.until(() => alice.bodies().length === 1);
    });

    it('goes back again when asked to', async () => {
      const sid = await world.conversation(account, ['alice']);
      const alice = await world.connect(account, 'alice');
      const { positions } = await alice.subscribe();
      await say(sid, count(1, 3));
      await alice.until(() => alice.bodies().length === 3);
      await alice.subscribe([sid], positions);
      await alice.until(() => alice.bodies().length === 6);
      await say(sid, ['m4']);
      await alice.until(() => alice.bodies().length === 7);
      expect(alice.bodies()).toEqual([...count(1, 3), ...count(1, 4)]);
    });
  });
});

/** A second gateway on the same log that has seen nothing of the past. */
const RealtimeWorldTwin = {
  async of(world: RealtimeWorld) {
    const { attachRealtime } = await import('./attach-realtime.js');
    const { createServer } = await import('node:http');
    const { Client } = await import('./realtime.testing.js');
    const { WebSocket } = await import('ws');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const realtime = attachRealtime(server, { tail: world.tail, pool: world.database.pool, accounts: world.accounts, ...world.parts });
    const { port } = server.address() as { port: number };
    return {
      async connect(account: TestAccount, identity: string) {
        const client = new Client(new WebSocket(`ws://127.0.0.1:${port}/v1/stream?token=${await world.token(account, { identity })}`));
        await client.next('ready');
        return client;
      },
      async close() { await realtime.close(); server.close(); },
    };
  },
};
