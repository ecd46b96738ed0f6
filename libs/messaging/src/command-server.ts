/**
 * Answers a service's commands: `serve(connection, 'conversation', commands)`. Every process that serves the same name
 * shares the work (queue group). Calls of a batch run concurrently; the answers of one event-loop turn to one client
 * share a NATS message. A DomainError goes back as it is; any other error stays in our log and becomes `unavailable`.
 */
import type { Msg, Subscription } from '@nats-io/transport-node';
import { DomainError } from '@parley/domain/domain-error';
import { logger } from '@parley/telemetry/logger';
import { answersTo, batches, joined, type RequestBatch, subjectOf } from './command-wire.js';
import type { Connection } from './connection.js';

export type ServeOptions = {
  /** Commands in work at once; more are answered `overloaded`. Default 4,096. */
  inFlightMax?: number;
  /** How long `close` waits for commands in work, milliseconds. Default 10,000. */
  drainMs?: number;
};
export type Serving = { /** Takes no more commands, finishes those in work, sends their answers. */ close(): Promise<void> };
type Commands = Record<string, ((...args: unknown[]) => Promise<unknown>) | undefined>;

/** Clocks of two machines may differ by this much before a call is taken for abandoned. */
const CLOCK_SLACK_MS = 2_000;
const log = logger('command-server');

export function serve(connection: Connection, service: string, commands: object, options?: ServeOptions): Serving {
  const server = new CommandServer(connection, service, commands as Commands, options);
  const forget = connection.onClose(() => server.close());
  return { close: () => { forget(); return server.close(); } };
}

class CommandServer {
  private readonly subscription: Subscription;
  private readonly inFlightMax: number;
  private readonly drainMs: number;
  private inFlight = 0;
  private idle: (() => void) | undefined;
  private answers = new Map<string, Array<{ text: string }>>();
  private closed: Promise<void> | undefined;

  constructor(
    private readonly connection: Connection, private readonly service: string, private readonly commands: Commands,
    { inFlightMax = 4_096, drainMs = 10_000 }: ServeOptions = {},
  ) {
    this.inFlightMax = inFlightMax;
    this.drainMs = drainMs;
    this.subscription = connection.nats.subscribe(subjectOf(service), {
      queue: service,
      callback: (error, message) => (error ? log.error('subscription refused', { service, error }) : this.received(message)),
    });
  }

  close(): Promise<void> { return (this.closed ??= this.drain()); }

  private async drain(): Promise<void> {
    if (this.connection.connected) await this.subscription.drain().catch(() => {});
    else this.subscription.unsubscribe();
    if (this.inFlight > 0) {
      const late = new Promise<void>((resolve) => setTimeout(resolve, this.drainMs).unref());
      await Promise.race([new Promise<void>((resolve) => (this.idle = resolve)), late]);
    }
    this.flush();
    if (this.connection.connected) await this.connection.nats.flush().catch(() => {});
  }

  private received(message: Msg): void {
    if (!message.reply) return;
    const to = answersTo(message.reply);
    let batch: RequestBatch;
    try {
      batch = message.json();
      if (!Array.isArray(batch.calls) || !batch.calls.every(Array.isArray)) throw new TypeError('no calls');
    } catch (error) {
      log.error('a batch that is not ours', { service: this.service, error });
      return;
    }
    const late = Date.now() > batch.until + CLOCK_SLACK_MS;
    if (late) log.warn('abandoned commands dropped', { service: this.service, calls: batch.calls.length });
    else for (const [id, method, args] of batch.calls) void this.run(to, id, method, args);
  }

  private async run(to: string, id: number, method: string, args: unknown[]): Promise<void> {
    if (this.inFlight >= this.inFlightMax) return this.answer(to, refusal(id, new DomainError('overloaded')));
    this.inFlight += 1;
    try {
      if (method in Object.prototype || typeof this.commands[method] !== 'function') throw new Error('no such command');
      const result = await this.commands[method](...args);
      this.answer(to, result === undefined ? `[${id},"ok"]` : `[${id},"ok",${JSON.stringify(result)}]`);
    } catch (error) {
      if (!(error instanceof DomainError)) log.error('command failed', { service: this.service, method, error });
      this.answer(to, refusal(id, error instanceof DomainError ? error : new DomainError('unavailable')));
    } finally {
      this.inFlight -= 1;
      if (this.inFlight === 0) this.idle?.();
    }
  }

  private answer(to: string, text: string): void {
    if (this.answers.size === 0) setImmediate(() => this.flush());
    const waiting = this.answers.get(to);
    if (waiting) waiting.push({ text });
    else this.answers.set(to, [{ text }]);
  }

  private flush(): void {
    const answers = this.answers;
    if (answers.size === 0) return;
    this.answers = new Map();
    for (const [to, items] of answers)
      for (const group of batches(items)) {
        try {
          this.connection.nats.publish(to, `[${joined(group)}]`);
        } catch (error) {
          log.error('answers could not be sent', { service: this.service, calls: group.length, error });
        }
      }
  }
}

const refusal = (id: number, { code, details }: DomainError) =>
  `[${id},"refused",${JSON.stringify(code)},${JSON.stringify(details)}]`;
