/**
 * One TCP connection that speaks SMPP, from either end: requests find their answers by sequence number and are not waited for
 * for ever, what the other end asks goes to `onRequest`. What happens to sessions over several connections is elsewhere.
 */
import type { Socket } from 'node:net';
import { commandIds, isAnswer, type CommandName, type RequestName } from './commands.js';
import { Status } from './command-status.js';
import { decodePdu, encodePdu, MalformedPdu, SEQUENCE_MAX, UnknownCommand, type Fields, type Parameters, type Pdu, type PduOf } from './pdu.js';
import { PduReader } from './pdu-reader.js';

/** The request left, its answer did not come: the other end may have acted on it. */
export class NoAnswer extends Error {
  override name = 'NoAnswer';
}

export type Answer<N extends RequestName> = PduOf<`${N}_resp` & CommandName> | PduOf<'generic_nack'>;
type RequestOptions<N extends RequestName> = {
  parameters?: Parameters;
  timeoutMillis: number;
  signal?: AbortSignal;
  /** Told at most once, after NoAnswer on an open connection: the answer that came all the same, or undefined when none can come. */
  late?(answer: Answer<N> | undefined): void;
};
type Waiting = { command: RequestName; settle(answer: Pdu | undefined, why?: string): void };
/** So many unanswered requests that nobody waits for are remembered. */
const LATE_MAX = 10_000;

export class SmppConnection {
  /** Not asked for before it is set; without it everything but enquire_link is refused. */
  onRequest: (pdu: Pdu) => void = (pdu) => this.refuse(pdu.command, pdu.sequence, Status.wrongState);
  onClose: (error?: Error) => void = () => {};
  onEnquiry: () => void = () => {};
  /** An answer to nothing that was asked. */
  onStrayAnswer: (pdu: Pdu) => void = () => {};
  /** Milliseconds of the monotonic clock. */
  lastHeard = performance.now();
  private readonly waiting = new Map<number, Waiting>();
  private readonly reader = new PduReader();
  private sequence = 0;
  private corked = false;
  private ended = false;

  constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    let failure: Error | undefined;
    socket.on('error', (error) => (failure = error));
    socket.on('data', (chunk: Buffer) => this.read(chunk));
    // Whoever half-closes has nothing more to answer.
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      this.ended = true;
      for (const [sequence, { settle }] of this.waiting) {
        this.waiting.delete(sequence);
        settle(undefined, 'the connection ended');
      }
      this.onClose(failure);
    });
  }

  get open(): boolean { return !this.ended && !this.socket.destroyed; }

  /** Rejects with NoAnswer once it was written; with anything else it never left. */
  request<N extends RequestName>(command: N, fields: Fields<N>, { parameters, timeoutMillis, signal, late }: RequestOptions<N>): Promise<Answer<N>> {
    return new Promise((resolve, reject) => {
      if (!this.open) throw new Error('the connection is closed');
      if (signal?.aborted) throw new Error('nobody waits for it');
      const sequence = this.nextSequence();
      const pdu = encodePdu({ command, sequence, fields, ...(parameters && { parameters }) });
      const giveUp = (why: string) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', aborted);
        reject(new NoAnswer(`${command}: ${why}`));
        if (late && this.waiting.size < LATE_MAX) this.waiting.set(sequence, { command, settle: (answer) => late(answer as Answer<N> | undefined) });
        else this.waiting.delete(sequence);
      };
      const timer = setTimeout(() => giveUp('no answer in time'), timeoutMillis);
      const aborted = () => giveUp('not waited for any longer');
      signal?.addEventListener('abort', aborted, { once: true });
      this.waiting.set(sequence, {
        command,
        settle: (answer, why) => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', aborted);
          if (answer) return resolve(answer as Answer<N>);
          return reject(new NoAnswer(`${command}: ${why}`));
        },
      });
      this.write(pdu);
    });
  }

  answer<N extends CommandName>(command: N, sequence: number, fields: Fields<N>, status: number = Status.ok): void {
    if (this.open) this.write(encodePdu({ command, status, sequence, fields }));
  }

  refuse(command: CommandName, sequence: number, status: number): void {
    if (command === 'deliver_sm' || command === 'data_sm' || command === 'submit_sm') this.answer(`${command}_resp`, sequence, { messageId: '' }, status);
    else this.answer('generic_nack', sequence, {}, status);
  }

  pause(): void { this.socket.pause(); }
  resume(): void { this.socket.resume(); }
  destroy(error?: Error): void { this.socket.destroy(error); }
  /** What was written still leaves. */
  end(): void { this.socket.end(); }

  private read(chunk: Buffer): void {
    this.lastHeard = performance.now();
    try {
      for (const bytes of this.reader.push(chunk)) {
        if (!this.open) return;
        this.take(bytes);
      }
    } catch (error) {
      if (!(error instanceof MalformedPdu)) throw error;
      // Nobody knows where the next packet begins.
      this.answer('generic_nack', 0, {}, Status.invalidLength);
      this.destroy(error);
    }
  }

  private take(bytes: Buffer): void {
    let pdu: Pdu;
    try {
      pdu = decodePdu(bytes);
    } catch (error) {
      if (!(error instanceof MalformedPdu)) throw error;
      return this.takeMalformed(error);
    }
    if (pdu.command === 'enquire_link') {
      this.onEnquiry();
      return this.answer('enquire_link_resp', pdu.sequence, {});
    }
    if (!isAnswer(commandIds[pdu.command])) return this.onRequest(pdu);
    const waiting = this.waiting.get(pdu.sequence);
    if (!waiting || (pdu.command !== 'generic_nack' && pdu.command !== `${waiting.command}_resp`)) return this.onStrayAnswer(pdu);
    this.waiting.delete(pdu.sequence);
    return waiting.settle(pdu);
  }

  /** One packet that is wrong in itself. Asked for again it would be as wrong: a message like that is refused for good. */
  private takeMalformed(error: MalformedPdu): void {
    const { commandId, sequence } = error.header!;
    if (isAnswer(commandId)) {
      if (!(error instanceof UnknownCommand)) this.destroy(error);
    } else if (error instanceof UnknownCommand) this.answer('generic_nack', sequence, {}, Status.invalidCommand);
    else if (commandId === commandIds.deliver_sm) this.refuse('deliver_sm', sequence, Status.permanentApplicationError);
    else this.answer('generic_nack', sequence, {}, Status.invalidLength);
  }

  /** Packets of one turn of the event loop leave together. */
  private write(pdu: Buffer): void {
    if (!this.corked) {
      this.corked = true;
      this.socket.cork();
      setImmediate(() => {
        this.corked = false;
        this.socket.uncork();
      });
    }
    this.socket.write(pdu);
  }

  private nextSequence(): number {
    do this.sequence = this.sequence >= SEQUENCE_MAX ? 1 : this.sequence + 1;
    while (this.waiting.has(this.sequence));
    return this.sequence;
  }
}
