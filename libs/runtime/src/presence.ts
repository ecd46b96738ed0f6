/**
 * Who has a live connection, over all instances: sorted sets in Redis, one per service, each instance's connections until a time
 * that the instance moves on, by Redis' own clock. Without Redis nobody knows, and nothing else is missing.
 */
import type { Redis } from 'ioredis';
import { randomBytes } from 'node:crypto';

/** An instance that died is noticed after this long, and told of with the next beat of another: a third of it later. */
const LEASE_MILLIS = 30_000;
/** Identities in one command. */
const AT_ONCE = 500;
const INSTANCES = 'presence:instances';

/** Somebody of a service, as one account sees it: a service's SID alone is what a token claims. */
export type Somebody = { account: string; service: string; identity: string };
export type Scope = Omit<Somebody, 'identity'>;
const keyOf = ({ account, service }: Scope) => `presence:${account}/${service}`;

const now = `local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)`;
/** KEYS instances, service; ARGV instance, lease, identities. Answers with whom instances that died left behind, and forgets them. */
const STAY = `${now}
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
  for i = 3, #ARGV do redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1] .. ARGV[i]) end
  local gone = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 1000)
  for i = 1, #gone do redis.call('ZREM', KEYS[2], gone[i]) end
  return gone`;
/** KEYS instances, service; ARGV identities. 1 for each who is somewhere. */
const WHO = `${now}
  local instances = redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), '+inf')
  local there = {}
  for i = 1, #ARGV do
    there[i] = 0
    for j = 1, #instances do
      local till = redis.call('ZSCORE', KEYS[2], instances[j] .. ARGV[i])
      if till and tonumber(till) > now then there[i] = 1 break end
    end
  end
  return there`;

export class Presence {
  /** Connections here, by service and identity. */
  private readonly here = new Map<string, { scope: Scope; identities: Map<string, number> }>();
  /** Who came or went since Redis was told last. When thousands do so in one event-loop turn, it is told of them by few commands. */
  private untold = new Map<string, { scope: Scope; identities: Set<string> }>();
  private flusher: NodeJS.Immediate | undefined;
  private readonly timer: NodeJS.Timeout;
  /** What it is called in Redis: before every identity, so always as long. */
  private readonly instance = randomBytes(8).toString('hex');

  /** `changed`: of these (at most 1,000) the first connection here opened, the last one closed, or their instance died; once Redis knows. */
  constructor(private readonly redis: Redis, private readonly changed: (scope: Scope, identities: readonly string[]) => void = () => {}, private readonly leaseMillis = LEASE_MILLIS) {
    this.timer = setInterval(() => this.beat(), leaseMillis / 3).unref();
  }

  arrived({ identity, ...scope }: Somebody): void {
    const key = keyOf(scope);
    let service = this.here.get(key);
    if (!service) this.here.set(key, (service = { scope, identities: new Map() }));
    const count = service.identities.get(identity) ?? 0;
    service.identities.set(identity, count + 1);
    if (count === 0) this.tell(key, scope, identity);
  }

  /** Elsewhere he may be there still. */
  left({ identity, ...scope }: Somebody): void {
    const key = keyOf(scope);
    const identities = this.here.get(key)?.identities;
    const count = (identities?.get(identity) ?? 1) - 1;
    if (count > 0) return void identities!.set(identity, count);
    identities?.delete(identity);
    if (identities?.size === 0) this.here.delete(key);
    this.tell(key, scope, identity);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    // The connections are closed by then: whoever is still in here was not told of.
    for (const { scope, identities } of [...this.here.values()]) for (const identity of [...identities.keys()]) {
      identities.set(identity, 1);
      this.left({ ...scope, identity });
    }
    this.flush();
    await this.redis.zrem(INSTANCES, this.instance).catch(() => {});
  }

  private tell(key: string, scope: Scope, identity: string): void {
    const untold = this.untold.get(key);
    if (untold) untold.identities.add(identity);
    else this.untold.set(key, { scope, identities: new Set([identity]) });
    this.flusher ??= setImmediate(() => this.flush()); // before anything that somebody asks next
  }

  private flush(): void {
    clearImmediate(this.flusher);
    this.flusher = undefined;
    const all = this.untold;
    this.untold = new Map();
    for (const [key, { scope, identities }] of all) {
      const there = this.here.get(key)?.identities;
      const stay = [...identities].filter((identity) => there?.has(identity));
      const gone = [...identities].filter((identity) => !there?.has(identity));
      for (const some of slices(stay)) this.quietly(this.stay(scope, some).then(() => this.changed(scope, some)));
      for (const some of slices(gone)) this.quietly(this.redis.zrem(key, some.map((identity) => this.instance + identity)).then(() => this.changed(scope, some)));
    }
  }

  private beat(): void {
    for (const { scope, identities } of this.here.values())
      for (const some of slices([...identities.keys()])) this.quietly(this.stay(scope, some));
  }

  private async stay(scope: Scope, identities: readonly string[]): Promise<void> {
    const gone = await this.redis.eval(STAY, 2, INSTANCES, keyOf(scope), this.instance, this.leaseMillis, ...identities) as string[];
    if (gone.length > 0) this.changed(scope, gone.map((member) => member.slice(this.instance.length)));
  }

  private quietly(command: Promise<unknown>): void {
    command.catch(() => {}); // Redis is away: the next beat says it again
  }
}

function* slices(identities: readonly string[]): Iterable<readonly string[]> {
  for (let at = 0; at < identities.length; at += AT_ONCE) yield identities.slice(at, at + AT_ONCE);
}

/** In the order of `identities`, at most 500 of them; null: nobody knows. */
export async function whoIsOnline(redis: Redis, scope: Scope, identities: readonly string[]): Promise<boolean[] | null> {
  try {
    const there = await redis.eval(WHO, 2, INSTANCES, keyOf(scope), ...identities) as number[];
    return there.map((each) => each === 1);
  } catch {
    return null;
  }
}

/** null: nobody knows. */
export async function isOnline(redis: Redis, { identity, ...scope }: Somebody): Promise<boolean | null> {
  return (await whoIsOnline(redis, scope, [identity]))?.[0] ?? null;
}
