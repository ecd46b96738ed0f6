import { Redis } from 'ioredis';
import { isOnline, Presence } from './presence.js';

let redis: Redis;
const service = `IS${Math.random()}`;
beforeAll(() => (redis = new Redis(process.env['TEST_REDIS_URL']!)));
afterAll(async () => {
  await redis.del(`presence:${service}`);
  redis.disconnect();
});
const online = (identity: string) => isOnline(redis, service, identity);

it('knows who has a connection, however many', async () => {
  const presence = new Presence(redis);
  presence.arrived(service, 'ann');
  presence.arrived(service, 'ann');
  expect([await online('ann'), await online('bob')]).toEqual([true, false]);
  presence.left(service, 'ann');
  expect(await online('ann')).toBe(true);
  presence.left(service, 'ann');
  expect(await online('ann')).toBe(false);
  await presence.stop();
});
it('forgets whom an instance that died has left behind', async () => {
  await redis.zadd(`presence:${service}`, Date.now() - 1, 'ghost');
  expect(await online('ghost')).toBe(false);
});
it('takes those along who are there when it stops', async () => {
  const presence = new Presence(redis);
  presence.arrived(service, 'eve');
  expect(await online('eve')).toBe(true);
  await presence.stop();
  expect(await online('eve')).toBe(false);
});
it('does not know without Redis', async () => {
  const away = new Redis({ lazyConnect: true, enableOfflineQueue: false });
  expect(await isOnline(away, service, 'ann')).toBeNull();
  away.disconnect();
});
