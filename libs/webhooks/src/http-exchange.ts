/**
 * Asks somebody else's server over kept connections: the whole answer, bounded in size; no redirect is followed. What went into a
 * connection that the server had closed meanwhile is asked once more over a new one.
 */
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';

export type HttpRequest = {
  method: 'GET' | 'POST';
  headers: Readonly<Record<string, string>>;
  /** Its length is told in a header. */
  body?: string | Buffer | undefined;
  /** `user:password`, sent as Basic. */
  auth?: string | undefined;
  /** Ends it: nothing else bounds how long it may take. */
  signal: AbortSignal;
};
export type ExchangeOptions = {
  /** A connection that nobody uses is kept so long. */
  idleMillis: number;
  /** Of those, so many to one host. */
  maxFree: number;
  /** Decides what names may mean, for all that is asked: a kept connection does not say by which rule it was opened. */
  lookup?: LookupFunction;
};
export type HttpAnswer = { status: number; header(name: string): string | undefined; body: string };

/** What more an answer holds is not read. */
export const ANSWER_BYTES_MAX = 64 * 1024;
/** A connection that was kept from an earlier call was closed at the other end just then: nobody read this one. */
class ClosedMeanwhile extends Error {}

export class HttpExchange {
  private readonly agents: Readonly<Record<string, http.Agent>>;

  private readonly lookup: { lookup?: LookupFunction };

  constructor({ idleMillis, maxFree, ...lookup }: ExchangeOptions) {
    this.lookup = lookup;
    const idle = { keepAlive: true, timeout: idleMillis, maxFreeSockets: maxFree };
    this.agents = { 'http:': new http.Agent(idle), 'https:': new https.Agent(idle) };
  }

  /** Resolves with any answer; rejects with whatever ended it without one. */
  ask(url: URL, request: HttpRequest): Promise<HttpAnswer> {
    const asked = { ...request, ...this.lookup };
    return exchange(url, asked, this.agents[url.protocol]).catch((error: unknown) => {
      if (!(error instanceof ClosedMeanwhile)) throw error;
      return exchange(url, asked, false);
    });
  }
}

/** `agent`: false for a connection of its own. */
function exchange(url: URL, { body, ...asked }: HttpRequest & Pick<ExchangeOptions, 'lookup'>, agent: http.Agent | false | undefined): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { ...asked.headers, ...(body !== undefined && { 'Content-Length': Buffer.byteLength(body) }) };
    const request = (url.protocol === 'https:' ? https : http).request(url, { ...asked, headers, agent });
    let answered = false;
    request.on('error', (error: NodeJS.ErrnoException) =>
      reject(agent && request.reusedSocket && !answered && error.code === 'ECONNRESET' ? new ClosedMeanwhile() : error));
    // Also what is no answer (101) ends a request, and then neither an error nor time tells.
    request.on('close', () => { if (!answered) reject(new Error('no answer')); });
    request.on('response', (answer) => {
      answered = true;
      const parts: Buffer[] = [];
      let size = 0;
      const done = () => resolve({
        status: answer.statusCode!, body: Buffer.concat(parts, Math.min(size, ANSWER_BYTES_MAX)).toString('utf8'),
        header: (name) => { const value = answer.headers[name]; return Array.isArray(value) ? value[0] : value; },
      });
      answer.on('error', reject).on('end', done).on('data', (part: Buffer) => {
        parts.push(part);
        if ((size += part.length) < ANSWER_BYTES_MAX) return;
        done();
        answer.destroy();
      });
    });
    request.end(body);
  });
}
