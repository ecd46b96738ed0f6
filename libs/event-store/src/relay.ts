/**
 * Carries the log to the bus: everything after each shard's published mark, in order per shard. The caller of a command
 * never waits for it; with the bus down or full the marks simply stay. Marks are saved lazily, so a restart may publish
 * some facts again: their ids are the same, subscribers and the bus drop them. Two relays at once are only waste.
 */
import type { LogEvent } from '@parley/domain/event';
import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from './database.js';
import { Leases, RENEW_MILLIS } from './leases.js';
import { LogFeed } from './log-feed.js';
import type { LogTail } from './log-tail.js';
import { SHARDS } from './shard.js';

const BATCH_MAX = 500;
/** A publish costs as much for one fact as for thirty: after one smaller than this, facts gather. */
const SMALL_BATCH = 100;
const SAVE_MILLIS = 500;
const CONSUMER = 'relay';

export type RelayOptions = {
  pool: Pool;
  tail: LogTail;
  owner: string;
  /** Milliseconds to let facts gather after a small publish: few where other processes wait for the bus. */
  gatherMillis: number;
  /** Resolves when the bus has them. */
  publish(events: LogEvent[]): Promise<void>;
  onError?(error: unknown): void;
};

export class Relay {
  private readonly marks: number[] = Array<number>(SHARDS).fill(0);
  private feed: LogFeed | undefined;
  private stopping = false;
  private running: Promise<void> = Promise.resolve();
  private lastSave = 0;
  private dirty = false;
  private readonly leases: Leases;
  private renewal: NodeJS.Timeout | undefined;
  private mine = false;

  constructor(private readonly options: RelayOptions) {
    this.leases = new Leases(options.pool, options.owner);
  }

  async start(): Promise<void> {
    await this.renew();
    this.renewal = setInterval(() => void this.renew(), RENEW_MILLIS);
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    clearInterval(this.renewal);
    this.feed?.close();
    await this.running;
    await this.save().catch(() => {});
    await this.leases.release([CONSUMER]).catch(() => {});
  }

  /** Facts stored but not yet on the bus, over all shards. */
  lag(): number {
    return this.marks.reduce((sum, mark, shard) => sum + Math.max(0, this.options.tail.position(shard) - mark), 0);
  }

  private async renew(): Promise<void> {
    try {
      this.mine = (await this.leases.hold([CONSUMER])).has(CONSUMER);
    } catch (error) {
      this.options.onError?.(error);
    }
  }

  private async run(): Promise<void> {
    let failures = 0;
    while (!this.stopping) {
      try {
        if (!this.mine) {
          this.feed?.close();
          this.feed = undefined;
          await pause(100);
          continue;
        }
        this.feed ??= await this.open();
        const events = await this.feed.take(BATCH_MAX, SAVE_MILLIS);
        if (events.length > 0) {
          await this.options.publish(events.filter((event) => this.readable(event)));
          for (const { shard, position } of events) this.marks[shard] = position;
          this.dirty = true;
        }
        if (performance.now() - this.lastSave > SAVE_MILLIS) await this.save();
        if (events.length < SMALL_BATCH) await pause(this.options.gatherMillis);
        failures = 0;
      } catch (error) {
        this.options.onError?.(error);
        this.feed?.close();
        this.feed = undefined; // what was taken and not published is read again from the marks
        await pause(Math.min(50 * 2 ** failures++, 2000));
      }
    }
  }

  /** The public stream is a copy: what this build cannot read stays out of it, loudly, and does not stop the rest. */
  private readable({ unreadable, shard, position }: LogEvent): boolean {
    if (unreadable !== undefined) this.options.onError?.(new Error(`not published: shard ${shard}, position ${position}: ${unreadable}`));
    return unreadable === undefined;
  }

  private async open(): Promise<LogFeed> {
    const { rows } = await this.options.pool.query<{ shard: number; position: number }>(
      `with known as (insert into log.checkpoint (consumer, shard, position) select $1, s, 0 from generate_series(0, 63) s
         on conflict do nothing)
       select shard, position from log.checkpoint where consumer = $1`, [CONSUMER],
    );
    for (const { shard, position } of rows) this.marks[shard] = Math.max(this.marks[shard]!, position);
    const feed = new LogFeed(this.options.tail);
    this.marks.forEach((mark, shard) => feed.follow(shard, mark));
    return feed;
  }

  private async save(): Promise<void> {
    this.lastSave = performance.now();
    if (!this.dirty) return;
    this.dirty = false;
    await this.options.pool.query(
      `update log.checkpoint c set position = greatest(c.position, m.position)
         from unnest($2::bigint[]) with ordinality m (position, o) where c.consumer = $1 and c.shard = m.o - 1`,
      [CONSUMER, this.marks],
    );
  }
}
