import { Presence, type Somebody } from '@parley/runtime/presence';
import { Redis } from 'ioredis';
import { OnlineAgain } from './online-again.js';

const BEAT_MILLIS = 100;
const ann: Somebody = { account: 'AC-online-again', service: 'IS-online-again', identity: 'ann' };

it('who was shown as offline because Redis was away is looked at again when it is back, and nobody else', async () => {
  const elsewhere = new Redis(process.env['TEST_REDIS_URL']!);
  const redis = new Redis(process.env['TEST_REDIS_URL']!, { enableOfflineQueue: false, maxRetriesPerRequest: 0, lazyConnect: true });
  await redis.connect();
  let tell: () => void = () => {};
  const told = new Promise<void>((resolve) => { tell = resolve; });
  const presence = new Presence(elsewhere, () => tell());
  presence.arrived(ann);
  await told;
  const again: string[] = [];
  let looked: () => void = () => {};
  const lookedAgain = new Promise<void>((resolve) => { looked = resolve; });
  const online = new OnlineAgain(redis, BEAT_MILLIS, ({ identity }) => { again.push(identity); looked(); });
  expect([await online.isOnline(ann), await online.isOnline({ ...ann, identity: 'bob' })]).toEqual([true, false]);
  const gone = new Promise((resolve) => { redis.once('end', resolve); });
  redis.disconnect();
  await gone;
  expect([await online.isOnline(ann), await online.isOnline(ann)]).toEqual([false, false]);
  const back = performance.now();
  await redis.connect();
  await lookedAgain;
  expect(performance.now() - back).toBeGreaterThan(BEAT_MILLIS * 0.9); // not before every instance had the time to say who is there
  expect(again).toEqual(['ann']);
  expect(await online.isOnline(ann)).toBe(true);
  online.close();
  await presence.stop();
  for (const each of [redis, elsewhere]) each.disconnect();
});
