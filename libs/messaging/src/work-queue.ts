/**
 * Hands jobs to workers fast, over a JetStream work-queue stream. At least once, in no particular order, and a job may
 * get lost (NATS down, store wiped): the table a job stands in is the truth, and a sweeper publishes again what it says is
 * due. So a handler looks its job up, and finds nothing to do when somebody else did it.
 */
import { RetentionPolicy } from '@nats-io/jetstream';
import { logger } from '@parley/telemetry/logger';
import type { Connection } from './connection.js';
import { NotStored, ReplyInbox } from './reply-inbox.js';
import { ensureStream, NANOS_PER_MS, BROKEN_MS, remakeStream, type WantedStream } from './stream.js';
import { type Consuming, WorkConsumer, type WorkConsumerOptions } from './work-consumer.js';

export type WorkQueueOptions = {
  /** Upper-case name, e.g. `DELIVER`. */
  stream: string;
  /** E.g. `deliver.>`; no other stream may take them. */
  subjects: string[];
  /** Oldest jobs go first beyond this. Default 256 MiB. */
  bytesMax?: number;
  /** Jobs older than this are forgotten, the sweeper knows better by then. Default 24 h. */
  ageMaxMs?: number;
};
type Job = { subject: string; payload: string };

/** Jobs kept from one event-loop turn to the next; more are left to the sweeper. */
const TURN_JOBS_MAX = 10_000;
const log = logger('work-queue');

export class WorkQueue {
  private turn: Job[] = [];
  private readonly inbox: ReplyInbox;
  private readonly consumers = new Set<WorkConsumer>();
  private making: Promise<unknown> | undefined;
  private brokenSince: number | undefined;

  private constructor(private readonly connection: Connection, private readonly wanted: WantedStream) {
    this.inbox = new ReplyInbox(connection);
    connection.onClose(() => this.close());
  }

  /** Makes the stream if it is missing. Throws when JetStream does not answer. */
  static async open(connection: Connection, { stream, subjects, bytesMax, ageMaxMs }: WorkQueueOptions): Promise<WorkQueue> {
    const queue = new WorkQueue(connection, {
      name: stream, subjects, retention: RetentionPolicy.Workqueue, storage: 'file', discard: 'old', num_replicas: 1,
      max_bytes: bytesMax ?? 256 * 2 ** 20, max_age: (ageMaxMs ?? 86_400_000) * NANOS_PER_MS,
    } as WantedStream);
    await queue.ensure();
    return queue;
  }

  /** Never throws and is not awaited: what could not be stored is logged and left to the sweeper. */
  publish(subject: string, payload: object): void {
    if (this.turn.length >= TURN_JOBS_MAX || !this.connection.connected) return;
    // The last job of the turn asks for an acknowledgement: it vouches for those before it, which came the same way.
    if (this.turn.push({ subject, payload: JSON.stringify(payload) }) === 1) setImmediate(() => void this.flush());
  }

  /** Starts a worker; several processes with the same `durable` share the jobs. Comes back by itself after any failure. */
  consume(options: WorkConsumerOptions): Consuming {
    const consumer = new WorkConsumer(this.connection, this.wanted.name, options, { ensure: () => this.ensure(), remake: () => this.remake() });
    this.consumers.add(consumer);
    return { close: async () => { this.consumers.delete(consumer); await consumer.close(); } };
  }

  /** Lets running handlers finish, gives back what was not begun. */
  async close(): Promise<void> {
    await Promise.all([...this.consumers].map((consumer) => consumer.close()));
  }

  private async flush(again?: Job[]): Promise<void> {
    const jobs = again ?? this.turn;
    if (!again) this.turn = [];
    const { reply, ack } = this.inbox.expect();
    try {
      const last = jobs.length - 1;
      for (let i = 0; i < last; i++) this.connection.nats.publish(jobs[i]!.subject, jobs[i]!.payload);
      this.connection.nats.publish(jobs[last]!.subject, jobs[last]!.payload, { reply });
      await ack;
      this.brokenSince = undefined;
    } catch (error) {
      if (error instanceof NotStored && error.reason === 'broken') await this.broken();
      const missing = error instanceof NotStored && error.reason === 'missing';
      log.warn('jobs not stored', { stream: this.wanted.name, jobs: jobs.length, again: missing && !again, error });
      if (!missing || again) return;
      // The stream is gone: make it, hand the jobs over once more, and let our workers find their new consumer.
      await this.ensure().then(() => this.flush(jobs), (reason) => log.warn('stream not made', { stream: this.wanted.name, error: reason }));
      for (const consumer of this.consumers) consumer.restart();
    }
  }

  private async broken(): Promise<void> {
    this.brokenSince ??= Date.now();
    if (Date.now() - this.brokenSince < BROKEN_MS) return;
    this.brokenSince = undefined;
    await this.remake().catch((error: unknown) => log.warn('stream not made anew', { stream: this.wanted.name, error }));
  }

  /** What was in it comes again: the sweeper publishes what is due. */
  private remake(): Promise<unknown> {
    this.making ??= remakeStream(this.connection, this.wanted).finally(() => (this.making = undefined));
    return this.making;
  }

  private ensure(): Promise<unknown> {
    this.making ??= ensureStream(this.connection, this.wanted).finally(() => (this.making = undefined));
    return this.making;
  }
}
