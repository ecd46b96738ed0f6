import { Redis } from 'ioredis';
import { RateLimit } from './rate-limit.js';

const account = `AC${'0'.repeat(32)}`;
const limits: RateLimit[] = [];
const connections: Redis[] = [];
let now = 0;
const limit = (perSecond: number, redis?: Redis) => {
  const made = new RateLimit(perSecond, redis, () => now);
  limits.push(made);
  return made;
};
const takeAll = (rates: RateLimit, of = account) => {
  let taken = 0;
  while (rates.take(of) === 0) taken++;
  return taken;
};
async function connect(): Promise<Redis> {
  const redis = new Redis(process.env['TEST_REDIS_URL']!);
  connections.push(redis);
  await redis.ping();
  return redis;
}
afterEach(async () => {
  for (const made of limits.splice(0)) made.stop();
  for (const redis of connections.splice(0)) await redis.quit().catch(() => {});
  now = 0;
});

describe('RateLimit in one process', () => {
  it('lets a burst of two seconds through, then the rate', () => {
    const rates = limit(10);
    expect(takeAll(rates)).toBe(20);
    now += 500;
    expect(takeAll(rates)).toBe(5);
  });
  it('says how long to wait, in whole seconds', () => {
    const rates = limit(1);
    takeAll(rates);
    expect(rates.take(account)).toBe(1);
  });
  it('never fills beyond the burst', () => {
    const rates = limit(10);
    takeAll(rates);
    now += 3_600_000;
    expect(takeAll(rates)).toBe(20);
  });
  it('keeps accounts apart', () => {
    const rates = limit(10);
    takeAll(rates);
    expect(takeAll(rates, 'AC1')).toBe(20);
  });
});
describe('RateLimit over several instances', () => {
  it('shares what is left through Redis', async () => {
    const redis = await connect();
    await redis.del(`rate:${account}`);
    const [one, two] = [limit(1000, redis), limit(1000, await connect())];
    two.take(account);
    expect(takeAll(one)).toBe(2000);
    const from = performance.now();
    await one.exchange();
    await two.exchange();
    expect(takeAll(two)).toBeLessThan(500 + performance.now() - from); // what the server's clock filled in meanwhile
  });
  it('starts full after a flush, and goes on when Redis is away', async () => {
    const redis = await connect();
    await redis.del(`rate:${account}`);
    const rates = limit(1000, redis);
    takeAll(rates);
    await rates.exchange();
    await redis.del(`rate:${account}`);
    now += 1;
    rates.take(account);
    await rates.exchange();
    expect(takeAll(rates)).toBeGreaterThan(1500);
    redis.disconnect();
    await rates.exchange();
    now += 1000;
    expect(takeAll(rates)).toBe(1000);
  });
});
