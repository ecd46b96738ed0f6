/**
 * The REST API as the SDK's requests reach it: with the member's own access token, so that validation, permissions, pre-event
 * webhooks, idempotency and error codes are the same for both, because they are the same code.
 */
import { Agent, request } from 'node:http';
import { TunnelRefusal, type TunnelAnswer } from './tunnel-request.js';

export type RestCall = { method: string; path: string; token: string; form?: URLSearchParams; key?: string | undefined };
export type RestAnswer = TunnelAnswer & { body: any };

const PATIENCE_MILLIS = 25_000; // the SDK waits 30 s
const ANSWER_BYTES_MAX = 16_777_216;
const AT_ONCE = 64;

export class RestUpstream {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

  /** `url`: where api-gateway listens, asked for anew with each call. */
  constructor(private readonly url: () => string) {}

  /** Rejects with TunnelRefusal 503 when it cannot be reached. */
  call({ method, path, token, form, key }: RestCall): Promise<RestAnswer> {
    const body = form?.toString();
    const headers = {
      Authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': String(Buffer.byteLength(body)) }),
      ...(key !== undefined && { 'Idempotency-Key': key }),
    };
    return new Promise((resolve, reject) => {
      const unavailable = () => reject(new TunnelRefusal(503, 20503, 'Service unavailable, try again'));
      const outgoing = request(this.url() + path, { method, headers, agent: this.agent, timeout: PATIENCE_MILLIS }, (incoming) => {
        const chunks: Buffer[] = [];
        let size = 0;
        incoming.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          if ((size += chunk.length) > ANSWER_BYTES_MAX) outgoing.destroy();
        });
        incoming.on('end', () => {
          try {
            const text = Buffer.concat(chunks).toString('utf8');
            resolve({ status: incoming.statusCode!, body: text === '' ? undefined : JSON.parse(text) });
          } catch {
            unavailable();
          }
        });
        incoming.on('error', unavailable);
      });
      outgoing.on('timeout', () => outgoing.destroy());
      outgoing.on('error', unavailable);
      outgoing.on('close', unavailable); // after an answer this changes nothing
      outgoing.end(body);
    });
  }

  close(): void { this.agent.destroy(); }
}
