/**
 * Who has a live connection, over all instances: sorted sets in Redis, one per service, each identity until a time that its
 * instance moves on. Without Redis nobody knows, and nothing else is missing.
 */
import type { Redis } from 'ioredis';

const BEAT_MILLIS = 10_000;
/** An instance that died is noticed after this long. */
const LEASE_MILLIS = 30_000;
/** Identities in one command. */
const AT_ONCE = 500;
const keyOf = (service: string) => `presence:${service}`;

export class Presence {
  /** Connections here, by service and identity. */
  private readonly here = new Map<string, Map<string, number>>();
  private readonly timer: NodeJS.Timeout;

  /** `changed`: told when the first connection here of somebody opens, or his last one closes, once Redis knows. */
  constructor(private readonly redis: Redis, private readonly changed: (service: string, identity: string) => void = () => {}) {
    this.timer = setInterval(() => this.beat(), BEAT_MILLIS).unref();
  }

  arrived(service: string, identity: string): void {
    let identities = this.here.get(service);
    if (!identities) this.here.set(service, (identities = new Map()));
    const count = identities.get(identity) ?? 0;
    identities.set(identity, count + 1);
    if (count === 0) this.quietly(this.redis.zadd(keyOf(service), Date.now() + LEASE_MILLIS, identity).then(() => this.changed(service, identity)));
  }

  /** On another instance he may be there still: that one says so with its next beat. */
  left(service: string, identity: string): void {
    const identities = this.here.get(service);
    const count = (identities?.get(identity) ?? 1) - 1;
    if (count > 0) return void identities!.set(identity, count);
    identities?.delete(identity);
    if (identities?.size === 0) this.here.delete(service);
    this.quietly(this.redis.zrem(keyOf(service), identity).then(() => this.changed(service, identity)));
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    // The connections are closed by then: whoever is still in here was not told of.
    for (const [service, identities] of this.here) for (const identity of identities.keys()) this.left(service, identity);
    await this.redis.ping().catch(() => {});
  }

  private beat(): void {
    const until = Date.now() + LEASE_MILLIS;
    for (const [service, identities] of this.here) {
      this.quietly(this.redis.zremrangebyscore(keyOf(service), 0, Date.now()));
      const all = [...identities.keys()];
      for (let at = 0; at < all.length; at += AT_ONCE)
        this.quietly(this.redis.zadd(keyOf(service), ...all.slice(at, at + AT_ONCE).flatMap((identity) => [until, identity])));
    }
  }

  private quietly(command: Promise<unknown>): void {
    command.catch(() => {}); // Redis is away: the next beat says it again
  }
}

/** null: nobody knows. */
export async function isOnline(redis: Redis, service: string, identity: string): Promise<boolean | null> {
  try {
    const until = await redis.zscore(keyOf(service), identity);
    return until !== null && Number(until) > Date.now();
  } catch {
    return null;
  }
}
