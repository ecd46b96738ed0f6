/**
 * P1: what was answered 2xx is never lost, whatever is killed, wiped or flushed in the middle of it. After each fault everybody
 * must have everything, once and in order: REST, every websocket, every handset.
 */
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import { Caller } from './caller.js';
import { Parley, START_MS, until, type Topology } from './installation.js';
import { bringBack, crashesOf, kill, killAndBringBack } from './parts.js';
import { Thread } from './thread.js';

const TEST_MS = 180_000;
const victims: Record<Topology, string[]> = {
  one: ['parley', 'parley'],
  services: [
    'conversation-service', 'participant-service', 'api-gateway', 'message-router', 'channel-sms', 'channel-whatsapp', 'realtime-gateway',
    'carrier-simulator',
  ],
};

describe.each<Topology>(['one', 'services'])('what was acknowledged survives (%s)', (topology) => {
  let parley: Parley;
  let caller: Caller;
  let crashes: string[];
  const threads: Thread[] = [];
  beforeAll(async () => {
    // An attempt that a killed process left is taken over 5 s after its call could have ended.
    parley = await Parley.start({ services: topology === 'services', env: { CARRIER_TIMEOUT_MILLIS: '2000' } });
    caller = new Caller(parley.account, parley.installation.info);
    crashes = crashesOf(parley);
  }, START_MS);
  afterAll(async () => {
    for (const thread of threads) thread.leave();
    await parley?.stop();
  }, START_MS);

  /** Does `hurt` in the middle of writes: some are answered, others in flight, more to come, and deliveries on their way. */
  async function inTheMiddle(thread: Thread, hurt: () => Promise<unknown>): Promise<void> {
    const before = thread.answered;
    const work = Promise.all([thread.write(40), thread.text(5)]);
    work.catch(() => {}); // told below
    await until(async () => thread.answered >= before + 10, 'writing has begun');
    await hurt();
    await work;
  }
  const open = async (name: string): Promise<Thread> => {
    const thread = await Thread.open(caller, name);
    threads.push(thread);
    return thread;
  };

  it(`kill -9 of ${victims[topology].join(', then ')}`, async () => {
    const thread = await open('Killed processes');
    for (const name of victims[topology]) await inTheMiddle(thread, () => killAndBringBack(parley.installation.apps[name]!));
    await thread.check();
  }, TEST_MS);

  it('NATS killed and its store wiped', async () => {
    const thread = await open('Wiped store');
    await inTheMiddle(thread, () => parley.installation.servers.nats!.wipe());
    await thread.check();
  }, TEST_MS);

  it('the streams deleted while everything runs', async () => {
    const thread = await open('Deleted streams');
    const { hostname, port, username: user, password: pass } = new URL(parley.installation.info.natsUrl);
    const nats = await connect({ servers: `${hostname}:${port}`, user, pass });
    try {
      const manager = await jetstreamManager(nats);
      await inTheMiddle(thread, async () => {
        const names = [];
        for await (const { config } of manager.streams.list()) names.push(config.name);
        expect(names.sort()).toEqual(['DELIVER', 'EVENTS']);
        await Promise.all(names.map((name) => manager.streams.delete(name)));
      });
    } finally {
      await nats.close();
    }
    await thread.check();
  }, TEST_MS);

  it('Redis flushed, then killed and back', async () => {
    const thread = await open('Redis gone');
    const redis = new Redis(parley.installation.info.redisUrl);
    redis.on('error', () => {}); // it is killed below
    await inTheMiddle(thread, async () => {
      await redis.flushall();
      redis.disconnect();
      const { answered } = thread;
      await kill(parley.installation.servers.redis!);
      await until(async () => thread.answered > answered, 'writes go on without Redis');
      await bringBack(parley.installation.servers.redis!);
    });
    await thread.check();
  }, TEST_MS);

  it('Postgres killed and restarted', async () => {
    const thread = await open('Killed database');
    await inTheMiddle(thread, () => killAndBringBack(parley.installation.servers.postgres!));
    await inTheMiddle(thread, () => parley.installation.servers.postgres!.restart());
    await thread.check();
  }, TEST_MS);

  it('and in the end nothing more came, nothing vanished, and no part ended by itself', async () => {
    await Promise.all(threads.map((thread) => thread.check(0)));
    expect(crashes).toEqual([]);
  });
});
