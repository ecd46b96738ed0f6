/**
 * The REST API as requests inside a socket reach it: with the socket's own credentials, so that validation, permissions, pre-event
 * webhooks, idempotency and error codes are the same for both, because they are the same code (ADR 0013).
 */
import { Agent, request, type IncomingMessage } from 'node:http';

export type RestCall = {
  method: string;
  /** As it goes out: below the API's origin, percent-encoded. */
  path: string;
  /** `Authorization` and what goes with it. */
  credentials: Readonly<Record<string, string>>;
  body?: { type: string; text: string } | undefined;
  /** Idempotency-Key. */
  key?: string | undefined;
  headers?: Readonly<Record<string, string>>;
  /** A larger answer becomes 413. */
  answerBytesMax?: number;
};
export type RestAnswer = { status: number; body: any; retryAfter?: number };

const PATIENCE_MILLIS = 25_000; // the SDK waits 30 s
const ANSWER_BYTES_MAX = 16_777_216;
const AT_ONCE = 64;
/** Of requests that wait for their answers or for their turn, over all sockets. */
const WAITING_BYTES_MAX = 67_108_864;
/** What a request without a body holds, about. */
const OVERHEAD_BYTES = 2_048;

/** In the REST API's form. */
export const errorBody = (status: number, code: number, message: string): object => ({ status, code, message, more_info: `https://www.twilio.com/docs/errors/${code}` });
const refusal = (status: number, code: number, message: string): RestAnswer => ({ status, body: errorBody(status, code, message) });

export class RestUpstream {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  private waitingBytes = 0;

  /** `url`: where api-gateway listens, asked for anew with each call. */
  constructor(private readonly url: () => string) {}

  /** Never rejects: 503 when it cannot be reached, does not answer within 25 s, or too much waits already. */
  async call(call: RestCall): Promise<RestAnswer> {
    const bytes = OVERHEAD_BYTES + (call.body?.text.length ?? 0);
    if (this.waitingBytes + bytes > WAITING_BYTES_MAX) return { ...refusal(503, 20503, 'Service unavailable, try again'), retryAfter: 1 };
    this.waitingBytes += bytes;
    try {
      return await this.ask(call);
    } finally {
      this.waitingBytes -= bytes;
    }
  }

  close(): void { this.agent.destroy(); }

  private ask({ method, path, credentials, body, key, headers, answerBytesMax = ANSWER_BYTES_MAX }: RestCall): Promise<RestAnswer> {
    const all = {
      ...headers, ...credentials,
      ...(body && { 'Content-Type': body.type, 'Content-Length': String(Buffer.byteLength(body.text)) }),
      ...(key !== undefined && { 'Idempotency-Key': key }),
    };
    return new Promise((resolve) => {
      const unavailable = () => resolve(refusal(503, 20503, 'Service unavailable, try again'));
      const outgoing = request(this.url() + path, { method, headers: all, agent: this.agent, timeout: PATIENCE_MILLIS }, (incoming) => {
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
          else unavailable();
        });
        incoming.on('error', unavailable);
      });
      outgoing.on('timeout', () => outgoing.destroy());
      outgoing.on('error', unavailable);
      outgoing.on('close', unavailable); // after an answer this changes nothing
      outgoing.end(body?.text);
    });
  }
}

function answerOf({ statusCode, headers }: IncomingMessage, text: string): RestAnswer | undefined {
  try {
    const wait = Number(headers['retry-after'] ?? NaN);
    return { status: statusCode!, body: text === '' ? undefined : JSON.parse(text), ...(Number.isFinite(wait) && { retryAfter: wait }) };
  } catch {
    return undefined;
  }
}
