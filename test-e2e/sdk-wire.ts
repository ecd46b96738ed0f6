/** The official client SDK's protocol byte by byte (client-sdk-protocol, sections 4 and 5): for what the SDK itself would not send. */
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { until, type Parley } from './installation.js';

export type WireFrame = { header: Record<string, any>; payload: any };

export function encodeWire(header: object, payload = ''): Buffer {
  const head = JSON.stringify({ ...header, payload_size: Buffer.byteLength(payload), ...(payload !== '' && { payload_type: 'application/json' }) });
  return Buffer.from(`TWILSOCK V3.0 ${Buffer.byteLength(head)}\r\n${head}\r\n${payload}`);
}

export function decodeWire(bytes: Buffer): WireFrame {
  const line = bytes.indexOf('\r\n');
  const stop = line + 2 + Number(bytes.toString('latin1', 14, line));
  const payload = bytes.toString('utf8', stop + 2);
  return { header: JSON.parse(bytes.toString('utf8', line + 2, stop)), payload: payload === '' ? undefined : JSON.parse(payload) };
}

export class SdkWire {
  readonly frames: WireFrame[] = [];
  closed: number | undefined;

  constructor(readonly websocket: WebSocket) {
    websocket.on('message', (data: Buffer) => this.frames.push(decodeWire(data)));
    websocket.on('close', (code) => (this.closed = code));
    websocket.on('error', () => {}); // followed by close
  }

  /** Resolves when `init` was answered with 200. */
  static async open(parley: Parley, token: string): Promise<SdkWire> {
    const wire = new SdkWire(new WebSocket(parley.installation.info.clientWsUrl));
    await new Promise((resolve) => wire.websocket.once('open', resolve));
    wire.send({ method: 'init', id: 'init', token });
    await wire.next(({ header }) => header['method'] === 'reply' && header['id'] === 'init' && header['status'].code === 200);
    return wire;
  }

  send(header: object, payload?: string): void { this.websocket.send(encodeWire(header, payload), { binary: true }); }

  /** The first that fits and was not taken before. */
  next(fits: (frame: WireFrame) => boolean): Promise<WireFrame> {
    return until(async () => {
      const at = this.frames.findIndex(fits);
      return at < 0 ? undefined : this.frames.splice(at, 1)[0]!;
    }, `a frame that fits ${fits.toString()}; closed ${this.closed}, last ${JSON.stringify(this.frames.slice(-2))}`);
  }

  notification(type: string): Promise<WireFrame> {
    return this.next(({ header }) => header['method'] === 'notification' && header['message_type'] === type);
  }

  /** `form`: as the SDK posts that somebody types; else JSON. */
  async request(method: string, path: string, payload?: string, form = false): Promise<{ status: number; body: any }> {
    const id = randomUUID();
    const headers = { 'Content-Type': form ? 'application/x-www-form-urlencoded' : 'application/json' };
    this.send({ method: 'message', id, active_grant: 'ip_messaging', http_request: { host: 'x', path, method, params: {}, headers } }, payload);
    const { header, payload: body } = await this.next((frame) => frame.header['method'] === 'reply' && frame.header['id'] === id);
    return { status: header['http_status'].code, body };
  }

  close(): void { this.websocket.terminate(); }
}
