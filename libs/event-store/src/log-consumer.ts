/**
 * A consumer of the log whose every effect happens once: the effects and the checkpoint's compare-and-set commit together,
 * on a contiguous run of positions only. A fact it cannot handle parks its own conversation, never the shard, and is never
 * skipped. Partitions are shared between instances by leases; two owners at once would only lose the compare-and-set.
 */
import type { LogEvent } from '@parley/domain/event';
import { setTimeout as pause } from 'node:timers/promises';
import { isConnectionError, transaction, type Connection, type Pool } from './database.js';
import { Leases, RENEW_MILLIS } from './leases.js';
import { LogFeed } from './log-feed.js';
import type { LogTail } from './log-tail.js';
import { ParkedEvents } from './parked-events.js';
import { PARTITIONS } from './shard.js';

const BATCH_MAX = 500;
/** Positions without effects are saved this often: reading them again would change nothing. */
const IDLE_SAVE_MILLIS = 1000;

export type LogConsumerOptions = {
  /** Also the checkpoint's name. */
  name: string;
  pool: Pool;
  tail: LogTail;
  /** Stable identity of this instance. */
  owner: string;
  /** Only these are handled; all others are passed over at no cost. */
  types: readonly string[];
  /** Leaves out events of those types that have no effect, at no cost either. */
  concerns?(event: LogEvent): boolean;
  /** Leaves out what the database says nobody wants, before a transaction begins: a read, no write. Asked after the facts were stored. */
  sift?(events: LogEvent[]): Promise<LogEvent[]>;
  /** Writes the effects through `tx`; what it throws parks the conversation, lost connections are retried. */
  handle(tx: Connection, events: LogEvent[]): Promise<void>;
  /** For work nobody waits for: milliseconds to let facts gather between two batches. Default none. */
  gatherMillis?: number;
  /** After the commit, e.g. to ring a doorbell. */
  onCommitted?(events: LogEvent[]): void;
  onError?(error: unknown): void;
};

class CheckpointMoved extends Error {}

export class LogConsumer {
  private readonly feed: LogFeed;
  private readonly types: Set<string>;
  private readonly leases: Leases;
  private readonly parked: ParkedEvents;
  /** Saved and reached positions of the shards this instance owns. */
  private readonly saved = new Map<number, number>();
  private readonly reached = new Map<number, number>();
  private lastSave = 0;
  private readonly owned = new Set<number>();
  private stopping = false;
  private running: Promise<void> = Promise.resolve();
  private lastShare = 0;

  constructor(private readonly options: LogConsumerOptions) {
    this.types = new Set(options.types);
    this.feed = new LogFeed(options.tail, this.types);
    this.leases = new Leases(options.pool, options.owner);
    this.parked = new ParkedEvents(options.name, options.pool, options.tail);
  }

  async start(): Promise<void> {
    await this.share().catch((error: unknown) => this.options.onError?.(error));
    this.running = this.run();
  }

  /** Finishes the batch in hand, saves, and lets go of its partitions. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.feed.close();
    await this.running;
    await this.save().catch(() => {});
    await this.leases.release([...this.owned].map((p) => this.leaseName(p)).concat(this.instanceName())).catch(() => {});
  }

  /** Positions read but not yet handled, per shard the largest: the lag gauge. */
  lag(): number {
    let lag = 0;
    for (const [shard, reached] of this.reached) lag = Math.max(lag, this.options.tail.position(shard) - reached);
    return lag;
  }

  private leaseName = (partition: number) => `${this.options.name}/partition/${partition}`;
  private instanceName = () => `${this.options.name}/instance/${this.options.owner}`;

  /**
   * Renews what it owns, lets go of more than its fair share, takes free partitions up to it. Runs between two batches, never
   * beside one: what a batch was taken for is still owned when it commits.
   */
  private async share(): Promise<void> {
    this.lastShare = performance.now();
    await this.leases.hold([this.instanceName()]);
    const fair = Math.ceil(PARTITIONS / (await this.leases.instances(`${this.options.name}/instance/`)));
    const mine = [...this.owned];
    const surplus = mine.splice(fair);
    if (surplus.length > 0) await this.leases.release(surplus.map(this.leaseName));
    const all = Array.from({ length: PARTITIONS }, (_, p) => p);
    const taken = await this.leases.heldByOthers(all.map(this.leaseName));
    const free = all.filter((p) => !this.owned.has(p) && !taken.has(this.leaseName(p)));
    // Not all from the same end: two that start together would ask for the same ones.
    const start = Math.floor(Math.random() * free.length);
    const wanted = free.slice(start).concat(free.slice(0, start)).slice(0, fair - mine.length);
    const held = await this.leases.hold([...mine, ...wanted].map(this.leaseName));
    const partitions = new Set([...held].map((name) => Number(name.slice(name.lastIndexOf('/') + 1))));
    for (const p of this.owned) if (!partitions.has(p)) this.leave(p);
    for (const p of partitions) if (!this.owned.has(p)) await this.enter(p);
  }

  private leave(partition: number): void {
    this.owned.delete(partition);
    for (let shard = partition * 4; shard < partition * 4 + 4; shard++) {
      this.feed.unfollow(shard);
      this.saved.delete(shard);
      this.reached.delete(shard);
    }
  }

  private async enter(partition: number): Promise<void> {
    this.owned.add(partition); // first: if the database goes away half-way, starting over must know of it
    const shards = [0, 1, 2, 3].map((i) => partition * 4 + i);
    const { pool, name } = this.options;
    await pool.query(
      `insert into log.checkpoint (consumer, shard, position) select $1, shard, 0 from unnest($2::smallint[]) shard
       on conflict do nothing`, [name, shards],
    );
    const { rows } = await pool.query<{ shard: number; position: number }>(
      'select shard, position from log.checkpoint where consumer = $1 and shard = any ($2)', [name, shards],
    );
    await this.parked.load(partition);
    for (const { shard, position } of rows) {
      this.saved.set(shard, position);
      this.reached.set(shard, position);
      this.feed.follow(shard, position);
    }
  }

  private async run(): Promise<void> {
    let failures = 0;
    let astray = false;
    while (!this.stopping) {
      try {
        // What was taken in the failed attempt is not in the feed any more: nothing goes on before it starts over.
        if (astray) await this.resync();
        astray = false;
        if (performance.now() - this.lastShare > RENEW_MILLIS) await this.share();
        const events = await this.feed.take(BATCH_MAX);
        if (events.length > 0) await this.apply(events);
        if (performance.now() - this.lastSave > IDLE_SAVE_MILLIS) await this.save();
        await this.parked.retry(this.options.handle, this.options.onCommitted);
        // A full batch has gathered enough, and what is past gathers nothing: pausing would bound the consumer below the rate of writes.
        if (this.options.gatherMillis && events.length < BATCH_MAX && this.feed.caughtUp) await pause(this.options.gatherMillis);
        failures = 0;
      } catch (error) {
        if (!(error instanceof CheckpointMoved)) this.options.onError?.(error);
        astray = true;
        await pause(Math.min(50 * 2 ** failures++, 2000));
      }
    }
  }

  /** Somebody else moved a checkpoint, or the database went away: start over from what is stored. */
  private async resync(): Promise<void> {
    for (const partition of this.owned) await this.enter(partition);
  }

  private wants(event: LogEvent): boolean {
    if (!this.types.has(event.type) || event.erased) return false;
    return event.unreadable !== undefined || (this.options.concerns?.(event) ?? true);
  }

  /** What nobody can read, and what waits behind something, is not asked about: it is parked. */
  private async sifted(wanted: LogEvent[]): Promise<LogEvent[]> {
    const { sift } = this.options;
    if (!sift) return wanted;
    const asked = wanted.filter((event) => event.unreadable === undefined && !this.parked.holds(event));
    if (asked.length === 0) return wanted;
    const [kept, asking] = [new Set(await sift(asked)), new Set(asked)];
    return wanted.filter((event) => kept.has(event) || !asking.has(event));
  }

  /** Of the shards it owns, what comes after what was handled; a hole means that something was lost on the way here. */
  private contiguous(events: readonly LogEvent[]): LogEvent[] {
    const reached = new Map(this.reached);
    return events.filter(({ shard, position }) => {
      const before = reached.get(shard);
      if (before === undefined || position <= before) return false;
      if (position > before + 1) throw new CheckpointMoved();
      reached.set(shard, position);
      return true;
    });
  }

  private async apply(taken: readonly LogEvent[]): Promise<void> {
    const events = this.contiguous(taken);
    const wanted = await this.sifted(events.filter((event) => this.wants(event)));
    if (wanted.length === 0) {
      for (const { shard, position } of events) this.reached.set(shard, position);
      return;
    }
    try {
      await this.commit(events, wanted);
    } catch (error) {
      if (error instanceof CheckpointMoved || isConnectionError(error)) throw error;
      // One of them is poison: find it by taking them one at a time.
      this.options.onError?.(error);
      const ofThem = new Set(wanted);
      for (const event of events) await this.applyOne(event, ofThem.has(event));
    }
  }

  private async applyOne(event: LogEvent, isWanted: boolean): Promise<void> {
    const wanted = isWanted ? [event] : [];
    try {
      await this.commit([event], wanted);
    } catch (error) {
      if (error instanceof CheckpointMoved || isConnectionError(error)) throw error;
      await transaction(this.options.pool, async (tx) => {
        await this.move(tx, [event]);
        await this.parked.park(tx, event, error);
      });
      this.moved([event]);
    }
  }

  private async commit(events: readonly LogEvent[], wanted: readonly LogEvent[]): Promise<void> {
    const unreadable = wanted.find((event) => event.unreadable !== undefined && !this.parked.holds(event));
    if (unreadable) throw new Error(unreadable.unreadable); // alone it is parked, see applyOne
    const now = wanted.filter((event) => !this.parked.holds(event));
    const later = wanted.filter((event) => this.parked.holds(event));
    await transaction(this.options.pool, async (tx) => {
      await this.move(tx, events);
      for (const event of later) await this.parked.park(tx, event, 'waits behind an earlier event');
      if (now.length > 0) await this.options.handle(tx, now);
    });
    this.moved(events);
    if (now.length > 0) this.options.onCommitted?.(now);
  }

  /** The statement everything rests on: who does not find the checkpoint where he left it changes nothing. */
  private async move(tx: Connection, events: readonly LogEvent[]): Promise<void> {
    const to = new Map<number, number>();
    for (const { shard, position } of events) if (this.saved.has(shard)) to.set(shard, position);
    const shards = [...to.keys()].sort((a, b) => a - b);
    const { rowCount } = await tx.query(
      `update log.checkpoint c set position = m.new from unnest($2::smallint[], $3::bigint[], $4::bigint[]) m (shard, old, new)
        where c.consumer = $1 and c.shard = m.shard and c.position = m.old`,
      [this.options.name, shards, shards.map((s) => this.saved.get(s)!), shards.map((s) => to.get(s)!)],
    );
    if (rowCount !== shards.length) throw new CheckpointMoved();
  }

  private moved(events: readonly LogEvent[]): void {
    for (const { shard, position } of events) {
      if (!this.saved.has(shard)) continue;
      this.saved.set(shard, position);
      this.reached.set(shard, position);
    }
  }

  private async save(): Promise<void> {
    this.lastSave = performance.now();
    const due = [...this.reached].filter(([shard, position]) => position > this.saved.get(shard)!);
    if (due.length === 0) return;
    const ends = due.map(([shard, position]) => ({ shard, position }) as LogEvent);
    await transaction(this.options.pool, (tx) => this.move(tx, ends));
    this.moved(ends);
  }
}
