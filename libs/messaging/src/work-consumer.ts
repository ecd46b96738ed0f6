/**
 * One worker of a work queue: takes jobs as slots are free, runs the handler, settles. Only this file acknowledges.
 * Whatever breaks (stream or consumer gone, server restarted, silent connection), it starts over until closed.
 */
import { AckPolicy, jetstreamManager } from '@nats-io/jetstream';
import type { Msg } from '@nats-io/transport-node';
import { logger, type Logger } from '@parley/telemetry/logger';
import type { Connection } from './connection.js';
import { PullSession } from './pull-session.js';
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
/** Who can make the stream: if it is missing, and anew when it is of no use any more. */
export type StreamOwner = { ensure(): Promise<unknown>; remake(): Promise<unknown> };

/** Jobs that lie there for two looks, though a slot waits for them, do not come any more. */
const LOOK_MS = 2_000;
const RETRY_MS = [100, 250, 500, 1_000, 2_000];

export class WorkConsumer {
  private readonly log: Logger;
  private readonly abort = new AbortController();
  private readonly running = new Set<Msg>();
  private readonly closing = Promise.withResolvers<void>();
  private isClosing = false;
  private session: PullSession | undefined;
  private oneEnded: (() => void) | undefined;
  private taken = 0;
  private readonly worked: Promise<void>;
  private readonly announcer: NodeJS.Timeout;

  constructor(
    private readonly connection: Connection, private readonly stream: string, private readonly options: WorkConsumerOptions,
    private readonly owner: StreamOwner,
  ) {
    this.log = logger('work-consumer', { stream, durable: options.durable });
    this.announcer = setInterval(() => this.announce(), (options.silenceMs ?? 30_000) / 3).unref();
    this.worked = this.work();
  }

  /** Looks for its consumer anew; called when the stream was made again. */
  restart(): void { void this.session?.stop(); }

  async close(): Promise<void> {
    if (!this.isClosing) this.closing.resolve();
    this.isClosing = true;
    await this.worked;
    const timer = setTimeout(() => this.abort.abort(new Error('the worker is stopping')), this.options.drainMs ?? 10_000);
    while (this.running.size > 0) await new Promise<void>((resolve) => (this.oneEnded = resolve));
    clearTimeout(timer);
    clearInterval(this.announcer);
  }

  private async work(): Promise<void> {
    for (let failures = 0; !this.isClosing;) {
      try {
        await this.ensure();
        if (this.isClosing) return;
        failures = 0;
        const free = () => (this.isClosing ? 0 : this.options.concurrency - this.running.size);
        this.session = new PullSession(this.connection, this.stream, this.options.durable, free, (message) => void this.run(message));
        const watch = this.watch(this.session);
        const reason = await Promise.race([this.session.ended, this.closing.promise.then(() => 'closed')]).finally(() => clearInterval(watch));
        await this.session.stop();
        this.log.debug('session ended', { reason });
      } catch (error) {
        failures += 1;
        if (failures === 1 || failures % 20 === 0) this.log.warn('looking for the consumer again', { failures, error });
        const pause = new Promise((resolve) => setTimeout(resolve, RETRY_MS[Math.min(failures, RETRY_MS.length) - 1]!).unref());
        await Promise.race([pause, this.closing.promise]);
      }
    }
  }

  /**
   * A server can lose the files of a stream that it goes on to take jobs for: when the store is removed under it, and some
   * (2.9.10) when a stream is made while one of that name is still being deleted. It says nothing, so we look for ourselves.
   */
  private watch(session: PullSession): NodeJS.Timeout {
    let before = this.taken;
    let stuck = 0;
    const look = async () => {
      const { consumers } = await jetstreamManager(this.connection.nats, { checkAPI: false });
      const { num_pending, num_ack_pending, config } = await consumers.info(this.stream, this.options.durable);
      const due = num_pending > 0 && num_ack_pending < config.max_ack_pending! && session.waiting && this.taken === before;
      stuck = due ? stuck + 1 : 0;
      if (stuck < 2) return;
      this.log.error('jobs go in and do not come out', { jobs: num_pending });
      await this.owner.remake(); // our session ends with it
    };
    return setInterval(() => {
      if (session.waiting && this.taken === before) look().catch(() => {}); // whatever fails here ends the session itself
      else stuck = 0;
      before = this.taken;
    }, LOOK_MS).unref();
  }

  private async ensure(): Promise<void> {
    if (!this.connection.connected) throw new Error('not connected');
    const { durable, filter, concurrency, silenceMs = 30_000 } = this.options;
    await this.owner.ensure();
    await ensureConsumer(this.connection, this.stream, {
      durable_name: durable, filter_subject: filter, ack_policy: AckPolicy.Explicit, max_deliver: -1,
      ack_wait: silenceMs * NANOS_PER_MS, max_ack_pending: Math.max(1_000, 4 * concurrency),
    });
  }

  private async run(message: Msg): Promise<void> {
    if (this.isClosing) return this.settle(message, '-NAK'); // not begun: somebody else may have it at once
    this.running.add(message);
    this.taken += 1;
    const delivered = deliveriesOf(message);
    try {
      const context = { subject: message.subject, delivered, signal: this.abort.signal };
      const outcome = await this.options.handler(message.json(), context);
      this.settle(message, outcome === 'done' ? '+ACK' : again(outcome.retryAfterMs));
    } catch (error) {
      const retryAfterMs = Math.min(60_000, 1_000 * 2 ** Math.min(delivered - 1, 6));
      this.log.error('handler failed', { subject: message.subject, delivered, retryAfterMs, error });
      this.settle(message, again(retryAfterMs));
    } finally {
      this.running.delete(message);
      this.session?.slotsFreed();
      this.oneEnded?.();
    }
  }

  /** What does not reach the server is handed out again after the silence. */
  private settle(message: Msg, verdict: string): void {
    if (!this.connection.nats.isClosed()) message.respond(verdict);
  }

  /** Tells the server that the handlers are still at work, so that nobody else gets their jobs. */
  private announce(): void {
    for (const message of this.running) this.settle(message, '+WPI');
  }
}

const again = (ms: number) => `-NAK {"delay":${Math.max(0, Math.round(ms)) * NANOS_PER_MS}}`;

/** `$JS.ACK[.<domain>.<account>].<stream>.<consumer>.<deliveries>…`: the short form has nine parts. */
function deliveriesOf({ reply = '' }: Msg): number {
  const parts = reply.split('.');
  return Number(parts[parts.length === 9 ? 4 : 6]);
}
