/**
 * The REST API as requests inside a socket reach it: with the socket's own credentials, so that validation, permissions, pre-event
 * webhooks, idempotency and error codes are the same for both, because they are the same code (ADR 0013).
 */
import { Agent, request, type IncomingMessage } from 'node:http';
import { metrics } from '@parley/telemetry/metrics';
import { FairTurns } from './fair-turns.js';

export type RestCall = {
  /** Whose it is: no account takes the others' turns. */
  account: string;
  method: string;
  /** As it goes out: below the API's origin, percent-encoded. */
  path: string;
  /** `Authorization` and what goes with it. */
  credentials: Readonly<Record<string, string>>;
  body?: { type: string; text: string } | undefined;
  /** Idempotency-Key. */
  key?: string | undefined;
  headers?: Readonly<Record<string, string>>;
  /** It goes out once this has ended and if it is still `wanted` then; it is held as every other until then. */
  after?: { turn: Promise<unknown>; wanted(): boolean };
  /** A larger answer becomes 413. */
  answerBytesMax?: number;
};
/** `chars`: of the body as it came. */
export type RestAnswer = { status: number; body: any; chars: number; retryAfter?: number };

const PATIENCE_MILLIS = 25_000; // the SDK waits 30 s
const ANSWER_BYTES_MAX = 16_777_216;
const AT_ONCE = 64;
const AT_ONCE_PER_ACCOUNT = 16;
/** Of requests that wait for their answers or for their turn, over all sockets, and over those of one account. */
const WAITING_BYTES_MAX = 67_108_864;
const ACCOUNT_WAITING_BYTES_MAX = 8_388_608;
/** What a request without a body holds, about. */
const OVERHEAD_BYTES = 2_048;

/** In the REST API's form. */
export const errorBody = (status: number, code: number, message: string): object => ({ status, code, message, more_info: `https://www.twilio.com/docs/errors/${code}` });
const refusal = (status: number, code: number, message: string): RestAnswer => ({ status, body: errorBody(status, code, message), chars: 0 });
const unavailable = (): RestAnswer => refusal(503, 20503, 'Service unavailable, try again');

export class RestUpstream {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  private readonly turns = new FairTurns(AT_ONCE, AT_ONCE_PER_ACCOUNT);
  private readonly waitingOf = new Map<string, number>();
  private waitingBytes = 0;

  /** `url`: where api-gateway listens, asked for anew with each call. `patienceMillis`: from the call to its whole answer. */
  constructor(private readonly url: () => string, private readonly patienceMillis = PATIENCE_MILLIS) {
    metrics.gauge('parley_realtime_request_bytes', 'Bytes of requests inside websockets that wait for their turn at the REST API or its answer', () => this.waitingBytes);
  }

  /** Never rejects: 503 when it cannot be reached, is not answered within 25 s (its turn included), or too much waits already. */
  async call(call: RestCall): Promise<RestAnswer> {
    const bytes = OVERHEAD_BYTES + (call.body?.text.length ?? 0);
    const { account } = call;
    if (this.waitingBytes + bytes > WAITING_BYTES_MAX || (this.waitingOf.get(account) ?? 0) + bytes > ACCOUNT_WAITING_BYTES_MAX)
      return { ...unavailable(), retryAfter: 1 };
    this.wait(account, bytes);
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), this.patienceMillis);
    try {
      if (call.after && !(await comes(call.after, patience.signal))) return unavailable();
      if (!(await this.turns.enter(account, patience.signal))) return unavailable();
      try {
        const answer = await this.ask(call, patience.signal);
        // What only reads is asked once more, by a new connection.
        return answer ?? (call.method === 'GET' ? await this.ask(call, patience.signal) : undefined) ?? unavailable();
      } finally {
        this.turns.leave(account);
      }
    } finally {
      clearTimeout(timer);
      this.wait(account, -bytes);
    }
  }

  private wait(account: string, bytes: number): void {
    this.waitingBytes += bytes;
    const mine = (this.waitingOf.get(account) ?? 0) + bytes;
    if (mine === 0) this.waitingOf.delete(account);
    else this.waitingOf.set(account, mine);
  }

  close(): void { this.agent.destroy(); }

  /** Undefined: the kept connection it went by broke, as those do whose other end stops; it may or may not have been done. */
  private ask({ method, path, credentials, body, key, headers, answerBytesMax = ANSWER_BYTES_MAX }: RestCall, signal: AbortSignal): Promise<RestAnswer | undefined> {
    const all = {
      ...headers, ...credentials,
      ...(body && { 'Content-Type': body.type, 'Content-Length': String(Buffer.byteLength(body.text)) }),
      ...(key !== undefined && { 'Idempotency-Key': key }),
    };
    return new Promise<RestAnswer | undefined>((resolve) => {
      const fail = () => resolve(unavailable());
      const outgoing = request(this.url() + path, { method, headers: all, agent: this.agent, signal }, (incoming) => {
        const chunks: Buffer[] = [];
        let size = 0;
        incoming.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          if ((size += chunk.length) <= answerBytesMax) return;
          resolve(refusal(413, 20413, `The answer has more than ${answerBytesMax} bytes: ask for a smaller page`));
          outgoing.destroy();
        });
        incoming.on('end', () => {
          const answer = answerOf(incoming, Buffer.concat(chunks).toString('utf8'));
          if (answer) resolve(answer);
          else fail();
        });
        incoming.on('error', fail);
      });
      outgoing.on('error', () => (outgoing.reusedSocket && !signal.aborted ? resolve(undefined) : fail()));
      outgoing.on('close', fail); // after an answer this changes nothing
      outgoing.end(body?.text);
    }).catch(unavailable); // what cannot even be sent, like a header that is none
  }
}

/** False: not in time, or not wanted by then. Who was to come before was given up before. */
async function comes({ turn, wanted }: NonNullable<RestCall['after']>, signal: AbortSignal): Promise<boolean> {
  await Promise.race([turn, new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))]);
  return !signal.aborted && wanted();
}

function answerOf({ statusCode, headers }: IncomingMessage, text: string): RestAnswer | undefined {
  try {
    const wait = Number(headers['retry-after'] ?? NaN);
    return { status: statusCode!, body: text === '' ? undefined : JSON.parse(text), chars: text.length, ...(Number.isFinite(wait) && { retryAfter: wait }) };
  } catch {
    return undefined;
  }
}
