/**
 * P1: what was answered 2xx is never lost, whatever is killed, wiped or flushed in the middle of it. After each fault everybody
 * must have everything, once and in order: REST, every websocket, every handset.
 */
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import { rm } from 'node:fs/promises';
import { until, type Topology } from './installation.js';
import { bringBack, kill, killAndBringBack } from './parts.js';
import { Stage } from './stage.js';
import type { Thread } from './thread.js';

const TEST_MS = 540_000;
const WRITTEN = 40;
/** One after the other; those of one group die in the same moment. Who answers commands dies alone: everybody waits for it. */
const victims: Record<Topology, string[][]> = {
  one: [['parley'], ['parley']],
  services: [
    ['conversation-service'], ['participant-service', 'channel-sms', 'realtime-gateway'], ['message-router', 'channel-whatsapp', 'retention-worker'],
    ['api-gateway', 'carrier-simulator'],
  ],
};

describe.each<Topology>(['one', 'services'])('what was acknowledged survives (%s)', (topology) => {
  // An attempt that a killed process left is taken over 5 s after its call could have ended.
  const stage = new Stage(topology, { CARRIER_TIMEOUT_MILLIS: '2000' });

  /** Does `hurt` in the middle of writes: some are answered, others in flight, more to come, and deliveries on their way. */
  async function inTheMiddle(thread: Thread, hurt: () => Promise<unknown>): Promise<void> {
    const before = thread.answered;
    const work = Promise.all([thread.write(WRITTEN), thread.text(5), thread.invite(10)]);
    work.catch(() => {}); // told below
    await until(async () => thread.answered >= before + 10, 'writing has begun');
    await hurt();
    await work;
  }

  it(`kill -9 of ${victims[topology].map((names) => names.join(' and ')).join(', then ')}`, async () => {
    const thread = await stage.open('Killed processes');
    for (const names of victims[topology])
      await inTheMiddle(thread, () => Promise.all(names.map((name) => killAndBringBack(stage.parley.installation.apps[name]!))));
    await thread.check();
  }, TEST_MS);

  it('NATS killed and its store wiped', async () => {
    const [thread, idle] = [await stage.open('Wiped store'), await stage.open('Wiped store, idle before')];
    const { nats } = stage.parley.installation.servers;
    await inTheMiddle(thread, async () => {
      await kill(nats!);
      // One process writes without NATS; the queue does not learn of what is to be delivered meanwhile.
      if (topology === 'one') await Promise.all([idle.write(3), until(async () => thread.answered === WRITTEN, 'all is written without NATS')]);
      await nats!.wipe();
    });
    await Promise.all([thread.check(), idle.check()]);
  }, TEST_MS);

  it('the streams deleted while everything runs', async () => {
    const thread = await stage.open('Deleted streams');
    const { hostname, port, username: user, password: pass } = new URL(stage.parley.installation.info.natsUrl);
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

  it('the store removed under the running NATS', async () => {
    const thread = await stage.open('Removed store');
    await inTheMiddle(thread, () => rm(stage.parley.installation.servers.nats!.store, { recursive: true, force: true, maxRetries: 20 }));
    await thread.check();
  }, TEST_MS);

  it('Redis flushed, then killed and back', async () => {
    const thread = await stage.open('Redis gone');
    const redis = new Redis(stage.parley.installation.info.redisUrl);
    redis.on('error', () => {}); // it is killed below
    await inTheMiddle(thread, async () => {
      await redis.flushall();
      redis.disconnect();
      const { answered } = thread;
      await kill(stage.parley.installation.servers.redis!);
      await until(async () => thread.answered > answered, 'writes go on without Redis');
      await bringBack(stage.parley.installation.servers.redis!);
    });
    await thread.check();
  }, TEST_MS);

  it('Postgres killed and restarted', async () => {
    const thread = await stage.open('Killed database');
    await inTheMiddle(thread, () => killAndBringBack(stage.parley.installation.servers.postgres!));
    await inTheMiddle(thread, () => stage.parley.installation.servers.postgres!.restart());
    await thread.check();
  }, TEST_MS);

  it('and in the end nothing more came, nothing vanished, and no part ended by itself', () => stage.checkAll());
});
