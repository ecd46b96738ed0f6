/**
 * HTTP/1.1 as cheap as a load generator needs it, because it shares the processors with what it measures: one kept-alive
 * connection, one request at a time, requests prepared as bytes, of answers only the status and the body's place are read.
 */
import { connect, type Socket } from 'node:net';

/** Called before the next read; `body` is a view that is valid during the call only. */
export type Answered = (status: number, body: Buffer) => void;

/** One for all connections of the process: libuv fills it and hands it out before it reads the next socket. */
const incoming = Buffer.allocUnsafe(1 << 20);
const headersEnd = Buffer.from('\r\n\r\n');

export class HttpConnection {
  private readonly host: string;
  private readonly port: number;
  private socket: Socket | undefined;
  private answered: Answered | undefined;
  private failed: ((error: Error) => void) | undefined;
  private rest: Buffer | undefined;

  constructor(host: string, port: number) {
    this.host = host;
    this.port = port;
  }

  /** Connections that broke are opened again by the next call. */
  open(): Promise<void> {
    this.rest = undefined;
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: this.host, port: this.port, noDelay: true,
        onread: { buffer: incoming, callback: (length, buffer) => this.read((buffer as Buffer).subarray(0, length)) },
      });
      this.socket = socket;
      socket.once('connect', () => resolve());
      socket.on('error', (error) => {
        reject(error);
        this.end(error);
      });
      socket.on('close', () => this.end(new Error('connection closed')));
    });
  }

  /** `request`: a whole request; it must stay as it is until the answer is there. One at a time. */
  send(request: Buffer, answered: Answered, failed: (error: Error) => void): void {
    this.answered = answered;
    this.failed = failed;
    // The server closes connections that were not used for a while (in the first 10 s, or 72 s between requests).
    if (this.socket!.destroyed) void this.open().then(() => this.socket!.write(request), () => {});
    else this.socket!.write(request);
  }

  close(): void {
    this.answered = undefined;
    this.failed = undefined;
    this.socket?.destroy();
  }

  private read(chunk: Buffer): boolean {
    const data = this.rest ? Buffer.concat([this.rest, chunk]) : chunk;
    const end = data.indexOf(headersEnd);
    if (end < 0) return this.keep(data);
    const head = data.toString('latin1', 0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    const status = Number(head.slice(9, 12));
    if (length === undefined && status !== 204) {
      this.socket?.destroy(new Error(`an answer without Content-Length: ${head.slice(0, 200)}`));
      return true;
    }
    const bodyStart = end + 4;
    const bodyEnd = bodyStart + Number(length ?? 0);
    if (data.length < bodyEnd) return this.keep(data);
    this.rest = undefined;
    const { answered } = this;
    this.answered = undefined;
    this.failed = undefined;
    answered?.(status, data.subarray(bodyStart, bodyEnd));
    return true;
  }

  private keep(data: Buffer): boolean {
    this.rest = this.rest ? data : Buffer.from(data); // a view of what the next read overwrites
    return true;
  }

  private end(error: Error): void {
    const { failed } = this;
    this.answered = undefined;
    this.failed = undefined;
    failed?.(error);
  }
}

/** A request as bytes. `headers`: whole lines without line ends. */
export function httpRequest(method: string, path: string, host: string, headers: readonly string[], body = ''): Buffer {
  const form = method === 'POST' ? ['Content-Type: application/x-www-form-urlencoded', `Content-Length: ${Buffer.byteLength(body)}`] : [];
  return Buffer.from([`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...headers, ...form, '', body].join('\r\n'));
}

export const basicAuthorization = (user: string, password: string): string =>
  `Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
