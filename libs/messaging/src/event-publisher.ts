/**
 * Stores facts in the JetStream stream EVENTS, for services and for subscribers outside. Only the last message of a batch
 * is acknowledged (140,000/s instead of 20,000/s); its place in the stream tells whether all before it were stored too,
 * and if not, all are sent again, each acknowledged: the stream drops by message id what it has. Copies live 72 hours.
 */
import { DiscardPolicy, JetStreamApiError, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import type { LogEvent } from '@parley/domain/event';
import { logger } from '@parley/telemetry/logger';
import type { Connection } from './connection.js';
import { encodeEvent, headersOf, subjectOf } from './event-wire.js';
import { type Ack, NotStored, ReplyInbox } from './reply-inbox.js';
import { ensureStream, NANOS_PER_MS, BROKEN_MS, remakeStream, type WantedStream } from './stream.js';

export type EventPublisherOptions = {
  /** Default `EVENTS`, taking `events.>`. */
  stream?: string;
  root?: string;
  /**
   * Oldest facts leave the stream beyond this. Default 8 GiB, an eighth of it where the server has not got so much: at its
   * limit a stream drops a fact for each it takes, which makes a publish five times as dear (measured).
   */
  bytesMax?: number;
  /** How long facts stay. Default 72 h (design, section 2: personal data leaves the copies by age). */
  ageMaxMs?: number;
  /** Of the shard, raised after a restore: makes the message ids new. Default 1. */
  epochOf?: (shard: number) => number;
};

const BYTES_MAX = 2 ** 33;
/** JetStream's err_code for a limit above what is left of the disk or the account. */
const NO_ROOM = 10_047;
const DUPLICATE_WINDOW_MS = 120_000;
const log = logger('event-publisher');

export class EventPublisher {
  private readonly inbox: ReplyInbox;
  private readonly stream: string;
  private readonly root: string;
  private readonly epochOf: (shard: number) => number;
  /** The stream's last place after our latest batch; undefined: to be asked for. */
  private last: number | undefined;
  private brokenSince: number | undefined;
  private bytesMax: number;
  private previous: Promise<unknown> = Promise.resolve();

  constructor(private readonly connection: Connection, private readonly options: EventPublisherOptions = {}) {
    this.inbox = new ReplyInbox(connection);
    this.stream = options.stream ?? 'EVENTS';
    this.root = options.root ?? 'events';
    this.bytesMax = options.bytesMax ?? BYTES_MAX;
    this.epochOf = options.epochOf ?? (() => 1);
    connection.onReconnect(() => (this.last = undefined)); // another server, perhaps another store
  }

  /** Resolves when all are stored, in this order. Throws when that is not certain: publish the same again. */
  publish(events: readonly LogEvent[]): Promise<void> {
    if (events.length === 0) return Promise.resolve();
    const done = this.previous.then(() => this.store(events));
    this.previous = done.catch(() => {});
    return done;
  }

  private async store(events: readonly LogEvent[]): Promise<void> {
    if (!this.connection.connected) throw new NotStored('disconnected', 'NATS is away');
    const before = (this.last ??= await this.ensure());
    this.last = undefined; // unknown until all is well
    try {
      if (this.brokenSince !== undefined && Date.now() - this.brokenSince > BROKEN_MS) await remakeStream(this.connection, this.wanted());
      const ack = await this.send(events);
      if (ack.duplicate || ack.seq !== before + events.length) {
        log.debug('batch sent again to be sure', { expected: before + events.length, got: ack.seq, duplicate: ack.duplicate });
        if (ack.seq <= before) await this.ensure(); // the stream was made anew: by us or by somebody else
        this.last = await this.sendEach(events);
      } else this.last = ack.seq;
      this.brokenSince = undefined;
    } catch (error) {
      if (error instanceof NotStored && error.reason === 'broken') this.brokenSince ??= Date.now();
      if (!(error instanceof NotStored) || error.reason !== 'missing') throw error;
      log.warn('the stream is gone, making it again', { stream: this.stream });
      await this.ensure();
      this.last = await this.sendEach(events);
    }
  }

  private send(events: readonly LogEvent[]): Promise<Ack> {
    const { reply, ack } = this.inbox.expect();
    const last = events.length - 1;
    for (let i = 0; i < last; i++) this.put(events[i]!);
    this.put(events[last]!, reply);
    return ack;
  }

  /** The stream's last place as far as these acknowledgements tell it. */
  private async sendEach(events: readonly LogEvent[]): Promise<number> {
    const acks = await Promise.all(events.map((event) => {
      const { reply, ack } = this.inbox.expect();
      this.put(event, reply);
      return ack;
    }));
    return acks.reduce((last, { seq }) => Math.max(last, seq), 0);
  }

  private put(event: LogEvent, reply?: string): void {
    const headers = headersOf(event, this.epochOf(event.shard));
    this.connection.nats.publish(subjectOf(this.root, event), encodeEvent(event), reply === undefined ? { headers } : { headers, reply });
  }

  private async ensure(): Promise<number> {
    try {
      return (await ensureStream(this.connection, this.wanted())).state.last_seq;
    } catch (error) {
      if (!(error instanceof JetStreamApiError && error.code === NO_ROOM) || this.bytesMax < BYTES_MAX) throw error;
      this.bytesMax = BYTES_MAX / 8;
      log.warn('the server has little room: copies of facts may leave the stream before their time', { bytesMax: this.bytesMax });
      return this.ensure();
    }
  }

  private wanted(): WantedStream {
    const { ageMaxMs = 72 * 3_600_000 } = this.options;
    return {
      name: this.stream, subjects: [`${this.root}.>`], retention: RetentionPolicy.Limits, storage: StorageType.File,
      discard: DiscardPolicy.Old, max_age: ageMaxMs * NANOS_PER_MS, max_bytes: this.bytesMax,
      duplicate_window: DUPLICATE_WINDOW_MS * NANOS_PER_MS, allow_direct: true,
    };
  }
}
