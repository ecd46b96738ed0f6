/**
 * A bind that is kept: connects, binds, tests the line when it is quiet, reconnects with growing pauses, and holds no more than
 * a window of unanswered submits. Requests never move to another connection: what was not answered is unknown.
 */
import { logger } from '@parley/telemetry/logger';
import { metrics } from '@parley/telemetry/metrics';
import { setTimeout as pause } from 'node:timers/promises';
import { SendError } from '../../send-error.js';
import { isBindRefusal, sendErrorOf, Status } from './command-status.js';
import { NoAnswer, SmppConnection, type Answer } from './connection.js';
import { dial, type Place } from '../../dial.js';
import type { Fields, Parameters, Pdu } from './pdu.js';
import type { Delivered } from './inbound.js';
import { Window } from './window.js';

export type BindAs = 'transceiver' | 'transmitter' | 'receiver';
export type SessionOptions = Place & {
  systemId: string; password: string; systemType: string; addressRange: string;
  bindAs: BindAs;
  windowSize: number;
  enquireLinkMillis: number;
  /** The first pause before another attempt, and the longest; each with up to a half taken off at random. */
  reconnectMillis: readonly [number, number];
  /** For log lines. */
  connection: string;
  /** The status to answer with; what it throws is answered with "later". */
  deliver(pdu: Delivered): Promise<number>;
};
type SubmitOptions = { parameters?: Parameters; signal: AbortSignal; late(answer: Answer<'submit_sm'> | undefined): void };

const INTERFACE_VERSION = 0x34;
/** A session that lasted so long is no failure of the bind. */
const STEADY_MILLIS = 10_000;
/** Messages that are being stored; more wait in the message centre. */
const DELIVERING_MAX = 200;
const UNBIND_MILLIS = 2_000;
/** So long a submit waits for the next attempt to bind; otherwise it fails at once. */
const HOLD_MILLIS = 1_000;
const log = logger('smpp');
let boundSessions = 0;
metrics.gauge('parley_smpp_sessions', 'Sessions that are bound to a message centre', () => boundSessions);
const ends = metrics.counter('parley_smpp_session_ends_total', 'Attempts to bind and sessions, by how they ended');

export class SmppSession {
  private connection: SmppConnection | undefined;
  private readonly window: Window;
  private readonly ending = new AbortController();
  /** Told how the attempt to bind ended that goes on or comes next. */
  private readonly waiting = new Set<() => void>();
  /** Of the monotonic clock: when the next attempt begins, or the last one began. */
  private attemptAt = 0;
  private failure: SendError | undefined;
  private delivering = 0;
  private running: Promise<void> | undefined;

  constructor(private readonly options: SessionOptions) {
    this.window = new Window(options.windowSize);
  }

  start(): this {
    this.running ??= this.run();
    return this;
  }

  get bound(): boolean { return this.connection?.open === true; }
  /** Submits on their way or waiting for their turn. */
  get load(): number { return this.window.load; }

  /**
   * The answer, whatever its status. Throws SendError: `unreachable` or `authentication` when it never left, `no_answer` when
   * it did. Fails at once while the next attempt to bind is more than a second away.
   */
  async submit(fields: Fields<'submit_sm'>, { signal, ...options }: SubmitOptions): Promise<Answer<'submit_sm'>> {
    if (!this.bound) await this.bind(signal);
    const connection = this.connection;
    if (!connection) throw this.failure ?? new SendError('unreachable', 'retryable');
    const leave = await this.window.enter(signal);
    try {
      return await connection.request('submit_sm', fields, { ...options, signal, timeoutMillis: this.options.responseMillis });
    } catch (error) {
      throw error instanceof NoAnswer ? new SendError('no_answer', 'ambiguous', { cause: error }) : new SendError('unreachable', 'retryable', { cause: error });
    } finally {
      leave();
    }
  }

  /** Lets what is on its way come to its end, unbinds. */
  async close(): Promise<void> {
    this.ending.abort();
    const connection = this.connection;
    if (connection?.open) {
      const deadline = AbortSignal.timeout(this.options.responseMillis);
      while ((this.load > 0 || this.delivering > 0) && connection.open && !deadline.aborted) await pause(5);
      await connection.request('unbind', {}, { timeoutMillis: UNBIND_MILLIS }).catch(() => undefined);
      connection.destroy();
    }
    await this.running;
  }

  private async bind(signal: AbortSignal): Promise<void> {
    const soon = this.attemptAt - performance.now() < HOLD_MILLIS;
    if (soon && !this.ending.signal.aborted) await new Promise<void>((resolve) => {
      const done = () => {
        this.waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.waiting.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
    if (!this.bound) throw this.failure ?? new SendError('unreachable', 'retryable');
  }

  private async run(): Promise<void> {
    const [first, longest] = this.options.reconnectMillis;
    for (let failures = 0; !this.ending.signal.aborted; ) {
      const began = performance.now();
      await new Promise<void>((lost) => {
        void this.open(lost).catch((error: unknown) => {
          this.failure = error instanceof SendError ? error : new SendError('unreachable', 'retryable', { cause: error });
          ends.add(1, { end: this.failure.code });
          log.warn('not bound', { connection: this.options.connection, code: this.failure.code, error });
          lost();
        }).then(() => this.attempted());
      });
      this.connection = undefined;
      failures = performance.now() - began > STEADY_MILLIS ? 1 : failures + 1;
      // A password that is wrong now is wrong in a second as well, and some centres lock accounts.
      const most = this.failure?.code === 'authentication' ? longest : Math.min(first * 2 ** (failures - 1), longest);
      const millis = most * (1 - Math.random() / 2);
      this.attemptAt = performance.now() + millis;
      await pause(millis, undefined, { signal: this.ending.signal }).catch(() => undefined);
    }
    this.attempted();
  }

  private attempted(): void {
    for (const done of this.waiting) done();
  }

  /** Resolves once bound; `lost` is called when that is over. */
  private async open(lost: () => void): Promise<void> {
    const { systemId, password, systemType, addressRange, bindAs, connection: name, responseMillis } = this.options;
    const connection = new SmppConnection(await dial(this.options, this.ending.signal));
    const ended = new Promise<Error | undefined>((resolve) => (connection.onClose = resolve));
    connection.onRequest = (pdu) => this.take(connection, pdu);
    const answer = await connection.request(`bind_${bindAs}`, {
      systemId, password, systemType, interfaceVersion: INTERFACE_VERSION, addressTon: 0, addressNpi: 0, addressRange,
    }, { timeoutMillis: responseMillis, signal: this.ending.signal }).catch((error: unknown) => {
      connection.destroy();
      throw error;
    });
    if (answer.status !== Status.ok) {
      connection.destroy();
      log.error('the message centre refuses the bind', { connection: name, status: answer.status });
      throw isBindRefusal(answer.status) ? sendErrorOf(answer.status) : new SendError('unreachable', 'retryable', { cause: sendErrorOf(answer.status) });
    }
    this.connection = connection;
    this.failure = undefined;
    boundSessions++;
    log.info('bound', { connection: name, bindAs });
    void this.keepAlive(connection);
    void ended.then((error) => {
      this.window.clear();
      boundSessions--;
      ends.add(1, { end: this.ending.signal.aborted ? 'closed' : 'lost' });
      if (!this.ending.signal.aborted) log.warn('session lost', { connection: name, error });
      lost();
    });
  }

  private take(connection: SmppConnection, pdu: Pdu): void {
    if (pdu.command === 'deliver_sm' || pdu.command === 'data_sm') return void this.deliver(connection, pdu);
    if (pdu.command !== 'unbind') return connection.refuse(pdu.command, pdu.sequence, Status.invalidCommand);
    connection.answer('unbind_resp', pdu.sequence, {});
    return connection.end();
  }

  /** Answered once it is stored: silence or a refusal makes the message centre deliver it again. */
  private async deliver(connection: SmppConnection, pdu: Delivered): Promise<void> {
    if (++this.delivering >= DELIVERING_MAX) connection.pause();
    const status = await this.options.deliver(pdu).catch((error: unknown) => {
      log.warn('not stored, it is asked for again', { connection: this.options.connection, error });
      return Status.temporaryApplicationError;
    });
    if (--this.delivering < DELIVERING_MAX) connection.resume();
    connection.answer(`${pdu.command}_resp`, pdu.sequence, { messageId: '' }, status);
  }

  private async keepAlive(connection: SmppConnection): Promise<void> {
    const { enquireLinkMillis, responseMillis } = this.options;
    for (let missed = 0; connection.open; ) {
      const quiet = performance.now() - connection.lastHeard;
      if (missed === 0 && quiet < enquireLinkMillis) {
        await pause(enquireLinkMillis - quiet, undefined, { ref: false });
        continue;
      }
      const answered = await connection.request('enquire_link', {}, { timeoutMillis: responseMillis }).then(() => true, () => false);
      missed = answered ? 0 : missed + 1;
      if (missed === 2) connection.destroy(new NoAnswer('two enquire_link without answer'));
    }
  }
}
