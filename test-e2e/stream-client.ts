/** A client of our own websocket as anybody would write one: frames out, frames in, one answer per id. */
import { WebSocket } from 'ws';
import { until, type Parley } from './installation.js';

export type StreamFrame = Record<string, any> & { type: string };

export class StreamClient {
  /** In the order they came; what `next` took is gone. */
  readonly frames: StreamFrame[] = [];
  closed: number | undefined;
  private lastId = 0;

  private constructor(readonly websocket: WebSocket) {
    websocket.on('message', (data) => this.frames.push(JSON.parse(String(data)) as StreamFrame));
    websocket.on('close', (code) => (this.closed = code));
    websocket.on('error', () => {}); // followed by close
  }

  /** Resolves when it is let in: by a token, or with headers. */
  static async open(parley: Parley, { query = '', headers = {}, url = parley.installation.info.wsUrl }: { query?: string; headers?: Record<string, string>; url?: string }): Promise<StreamClient> {
    const client = new StreamClient(new WebSocket(url + query, { headers }));
    await client.next('ready');
    return client;
  }

  send(frame: object): void { this.websocket.send(JSON.stringify(frame)); }

  /** The first frame of that type that fits and was not taken before. */
  async next(type: string, fits: (frame: StreamFrame) => boolean = () => true): Promise<StreamFrame> {
    const taken = await until(async () => {
      const at = this.frames.findIndex((frame) => frame.type === type && fits(frame));
      return at < 0 ? undefined : this.frames.splice(at, 1)[0]!;
    }, `${type}; closed ${this.closed}, last ${JSON.stringify(this.frames.slice(-3))}`);
    return taken;
  }

  async request(method: string, path: string, body?: object, more: object = {}): Promise<StreamFrame> {
    const id = ++this.lastId;
    this.send({ type: 'request', id, method, path, body, ...more });
    return this.next('response', (frame) => frame.id === id);
  }

  async subscribe(): Promise<void> {
    this.send({ type: 'subscribe', conversations: 'all' });
    await this.next('subscribed');
  }

  close(): void { this.websocket.terminate(); }
}
