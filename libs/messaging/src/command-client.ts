/**
 * Calls of another service's commands: `remote<ConversationCommands>(connection, 'conversation').addMessage(…)`. All calls
 * of one event-loop turn share a NATS message; there is one reply inbox per client, because `nc.request()` captures a
 * stack per call (measurements: 16 % of a gateway). Refusals arrive as the DomainError the service threw.
 */
import { createInbox, type Msg } from '@nats-io/transport-node';
import { DomainError } from '@parley/domain/domain-error';
import { logger } from '@parley/telemetry/logger';
import { type Answer, batches, joined, subjectOf } from './command-wire.js';
import type { Connection } from './connection.js';

export type RemoteOptions = {
  /** How long an answer may take, milliseconds; then `unavailable` (the command may still have happened). Default 8,000. */
  deadlineMs?: number;
  /** Calls waiting at once; more are refused as `overloaded`. Default 4,096. */
  inFlightMax?: number;
};
type Call = {
  id: number; text: string; until: number; batch: number; sentAt: number;
  resolve: (result: unknown) => void; reject: (error: DomainError) => void;
};

/** Calls made while NATS is away wait this long for its return. */
const HOLD_MS = 1_000;
const SWEEP_MS = 100;
const log = logger('command-client');

/** Every method of T becomes a request. Throws DomainError: the service's own, or `unavailable`, `overloaded`. */
export function remote<T extends object>(connection: Connection, service: string, options?: RemoteOptions): T {
  const client = new CommandClient(connection, service, options);
  const methods = new Map<string, (...args: unknown[]) => Promise<unknown>>();
  return new Proxy({}, {
    get(target, name, receiver) {
      // What `await` and Nest's life cycle look for on any object is not a command.
      if (typeof name === 'symbol' || name in target || name === 'then' || /^(on|before)[A-Z]|^toJSON$/.test(name))
        return Reflect.get(target, name, receiver);
      let method = methods.get(name);
      if (!method) methods.set(name, (method = (...args) => client.call(name, args)));
      return method;
    },
  }) as T;
}

class CommandClient {
  private readonly inbox = createInbox();
  private readonly subject: string;
  private readonly deadlineMs: number;
  private readonly inFlightMax: number;
  /** In the order of their deadlines, as all wait equally long. */
  private readonly waiting = new Map<number, Call>();
  private outgoing: Call[] = [];
  private nextId = 1;
  private nextBatch = 1;
  private sweeper: NodeJS.Timeout | undefined;

  constructor(
    private readonly connection: Connection, service: string,
    { deadlineMs = 8_000, inFlightMax = 4_096 }: RemoteOptions = {},
  ) {
    this.subject = subjectOf(service);
    this.deadlineMs = deadlineMs;
    this.inFlightMax = inFlightMax;
    connection.nats.subscribe(`${this.inbox}.*`, { callback: (error, message) => (error ? this.failAll(error) : this.answered(message)) });
    // Answers to what was under way are lost with the connection: better to say so at once than after the deadline.
    connection.onDisconnect(() => this.fail((call) => call.batch > 0));
    connection.onReconnect(() => this.flush());
    connection.onClose(() => this.failAll());
  }

  call(method: string, args: unknown[]): Promise<unknown> {
    // JSON has no undefined: as null an argument that was not given would be one.
    while (args.length > 0 && args.at(-1) === undefined) args.pop();
    if (this.waiting.size >= this.inFlightMax) return Promise.reject(new DomainError('overloaded'));
    return new Promise((resolve, reject) => {
      const id = this.nextId++;
      const now = Date.now();
      const text = `[${id},${JSON.stringify(method)},${JSON.stringify(args)}]`;
      const call: Call = { id, text, until: now + this.deadlineMs, sentAt: now, batch: 0, resolve, reject };
      this.waiting.set(id, call);
      // setImmediate, not a microtask: it runs after every socket of this turn was read, so their calls travel together.
      if (this.outgoing.push(call) === 1) setImmediate(() => this.flush());
      this.sweeper ??= setInterval(() => this.sweep(), SWEEP_MS);
    });
  }

  private flush(): void {
    if (!this.connection.connected || this.outgoing.length === 0) return;
    const calls = this.outgoing.filter((call) => this.waiting.has(call.id));
    this.outgoing = [];
    for (const group of batches(calls)) {
      const batch = this.nextBatch++;
      for (const call of group) call.batch = batch;
      try {
        const payload = `{"until":${group[0]!.until},"calls":[${joined(group)}]}`;
        this.connection.nats.publish(this.subject, payload, { reply: `${this.inbox}.${batch}` });
      } catch (error) {
        log.error('commands could not be sent', { subject: this.subject, calls: group.length, error });
        this.fail((call) => call.batch === batch);
      }
      // The text is not needed again: a call is never sent twice, as it may have happened.
      for (const call of group) call.text = '';
    }
  }

  private answered(message: Msg): void {
    if (message.data.length === 0) { // nobody listens: the server says so with status 503
      const batch = Number(message.subject.slice(this.inbox.length + 1));
      if (this.fail((call) => call.batch === batch) > 0) log.warn('no service answers', { subject: this.subject });
      return;
    }
    let answers: Answer[];
    try {
      answers = message.json();
      if (!Array.isArray(answers) || !answers.every(Array.isArray)) throw new TypeError('no answers');
    } catch (error) { // what a callback throws would end the reading of all that comes on this connection
      log.error('answers that are not ours', { subject: this.subject, error });
      return;
    }
    for (const answer of answers) {
      const call = this.waiting.get(answer[0]);
      if (!call) continue; // too late
      this.waiting.delete(answer[0]);
      if (answer[1] === 'ok') call.resolve(answer[2]);
      else call.reject(new DomainError(answer[2], answer[3]));
    }
  }

  private sweep(): void {
    const now = Date.now();
    let late = 0;
    for (const call of this.waiting.values()) {
      if (call.until > now) break;
      late += this.refuse(call);
    }
    if (late > 0) log.warn('no answer in time', { subject: this.subject, calls: late, deadlineMs: this.deadlineMs });
    if (!this.connection.connected) {
      this.fail((call) => call.batch === 0 && now - call.sentAt > HOLD_MS);
      this.outgoing = this.outgoing.filter((call) => this.waiting.has(call.id));
    }
    if (this.waiting.size > 0) return;
    clearInterval(this.sweeper);
    this.sweeper = undefined;
  }

  private fail(which: (call: Call) => boolean): number {
    let failed = 0;
    for (const call of this.waiting.values()) if (which(call)) failed += this.refuse(call);
    return failed;
  }

  private failAll(error?: Error): void {
    if (error) log.error('reply inbox refused', { subject: this.subject, error });
    this.fail(() => true);
    this.outgoing = [];
  }

  private refuse(call: Call): 1 {
    this.waiting.delete(call.id);
    call.reject(new DomainError('unavailable'));
    return 1;
  }
}
