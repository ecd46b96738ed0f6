/**
 * The log from given positions on, in order per shard, for one consumer: from Postgres while it is behind, from the live
 * tail once it caught up. Holds at most QUEUE_MAX facts: a slow consumer falls back to Postgres instead of filling memory.
 */
import type { LogEvent } from '@parley/domain/event';
import { placeOf } from './log-reader.js';
import type { LogTail } from './log-tail.js';

const QUEUE_MAX = 5000;
const READ_BATCH = 200;

export class LogFeed {
  private queue: LogEvent[] = [];
  private readonly next = new Map<number, number>();
  private readonly behind = new Set<number>();
  private wake: (() => void) | undefined;
  private readonly unsubscribe: () => void;
  private closed = false;

  /**
   * Of types not `wanted` only the place in the log is kept (type `''`): what waits here for a consumer in no hurry would
   * otherwise hold every fact long enough to reach old space (measured: 40 % of all that did).
   */
  constructor(private readonly tail: LogTail, private readonly wanted?: ReadonlySet<string>) {
    this.unsubscribe = tail.subscribe((events) => this.offer(events));
  }

  /** Follow this shard after `position`; calling it again starts over from there. */
  follow(shard: number, position: number): void {
    this.queue = this.queue.filter((event) => event.shard !== shard);
    this.next.set(shard, position + 1);
    if (this.tail.position(shard) > position) this.behind.add(shard);
    this.wake?.();
  }

  unfollow(shard: number): void {
    this.next.delete(shard);
    this.behind.delete(shard);
    this.queue = this.queue.filter((event) => event.shard !== shard);
  }

  /** Nothing is left in the past: what comes now is news. */
  get caughtUp(): boolean { return this.behind.size === 0; }

  close(): void {
    this.closed = true;
    this.unsubscribe();
    this.wake?.();
  }

  /** Up to `max` facts as soon as there are any; an empty list once closed, or after `idleMillis` without any. */
  async take(max: number, idleMillis = 1000): Promise<LogEvent[]> {
    const until = performance.now() + idleMillis;
    while (!this.closed) {
      // What is behind gets its turn however much news there is of the others.
      if (this.behind.size > 0 && this.queue.length < max) await this.catchUp();
      if (this.queue.length > 0) return this.queue.splice(0, max);
      if (this.behind.size === 0) {
        const left = until - performance.now();
        if (left <= 0) return [];
        await this.news(left);
      }
    }
    return [];
  }

  private news(millis: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.wake?.(), millis);
      this.wake = () => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve();
      };
    });
  }

  private offer(events: readonly LogEvent[]): void {
    for (const event of events) {
      const { shard, position } = event;
      const next = this.next.get(shard);
      if (next === undefined || this.behind.has(shard) || position < next) continue;
      if (position > next || this.queue.length >= QUEUE_MAX) {
        this.behind.add(shard);
        continue;
      }
      this.queue.push(this.wanted && !this.wanted.has(event.type) ? placeOf(shard, position) : event);
      this.next.set(shard, position + 1);
    }
    this.wake?.();
  }

  private async catchUp(): Promise<void> {
    for (const shard of [...this.behind]) {
      const from = this.next.get(shard);
      if (from === undefined) continue;
      const events = await this.tail.read(shard, from - 1, READ_BATCH, this.wanted);
      if (this.next.get(shard) !== from) continue; // started over meanwhile
      this.queue.push(...events);
      const reached = events.at(-1)?.position ?? from - 1;
      this.next.set(shard, reached + 1);
      if (reached >= this.tail.position(shard)) this.behind.delete(shard);
      if (this.queue.length >= QUEUE_MAX) return;
    }
  }
}
