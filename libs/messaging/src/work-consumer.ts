/**
 * One worker of a work queue: takes jobs as slots are free, runs the handler, settles. Only this file acknowledges.
 * Whatever breaks (stream or consumer gone, server restarted, silent connection), it starts over until closed.
 */
import { AckPolicy, type ConsumerMessages, jetstream, type JsMsg } from '@nats-io/jetstream';
import { logger, type Logger } from '@parley/telemetry/logger';
import type { Connection } from './connection.js';
import { ensureConsumer, NANOS_PER_MS } from './stream.js';

/** `done`: never again. `retryAfterMs`: this job comes again, not before that time. */
export type Outcome = 'done' | { retryAfterMs: number };
export type JobContext = {
  subject: string;
  /** How often this job was handed out, from 1. */
  delivered: number;
  /** Aborted when the worker has to stop before the handler is ready. */
  signal: AbortSignal;
};
export type WorkConsumerOptions = {
  /** Names the shared position, e.g. `channel-sms`: letters, digits, `-` and `_`. */
  durable: string;
  /** Subjects it takes, e.g. `deliver.sms.>`; workers of one stream must not overlap. */
  filter: string;
  /** Handlers at work at once in this process. */
  concurrency: number;
  /** A thrown error is logged and the job comes again with growing delay, 1 s to 60 s. */
  handler: (payload: unknown, context: JobContext) => Promise<Outcome>;
  /** A job whose worker is silent for so long goes to another one; longer running handlers stay announced. Default 30 s. */
  silenceMs?: number;
  /** How long `close` waits for running handlers before it aborts their signal. Default 10 s. */
  drainMs?: number;
};
export type Consuming = { close(): Promise<void> };

/** Missing two of these means that the consumer is gone: 2 s after a wipe, jobs flow again. */
const HEARTBEAT_MS = 1_000;
const RETRY_MS = [100, 250, 500, 1_000, 2_000];

export class WorkConsumer {
  private readonly log: Logger;
  private readonly abort = new AbortController();
  private readonly running = new Set<JsMsg>();
  private messages: ConsumerMessages | undefined;
  private slotFree: (() => void) | undefined;
  private closing = false;
  private readonly ended: Promise<void>;
  private readonly announcer: NodeJS.Timeout;

  constructor(
    private readonly connection: Connection, private readonly stream: string, private readonly options: WorkConsumerOptions,
    private readonly ensureStream: () => Promise<unknown>,
  ) {
    this.log = logger('work-consumer', { stream, durable: options.durable });
    this.announcer = setInterval(() => this.announce(), (options.silenceMs ?? 30_000) / 3).unref();
    this.ended = this.work();
  }

  /** Looks for its consumer anew; called when the stream was made again. */
  restart(): void { this.messages?.stop(); }

  async close(): Promise<void> {
    if (this.closing) return this.ended;
    this.closing = true;
    this.messages?.stop();
    this.slotFree?.();
    const timer = setTimeout(() => this.abort.abort(new Error('the worker is stopping')), this.options.drainMs ?? 10_000);
    await this.ended;
    while (this.running.size > 0) await this.oneEnds();
    clearTimeout(timer);
    clearInterval(this.announcer);
  }

  private async work(): Promise<void> {
    for (let failures = 0; !this.closing;) {
      try {
        await this.take(() => (failures = 0));
      } catch (error) {
        if (this.closing) return;
        failures += 1;
        if (failures === 1 || failures % 20 === 0) this.log.warn('looking for the consumer again', { failures, error });
        await this.pause(RETRY_MS[Math.min(failures, RETRY_MS.length) - 1]!);
      }
    }
  }

  private async take(works: () => void): Promise<void> {
    const { durable, filter, concurrency, silenceMs = 30_000 } = this.options;
    await this.ensureStream();
    await ensureConsumer(this.connection, this.stream, {
      durable_name: durable, filter_subject: filter, ack_policy: AckPolicy.Explicit, max_deliver: -1,
      ack_wait: silenceMs * NANOS_PER_MS, max_ack_pending: Math.max(1_000, 4 * concurrency),
    });
    const consumer = await jetstream(this.connection.nats).consumers.get(this.stream, durable);
    if (this.closing) return;
    this.messages = await consumer.consume({
      max_messages: concurrency, expires: 30_000, idle_heartbeat: HEARTBEAT_MS, abort_on_missing_resource: true,
    });
    works();
    for await (const message of this.messages) {
      while (this.running.size >= this.options.concurrency && !this.closing) await this.oneEnds();
      if (this.closing) message.nak(); // not begun: somebody else may have it at once
      else void this.run(message);
    }
  }

  private async run(message: JsMsg): Promise<void> {
    this.running.add(message);
    const { deliveryCount: delivered } = message.info;
    try {
      const outcome = await this.options.handler(message.json(), { subject: message.subject, delivered, signal: this.abort.signal });
      if (outcome === 'done') message.ack();
      else message.nak(Math.max(0, outcome.retryAfterMs));
    } catch (error) {
      const retryAfterMs = Math.min(60_000, 1_000 * 2 ** Math.min(delivered - 1, 6));
      this.log.error('handler failed', { subject: message.subject, delivered, retryAfterMs, error });
      if (!this.connection.nats.isClosed()) message.nak(retryAfterMs);
    } finally {
      this.running.delete(message);
      this.slotFree?.();
    }
  }

  /** Tells the server that the handlers are still at work, so that nobody else gets their jobs. */
  private announce(): void {
    if (this.connection.connected) for (const message of this.running) message.working();
  }

  private oneEnds(): Promise<void> {
    return new Promise((resolve) => (this.slotFree = resolve));
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.slotFree = () => { clearTimeout(timer); resolve(); };
    });
  }
}
