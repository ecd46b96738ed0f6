/**
 * A websocket client as cheap as a load generator needs it: the handshake, frame headers, and the message as a view of the
 * bytes that came in. Nothing is decoded here. What it sends is short and masked with zeros, which RFC 6455 allows.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** `data[start..end)` is one message, text or binary; valid during the call only. */
export type OnMessage = (data: Buffer, start: number, end: number) => void;

export type WebsocketOptions = {
  url: string;
  /** Whole header lines, e.g. for authentication. */
  headers?: readonly string[];
  /** Which loopback address it comes from: each has ports of its own. */
  localAddress?: string;
  onMessage: OnMessage;
  /** Once, when it is over: the close code (1006 when the connection just broke) and a reason. */
  onEnd?: (code: number, reason: string) => void;
};

const incoming = Buffer.allocUnsafe(1 << 20);
const headersEnd = Buffer.from('\r\n\r\n');
const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };
const OPEN_MILLIS = 15_000;

export class WebsocketConnection {
  private readonly options: WebsocketOptions;
  private socket: Socket | undefined;
  private rest: Buffer | undefined;
  private upgraded = false;
  private ended = false;

  constructor(options: WebsocketOptions) {
    this.options = options;
  }

  /** Resolves when the server has switched protocols. Throws its answer when it refuses. */
  open(): Promise<void> {
    const { hostname, port, host, pathname, search } = new URL(this.options.url);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.socket?.destroy(new Error('no answer to the websocket handshake')), OPEN_MILLIS);
      const opened = (error?: Error) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve();
      };
      const socket = connect({
        host: hostname, port: Number(port), noDelay: true, ...(this.options.localAddress !== undefined && { localAddress: this.options.localAddress }),
        onread: { buffer: incoming, callback: (length, buffer) => this.read(buffer as Buffer, length, opened) },
      });
      this.socket = socket;
      socket.on('error', (error) => {
        opened(error);
        this.end(1006, error.message);
      });
      socket.on('close', () => {
        opened(new Error('connection closed in the handshake'));
        this.end(1006, 'connection closed');
      });
      const lines = [
        `GET ${pathname}${search} HTTP/1.1`, `Host: ${host}`, 'Upgrade: websocket', 'Connection: Upgrade',
        'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`, ...(this.options.headers ?? []),
      ];
      socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    });
  }

  send(text: string): void {
    this.socket?.write(frame(opcodes.text, Buffer.from(text)));
  }

  /** What `binaryFrame` made; the bytes may be used again at once. */
  sendFrame(bytes: Buffer): void {
    this.socket?.write(Buffer.from(bytes));
  }

  /** Without a goodbye, as a network that goes away. */
  destroy(): void {
    this.socket?.destroy();
  }

  /** `data[0..length)` came in. */
  private read(data: Buffer, length: number, opened: (error?: Error) => void): boolean {
    if (this.upgraded && !this.rest) return this.readFrames(data, 0, length);
    const chunk = data.subarray(0, length);
    const all = this.rest ? Buffer.concat([this.rest, chunk]) : chunk;
    this.rest = undefined;
    return this.upgraded ? this.readFrames(all, 0, all.length) : this.readHandshake(all, opened);
  }

  private readHandshake(data: Buffer, opened: (error?: Error) => void): boolean {
    const end = data.indexOf(headersEnd);
    if (end < 0) {
      this.rest = Buffer.from(data);
      return true;
    }
    const head = data.toString('latin1', 0, end);
    if (!head.startsWith('HTTP/1.1 101')) {
      opened(new Error(`no websocket: ${head.split('\r\n')[0]} ${data.toString('latin1', end + 4, end + 300)}`));
      this.socket?.destroy();
      return true;
    }
    this.upgraded = true;
    opened();
    return this.readFrames(data, end + 4, data.length);
  }

  /** Whole frames; what is left of one is kept for the next read. */
  private readFrames(data: Buffer, from: number, to: number): boolean {
    let at = from;
    while (to - at >= 2) {
      let length = data[at + 1]!;
      let start = at + 2;
      if (length === 126) {
        if (to - at < 4) break;
        length = (data[at + 2]! << 8) | data[at + 3]!;
        start = at + 4;
      } else if (length === 127) {
        if (to - at < 10) break;
        length = Number(data.readBigUInt64BE(at + 2));
        start = at + 10;
      }
      const end = start + length;
      if (to < end) break;
      this.handle(data[at]!, data, start, end);
      at = end;
    }
    if (at < to) this.rest = Buffer.from(data.subarray(at, to)); // a copy: the next read overwrites what this is a view of
    return true;
  }

  private handle(first: number, data: Buffer, start: number, end: number): void {
    const opcode = first & 15;
    if (first < 128 || opcode === opcodes.continuation) {
      this.socket?.destroy(new Error('a fragmented message, which this client does not put together'));
    } else if (opcode === opcodes.text || opcode === opcodes.binary) {
      this.options.onMessage(data, start, end);
    } else if (opcode === opcodes.ping) {
      this.socket?.write(frame(opcodes.pong, data.subarray(start, end)));
    } else if (opcode === opcodes.close) {
      this.end(end - start >= 2 ? data.readUInt16BE(start) : 1005, data.toString('utf8', start + 2, end));
      this.socket?.end();
    }
  }

  private end(code: number, reason: string): void {
    if (this.ended) return;
    this.ended = true;
    this.options.onEnd?.(code, reason);
  }
}

/** Of fewer than 65,536 bytes. */
export const binaryFrame = (payload: Buffer): Buffer => frame(opcodes.binary, payload);

function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const header = length < 126 ? Buffer.alloc(6) : Buffer.alloc(8);
  header[0] = 0x80 | opcode;
  if (length < 126) header[1] = 0x80 | length;
  else {
    header[1] = 0x80 | 126;
    header.writeUInt16BE(length, 2);
  }
  return Buffer.concat([header, payload]);
}
