/** One HTTP/2 connection to APNs, opened when it is needed and again when it broke. Many notifications travel in it side by side. */
import http2, { type ClientHttp2Session } from 'node:http2';
import { PushError } from './push-provider.js';

export type ApnsAnswer = { status: number; retryAfter: string | undefined; body: string };
/** A certificate with its key, and whom to trust if not the usual authorities. */
export type ApnsTls = { cert?: string; key?: string; ca?: string };

/** Apple wishes connections to be kept; one that nobody used for so long is closed. */
const IDLE_MILLIS = 600_000;
const ANSWER_BYTES_MAX = 16 * 1024;

export class ApnsConnection {
  private session: ClientHttp2Session | undefined;

  constructor(private readonly url: string, private readonly tls: ApnsTls) {}

  /** Throws PushError when there is no answer. */
  async post(path: string, headers: Record<string, string>, body: string, signal: AbortSignal): Promise<ApnsAnswer> {
    const session = this.open();
    try {
      return await exchange(session, path, headers, body, signal);
    } catch (error) {
      // Of a connection that is silently dead nothing tells but time: the next one gets a new one.
      if (signal.aborted) this.leave(session);
      throw new PushError('APNs cannot be reached', 'later', { cause: error });
    }
  }

  close(): void {
    if (this.session) this.leave(this.session);
  }

  private open(): ClientHttp2Session {
    if (this.session && !this.session.closed && !this.session.destroyed) return this.session;
    let session: ClientHttp2Session;
    try {
      session = http2.connect(this.url, this.tls);
    } catch (error) {
      throw new PushError('the Certificate and PrivateKey do not fit', 'never', { cause: error });
    }
    // Told at each stream; here it only must not end the process.
    session.on('error', () => {});
    const forget = () => { if (this.session === session) this.session = undefined; };
    session.on('close', forget).on('goaway', forget); // streams that Apple took before it are still answered
    session.setTimeout(IDLE_MILLIS, () => this.leave(session));
    return (this.session = session);
  }

  private leave(session: ClientHttp2Session): void {
    if (this.session === session) this.session = undefined;
    session.close();
    setTimeout(() => session.destroy(), 5_000).unref();
  }
}

function exchange(session: ClientHttp2Session, path: string, headers: Record<string, string>, body: string, signal: AbortSignal): Promise<ApnsAnswer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': path, ...headers, 'content-type': 'application/json' }, { signal });
    let answer: Omit<ApnsAnswer, 'body'> | undefined;
    let text = '';
    stream.setEncoding('utf8');
    stream.on('response', ({ ':status': status = 0, 'retry-after': retryAfter }) => (answer = { status, retryAfter: retryAfter as string | undefined }));
    stream.on('data', (part: string) => { if (text.length < ANSWER_BYTES_MAX) text += part; });
    stream.on('end', () => (answer ? resolve({ ...answer, body: text }) : reject(new Error('no answer'))));
    stream.on('error', reject);
    stream.on('close', () => reject(new Error('the connection ended'))); // after an answer this changes nothing
    stream.end(body);
  });
}
