import { Presence } from '@parley/runtime/presence';
import { Redis } from 'ioredis';
import { basic, RealtimeWorld, type Client, type TestAccount } from './realtime.testing.js';

/** In all: 200 of an account at most, the last 100 for accounts that watch no more than 4. */
const WATCHES = 400;
let world: RealtimeWorld;
let account: TestAccount;
beforeAll(async () => { world = await RealtimeWorld.open({ framesPerSecond: 1_000, presenceWatchesMax: WATCHES }); });
afterAll(() => world.close());
beforeEach(async () => {
  account = await world.account();
  await service(account);
});
const service = (owner: TestAccount, reachable = true) => world.database.pool.query(
  `insert into model.service (sid, account, friendly_name, default_chat_service_role_sid, default_conversation_role_sid, default_conversation_creator_role_sid, reachability_enabled, created_at, updated_at)
    values ($1, $2, 'x', 'RL1', 'RL1', 'RL1', $3, now(), now())`, [owner.service, owner.sid, reachable]);
/** Everything that was said before it has been heard. */
const settled = async (...clients: Client[]) => {
  for (const client of clients) {
    client.send({ type: 'ping' });
    await client.next('pong');
  }
};

describe('typing', () => {
  const typed = (client: Client) => client.frames.filter(({ type }) => type === 'typing');

  it('is told to everybody else who follows the conversation, not too often', async () => {
    const [tea, coffee] = [await world.conversation(account, ['alice', 'bob', 'carol']), await world.conversation(account, ['dan'])];
    const [alice, bob, again, dan, carol] = await Promise.all(['alice', 'bob', 'bob', 'dan', 'carol'].map((who) => world.connect(account, who))) as [Client, Client, Client, Client, Client];
    const backEnd = await world.connect(account);
    await Promise.all([alice.subscribe(), bob.subscribe(), again.subscribe([tea]), dan.subscribe(), backEnd.subscribe([tea])]);
    for (let n = 0; n < 20; n++) bob.send({ type: 'typing', conversation: tea });
    for (const client of [alice, backEnd]) expect(await client.next('typing')).toEqual({ type: 'typing', conversation: tea, identity: 'bob', expires_in_seconds: 6 });
    dan.send({ type: 'typing', conversation: coffee });
    alice.send({ type: 'typing', conversation: tea });
    for (const client of [bob, again, backEnd]) expect(await client.next('typing')).toMatchObject({ identity: 'alice' });
    await settled(alice, bob, again, dan, carol, backEnd);
    expect([alice, bob, again, dan, carol, backEnd].map((client) => typed(client).length)).toEqual([1, 1, 1, 0, 0, 2]);
  });
  it('comes from members who follow nothing, too, and from nobody else', async () => {
    const other = await world.account();
    const [tea, theirs] = [await world.conversation(account, ['alice', 'bob']), await world.conversation(other, ['bob'])];
    const [alice, bob, carol] = [await world.connect(account, 'alice'), await world.connect(account, 'bob'), await world.connect(account, 'carol')];
    await alice.subscribe();
    for (const [client, conversation] of [[carol, tea], [bob, theirs], [bob, `CH${'0'.repeat(32)}`], [await world.connect(account), tea]] as const) {
      client.send({ type: 'typing', id: 'x', conversation });
      expect(await client.next('error')).toMatchObject({ id: 'x', code: 50430, conversation });
    }
    bob.send({ type: 'typing', conversation: tea });
    await alice.next('typing');
    expect(typed(alice)).toHaveLength(1);
  });
  it('is not told to who has left', async () => {
    const tea = await world.conversation(account, ['alice']);
    const membership = await world.join(account, tea, 'bob');
    await world.join(account, tea, 'carol');
    const [alice, bob, carol] = [await world.connect(account, 'alice'), await world.connect(account, 'bob'), await world.connect(account, 'carol')];
    await Promise.all([alice.subscribe(), bob.subscribe(), carol.subscribe()]);
    await world.leave(account, tea, membership);
    await bob.until(() => bob.events.some(({ event }) => event === 'onParticipantRemoved'));
    alice.send({ type: 'typing', conversation: tea });
    bob.send({ type: 'typing', conversation: tea });
    expect(await bob.next('error')).toMatchObject({ code: 50430 });
    expect(await carol.next('typing')).toMatchObject({ identity: 'alice' });
    await settled(alice, bob);
    expect([...typed(alice), ...typed(bob)]).toEqual([]);
  });
});

describe('presence', () => {
  const shown = async (client: Client) => {
    const { identity, online } = await client.next('presence') as unknown as { identity: string; online: boolean | null };
    return [identity, online];
  };

  it('is told at once, and whenever it changes', async () => {
    const alice = await world.connect(account, 'alice');
    alice.send({ type: 'presence', identities: ['alice', 'bob'] });
    expect([await shown(alice), await shown(alice)]).toEqual([['alice', true], ['bob', false]]);
    const [bob, again] = [await world.connect(account, 'bob'), await world.connect(account, 'bob')];
    expect(await shown(alice)).toEqual(['bob', true]);
    bob.websocket.close();
    await bob.until(() => bob.closed !== undefined);
    again.websocket.close();
    expect(await shown(alice)).toEqual(['bob', false]);
    expect(alice.frames.filter(({ type }) => type === 'presence')).toHaveLength(4);
  });
  it('counts connections of all instances, and those of one that died no longer', async () => {
    const elsewhere = new Redis(process.env['TEST_REDIS_URL']!, { retryStrategy: null });
    const dying = new Presence(elsewhere, (scope, identities) => world.parts.signals.reachability(scope, identities), 3_000); // longer than a busy machine keeps it from saying that it lives
    const alice = await world.connect(account, 'alice');
    const bob = await world.connect(account, 'bob');
    alice.send({ type: 'presence', identities: ['bob', 'carol'] });
    expect([await shown(alice), await shown(alice)]).toEqual([['bob', true], ['carol', false]]);
    for (const identity of ['bob', 'carol']) dying.arrived({ account: account.sid, service: account.service, identity });
    expect(await shown(alice)).toEqual(['carol', true]);
    bob.websocket.close(); // and is there still, elsewhere
    elsewhere.disconnect();
    // A living instance with connections of the service finds it with its next beat.
    const living = new Presence(world.parts.redis, (scope, identities) => world.parts.signals.reachability(scope, identities), 1_500);
    living.arrived({ account: account.sid, service: account.service, identity: 'zoe' });
    expect(new Map([await shown(alice), await shown(alice)] as [string, boolean][])).toEqual(new Map([['bob', false], ['carol', false]]));
    await Promise.all([living.stop(), dying.stop()]);
  });
  it('is told of those who were named last', async () => {
    const alice = await world.connect(account, 'alice');
    alice.send({ type: 'presence', identities: ['bob'] });
    await shown(alice);
    alice.send({ type: 'presence', identities: ['carol'] });
    expect(await shown(alice)).toEqual(['carol', false]);
    await world.connect(account, 'bob');
    await world.connect(account, 'carol');
    expect(await shown(alice)).toEqual(['carol', true]);
    alice.send({ type: 'presence', identities: [] });
    await settled(alice);
    const before = alice.frames.length;
    for (const client of [await world.connect(account, 'dan'), await world.connect(account, 'carol')]) client.websocket.close();
    await settled(alice);
    expect(alice.frames.slice(before).filter(({ type }) => type === 'presence')).toEqual([]);
  });
  it('is not told where the service does not tell, nor of other accounts and services', async () => {
    const other = await world.account();
    await service(other, false);
    const hidden = await world.connect(other, 'alice');
    hidden.send({ type: 'presence', identities: ['alice'] });
    expect(await shown(hidden)).toEqual(['alice', null]);
    // A token may name any service; whose it is, its account says.
    const stranger = world.client(`?token=${await world.token(other, { identity: 'mallory', service: account.service })}`);
    await stranger.next('ready');
    stranger.send({ type: 'presence', identities: ['mallory', 'alice'] });
    expect([await shown(stranger), await shown(stranger)]).toEqual([['mallory', null], ['alice', null]]);
    const alice = await world.connect(account, 'alice');
    alice.send({ type: 'presence', identities: ['mallory'] });
    expect(await shown(alice)).toEqual(['mallory', false]);
    alice.send({ type: 'presence', id: 1, identities: ['bob'], chat_service_sid: other.service });
    expect(await alice.next('error')).toMatchObject({ id: 1, code: 20404 });
  });
  it('is told to back ends, of the service they name', async () => {
    await world.connect(account, 'alice');
    const backEnd = world.client('', basic(account.sid, account.token));
    await backEnd.next('ready');
    backEnd.send({ type: 'presence', identities: ['alice'] });
    expect(await shown(backEnd)).toEqual(['alice', true]);
    backEnd.send({ type: 'presence', identities: ['alice'], chat_service_sid: `IS${'0'.repeat(32)}` });
    expect(await shown(backEnd)).toEqual(['alice', null]);
  });
  it('is told to every account, whatever others watch', async () => {
    const many = (count: number) => Array.from({ length: count }, (_, n) => `u${n}`);
    let asked = 0;
    const watches = async (client: Client, count: number) => {
      const id = ++asked;
      const refused = () => client.frames.find(({ type, id: of }) => type === 'error' && of === id);
      client.send({ type: 'presence', id, identities: many(count) });
      await client.until(() => refused() !== undefined || client.frames.filter(({ type }) => type === 'presence').length >= count);
      return refused()?.code ?? 'watched';
    };
    const greedy = await world.connect(account, 'greedy');
    expect([await watches(greedy, 201), await watches(greedy, 200)]).toEqual([20429, 'watched']);
    const second = await world.connect(account, 'second');
    expect(await watches(second, 1)).toBe(20429);
    const modest = await world.account();
    await service(modest);
    const alice = await world.connect(modest, 'alice');
    expect([await watches(alice, 101), await watches(alice, 4)]).toEqual([20429, 'watched']);
    // What was refused left what was watched before as it was.
    expect(await watches(alice, 102)).toBe(20429);
    await world.connect(modest, 'u3');
    await alice.until(() => alice.frames.some(({ type, identity, online }: any) => type === 'presence' && identity === 'u3' && online));
    greedy.websocket.close();
    await greedy.until(() => greedy.closed !== undefined);
    let answer: unknown;
    for (const end = Date.now() + 30_000; answer !== 'watched' && Date.now() < end;) answer = await watches(second, 2); // the server may hear of that a little later
    expect(answer).toBe('watched');
  });
  it.each([{ identities: 'bob' }, { identities: [7] }, { identities: [''] }, { identities: Array.from({ length: 1_001 }, String) }, {}])('is asked for properly', async (frame) => {
    const alice = await world.connect(account, 'alice');
    alice.send({ type: 'presence', id: 1, ...frame });
    expect(await alice.next('error')).toMatchObject({ id: 1, code: 20001 });
  });
});
