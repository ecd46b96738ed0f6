/**
 * Whether a user is online, as the SDK shows it: it knows no "nobody knows", so without Redis he is shown as offline. Once Redis is back, and
 * every instance has told it who is there, those are looked at again.
 */
import type { Redis } from 'ioredis';
import { isOnline, type Somebody } from '@parley/runtime/presence';

/** More are not remembered: they are shown right from their next change on. */
const UNKNOWN_MAX = 100_000;

export class OnlineAgain {
  private unknown = new Map<string, Somebody>();
  private readonly timer: NodeJS.Timeout;
  private readyAt = 0;
  private readonly onReady = () => { this.readyAt = performance.now(); };

  /** `beatMillis`: within this time every instance tells Redis who is there, with time to spare. `lookAgain`: what was told of him may be wrong. */
  constructor(private readonly redis: Redis, private readonly beatMillis: number, private readonly lookAgain: (who: Somebody) => void) {
    redis.on('ready', this.onReady);
    this.timer = setInterval(() => this.look(), beatMillis / 2).unref();
  }

  async isOnline(who: Somebody): Promise<boolean> {
    const known = await isOnline(this.redis, who);
    if (known === null && this.unknown.size < UNKNOWN_MAX) this.unknown.set(`${who.account} ${who.service} ${who.identity}`, who);
    return known ?? false;
  }

  close(): void {
    clearInterval(this.timer);
    this.redis.off('ready', this.onReady);
  }

  private look(): void {
    if (this.unknown.size === 0 || this.redis.status !== 'ready' || performance.now() - this.readyAt < this.beatMillis) return;
    const all = this.unknown;
    this.unknown = new Map();
    for (const who of all.values()) this.lookAgain(who);
  }
}
