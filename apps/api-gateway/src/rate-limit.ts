/**
 * Requests per second and account: a token bucket in this process, kept in step with the other instances through Redis in
 * the background, so no request waits for Redis. Without Redis, or after a flush, each instance goes on by itself.
 */
import type { Redis } from 'ioredis';

const SYNC_MILLIS = 100;
const FORGET_MILLIS = 60_000;

// The shared bucket: fills by the server's clock, gives what the instances took, may owe at most one burst.
const script = `
local now = redis.call('TIME')
now = tonumber(now[1]) + tonumber(now[2]) / 1000000
local rate, burst, taken = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local bucket = redis.call('HMGET', KEYS[1], 'level', 'at')
local level = tonumber(bucket[1]) or burst
level = math.min(burst, level + math.max(0, now - (tonumber(bucket[2]) or now)) * rate) - taken
level = math.max(level, -burst)
redis.call('HSET', KEYS[1], 'level', level, 'at', now)
redis.call('PEXPIRE', KEYS[1], 60000)
return tostring(level)`;

type WithScript = { exchangeTokens(key: string, rate: number, burst: number, taken: number): Promise<string> };
type Bucket = { level: number; at: number; /** Since the last exchange. */ taken: number };

export class RateLimit {
  private readonly buckets = new Map<string, Bucket>();
  private readonly burst: number;
  private readonly timer: NodeJS.Timeout;
  private exchanging = false;

  constructor(
    private readonly perSecond: number,
    private readonly redis?: Redis,
    private readonly clock: () => number = () => performance.now(),
  ) {
    this.burst = perSecond * 2;
    redis?.defineCommand('exchangeTokens', { numberOfKeys: 1, lua: script });
    this.timer = setInterval(() => void this.exchange(), SYNC_MILLIS).unref();
  }

  /** Takes one request's token: 0 when it may pass, else the seconds to wait (at least 1). */
  take(account: string): number {
    const now = this.clock();
    let bucket = this.buckets.get(account);
    if (!bucket) this.buckets.set(account, (bucket = { level: this.burst, at: now, taken: 0 }));
    const level = Math.min(this.burst, bucket.level + ((now - bucket.at) / 1000) * this.perSecond);
    bucket.at = now;
    bucket.level = level;
    if (level < 1) return Math.max(1, Math.ceil((1 - level) / this.perSecond));
    bucket.level = level - 1;
    bucket.taken++;
    return 0;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Tells Redis what was taken here, and learns what is left of the whole. */
  async exchange(): Promise<void> {
    const now = this.clock();
    for (const [account, { at, taken }] of this.buckets)
      if (taken === 0 && now - at > FORGET_MILLIS) this.buckets.delete(account);
    if (this.exchanging || this.redis?.status !== 'ready') return;
    this.exchanging = true;
    try {
      await Promise.all([...this.buckets].filter(([, { taken }]) => taken > 0).map(([account, bucket]) => this.exchangeOne(account, bucket)));
    } finally {
      this.exchanging = false;
    }
  }

  private async exchangeOne(account: string, bucket: Bucket): Promise<void> {
    const { taken } = bucket;
    bucket.taken = 0;
    try {
      const level = Number(await (this.redis as unknown as WithScript).exchangeTokens(`rate:${account}`, this.perSecond, this.burst, taken));
      if (Number.isNaN(level)) return;
      bucket.level = level - bucket.taken;
      bucket.at = this.clock();
    } catch {
      // Redis only helps: the bucket here goes on alone, and tells nothing twice.
    }
  }
}
