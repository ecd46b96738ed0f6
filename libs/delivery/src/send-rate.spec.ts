/** Token buckets on a real Redis, and without it. */
import { newSid } from '@parley/domain/sid';
import { Redis } from 'ioredis';
import { bucketsOf, PATIENCE_MILLIS, SendRate, type Bucket } from './send-rate.js';

let redis: Redis;
beforeAll(async () => {
  redis = new Redis(process.env['TEST_REDIS_URL']!);
  await redis.ping();
});
afterAll(() => redis.disconnect());

const bucket = (perSecond: number, burst: number): Bucket => ({ key: newSid('XE'), perSecond, burst });

describe.each(['shared', 'alone'])('a bucket, %s', (kind) => {
  const rate = () => (kind === 'shared' ? new SendRate(redis) : new SendRate());

  it('lets a burst through, gives the next turns in time, then none', async () => {
    const instance = rate();
    const slow = bucket(1, 2);
    const from = performance.now();
    const turns = await Promise.all(Array.from({ length: 6 }, () => instance.take([slow]))); // at once: a second later there is one more
    const passed = performance.now() - from;
    expect(turns.slice(0, 2)).toEqual([{ waitMillis: 0, bucket: undefined }, { waitMillis: 0, bucket: undefined }]);
    for (const [i, seconds] of [[2, 1], [3, 2]] as const) {
      expect(turns[i]).toMatchObject({ bucket: undefined });
      expect(Math.abs(turns[i]!.waitMillis - seconds * 1000)).toBeLessThan(300 + passed);
    }
    for (const refused of turns.slice(4)) {
      expect(refused.bucket).toBe(0);
      expect(refused.waitMillis).toBeGreaterThan(PATIENCE_MILLIS);
    }
  });
  it('that has nothing keeps the others full, and is named', async () => {
    const instance = rate();
    const [mine, empty] = [bucket(100, 1), bucket(0.01, 1)];
    await instance.take([empty]);
    for (let i = 0; i < 3; i++) expect(await instance.take([mine, empty])).toMatchObject({ bucket: 1 });
    expect(await instance.take([mine])).toEqual({ waitMillis: 0, bucket: undefined });
  });
});

it('is one for all instances', async () => {
  const shared = bucket(0.01, 10);
  const instances = [new SendRate(redis), new SendRate(redis)];
  const turns = await Promise.all(Array.from({ length: 20 }, (_, i) => instances[i % 2]!.take([shared])));
  expect(turns.filter(({ waitMillis }) => waitMillis === 0)).toHaveLength(10);
});
it('is each instance’s own while Redis is away', async () => {
  const away = new Redis('redis://127.0.0.1:1', { lazyConnect: true, maxRetriesPerRequest: 1, enableOfflineQueue: false, retryStrategy: () => null });
  away.on('error', () => {});
  const instance = new SendRate(away);
  const one = bucket(0.01, 1);
  expect([await instance.take([one]), await instance.take([one])]).toMatchObject([{ bucket: undefined }, { bucket: 0 }]);
  away.disconnect();
});
it('comes from the sender, else from its carrier, and for people from the channel', () => {
  const lane = { account: 'AC', channel: 'sms', sender: '+1', recipient: '+2' };
  const definition = { rate: 3 } as never;
  expect(bucketsOf(lane, null, undefined)).toEqual([]);
  expect(bucketsOf(lane, null, definition)).toMatchObject([{ perSecond: 3, burst: 3 }]);
  expect(bucketsOf(lane, 0.5, definition)).toMatchObject([{ perSecond: 0.5, burst: 1 }]);
  expect(bucketsOf({ ...lane, channel: 'whatsapp' }, null, undefined)).toMatchObject([{ burst: 45 }]);
  expect(bucketsOf({ ...lane, channel: 'whatsapp' }, null, { name: 'simulator', rate: null } as never)).toEqual([]);
  expect(bucketsOf({ ...lane, channel: 'whatsapp' }, null, undefined, null)).toEqual([]);
  expect(bucketsOf({ ...lane, channel: 'email' }, null, { name: 'simulator', rate: null } as never, { every_seconds: 4 })).toMatchObject([{ perSecond: 0.25, burst: 1 }]);
});
