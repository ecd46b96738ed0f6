/**
 * The live end of the log in this process: every fact once, contiguous per shard, from when it was started. Fed from
 * wherever facts turn up first (our own commits, NATS); holes are filled from Postgres, and a poll drives on when nothing
 * turns up at all. Losing, doubling or reordering what is fed changes nothing but the delay.
 */
import type { LogEvent } from '@parley/domain/event';
import type { LogReader } from './log-reader.js';
import { SHARDS } from './shard.js';
import { currentVersion } from './upcasters.js';

/** A hole may close by itself while appends overtake each other; then Postgres is asked. */
const HOLE_PATIENCE_MILLIS = 20;
const POLL_MILLIS = 250;
const HEAL_BATCH = 500;
/** Beyond this many early facts per shard the tail stops keeping them: Postgres has them. */
const EARLY_MAX = 2000;

export type Listener = (events: LogEvent[]) => void;

export class LogTail {
  private readonly next: number[] = [];
  private readonly early: Map<number, LogEvent>[] = Array.from({ length: SHARDS }, () => new Map());
  private readonly listeners = new Set<Listener>();
  private readonly healing = new Set<number>();
  private readonly known: number[] = [];
  private lastPolled: number[] = [];
  private timer: NodeJS.Timeout | undefined;
  private polling = false;
  private stopped = false;

  constructor(
    private readonly reader: LogReader,
    private readonly onError: (error: unknown) => void = () => {},
  ) {}

  /** Starts at the present end of the log. */
  async start(): Promise<void> {
    const heads = await this.reader.heads();
    heads.forEach((head, shard) => {
      this.next[shard] = head + 1;
      this.known[shard] = head;
    });
    this.lastPolled = [...this.next];
    this.timer = setInterval(() => void this.poll(false), POLL_MILLIS);
  }

  stop(): void {
    this.stopped = true;
    clearInterval(this.timer);
    this.listeners.clear();
  }

  /** The last position handed out of a shard. */
  position(shard: number): number {
    return this.next[shard]! - 1;
  }

  /** Returns the function that ends it. Listeners run synchronously, between a commit and its answer: be quick. */
  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  read(shard: number, after: number, limit?: number, wanted?: ReadonlySet<string>): Promise<LogEvent[]> {
    return this.reader.read(shard, after, limit, wanted);
  }

  /** As `LogReader.readPast`. */
  readConversation(shard: number, conversation: string, after: number, limit?: number): Promise<LogEvent[]> {
    return this.reader.readPast(shard, conversation, after, limit);
  }

  /** Facts in any order, repeated or with holes. */
  feed(events: readonly LogEvent[]): void {
    if (this.stopped || this.timer === undefined) return;
    const ready: LogEvent[] = [];
    for (const event of events) {
      const { shard, position } = event;
      const expected = this.next[shard]!;
      if (position < expected) continue;
      if (position > this.known[shard]!) this.known[shard] = position;
      const early = this.early[shard]!;
      if (position > expected) {
        if (early.size < EARLY_MAX) early.set(position, event);
        this.healSoon(shard);
        continue;
      }
      ready.push(readable(event));
      let next = position + 1;
      for (let waiting = early.get(next); waiting; waiting = early.get(next)) {
        ready.push(readable(waiting));
        early.delete(next++);
      }
      this.next[shard] = next;
    }
    if (ready.length > 0) this.tell(ready);
  }

  private tell(events: LogEvent[]): void {
    for (const listener of this.listeners) {
      try {
        listener(events);
      } catch (error) {
        this.onError(error); // one listener's fault must not keep the fact from the others, nor its writer from his answer
      }
    }
  }

  /** Somebody says there is news: look now instead of at the next poll. */
  ring(): void {
    void this.poll(true);
  }

  private healSoon(shard: number): void {
    if (this.healing.has(shard)) return;
    this.healing.add(shard);
    setTimeout(() => void this.heal(shard), HOLE_PATIENCE_MILLIS);
  }

  private async heal(shard: number): Promise<void> {
    try {
      while (!this.stopped && this.next[shard]! <= this.known[shard]!) {
        const before = this.next[shard]!;
        const events = await this.reader.read(shard, before - 1, HEAL_BATCH);
        this.dropStale(shard);
        this.feed(events);
        if (this.next[shard] === before) break; // not visible yet; the poll comes back
      }
    } catch (error) {
      this.onError(error);
    } finally {
      this.healing.delete(shard);
    }
  }

  private dropStale(shard: number): void {
    const early = this.early[shard]!;
    for (const position of early.keys()) if (position < this.next[shard]!) early.delete(position);
  }

  private async poll(now: boolean): Promise<void> {
    if (this.polling || this.stopped) return;
    this.polling = true;
    try {
      const heads = await this.reader.heads();
      heads.forEach((head, shard) => {
        if (head > this.known[shard]!) this.known[shard] = head;
        // What is on its way gets one interval before Postgres is asked for it.
        const stuck = now || this.lastPolled[shard] === this.next[shard];
        if (this.known[shard]! >= this.next[shard]! && stuck && !this.healing.has(shard)) {
          this.healing.add(shard);
          void this.heal(shard);
        }
        this.lastPolled[shard] = this.next[shard]!;
      });
    } catch (error) {
      this.onError(error);
    } finally {
      this.polling = false;
    }
  }
}

/** The bus brings facts of newer builds too: their shape is not guessed at. */
const readable = (event: LogEvent): LogEvent =>
  event.schemaVersion <= currentVersion(event.type)
    ? event
    : { ...event, data: {}, unreadable: `event ${event.type} has schema version ${event.schemaVersion}, this build knows ${currentVersion(event.type)}` };
