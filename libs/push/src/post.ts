/** One POST to a push service: the whole answer, bounded in size; kept connections; no redirect is followed. */
import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';

export type Posted = { status: number; header(name: string): string | undefined; body: string };

/** What more an answer holds is not read. */
const ANSWER_BYTES_MAX = 64 * 1024;
const idle = { keepAlive: true, timeout: 30_000, maxFreeSockets: 16 };
const agents = { 'http:': new http.Agent(idle), 'https:': new https.Agent(idle) };

/** Rejects with whatever ended it when there is no answer. `lookup` decides what names may mean. */
export function post(url: URL, headers: Record<string, string>, body: string | Buffer, signal: AbortSignal, lookup?: LookupFunction): Promise<Posted> {
  return exchange(url, headers, body, signal, lookup, true).catch((error: unknown) => {
    if (!(error instanceof ClosedMeanwhile)) throw error;
    return exchange(url, headers, body, signal, lookup, false);
  });
}

/** A connection that was kept from an earlier call was closed at the other end just then: nobody read this one. */
class ClosedMeanwhile extends Error {}

function exchange(url: URL, headers: Record<string, string>, body: string | Buffer, signal: AbortSignal, lookup: LookupFunction | undefined, mayReuse: boolean): Promise<Posted> {
  const secure = url.protocol === 'https:';
  return new Promise((resolve, reject) => {
    const request = (secure ? https : http).request(url, {
      method: 'POST', signal, agent: mayReuse && agents[secure ? 'https:' : 'http:'], ...(lookup && { lookup }),
      headers: { ...headers, 'Content-Length': Buffer.byteLength(body) },
    });
    let answered = false;
    request.on('error', (error: NodeJS.ErrnoException) =>
      reject(mayReuse && request.reusedSocket && !answered && error.code === 'ECONNRESET' ? new ClosedMeanwhile() : error));
    request.on('close', () => { if (!answered) reject(new Error('no answer')); });
    request.on('response', (answer) => {
      answered = true;
      const parts: Buffer[] = [];
      let size = 0;
      const done = () => resolve({
        status: answer.statusCode!, body: Buffer.concat(parts).toString('utf8'),
        header: (name) => { const value = answer.headers[name]; return Array.isArray(value) ? value[0] : value; },
      });
      answer.on('error', reject).on('end', done).on('data', (part: Buffer) => {
        parts.push(part);
        if ((size += part.length) <= ANSWER_BYTES_MAX) return;
        done();
        answer.destroy();
      });
    });
    request.end(body);
  });
}
