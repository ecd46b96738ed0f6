/** A client of our own websocket as anybody would write one: frames out, frames in, one answer per id. */
import { Ajv } from 'ajv';
import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { until, type Parley } from './installation.js';

export type StreamFrame = Record<string, any> & { type: string };

type Published = { components: { messages: Record<string, { payload: object }> } };
const published = JSON.parse(readFileSync(new URL('../asyncapi/parley.asyncapi.json', import.meta.url), 'utf8')) as Published;
const ajv = new Ajv({ strict: false, validateFormats: false });
/** Of what the document says the server tells, by name. */
const told = new Map(Object.entries(published.components.messages).filter(([name]) => name.startsWith('server.')).map(([name, { payload }]) => [name.slice('server.'.length), ajv.compile(payload)]));

/** What is not as the document has it; undefined: nothing. */
function fault(frame: StreamFrame): string | undefined {
  const validate = told.get(frame.type === 'event' ? (frame['event'] as string) : frame.type);
  if (!validate) return `no such frame: ${JSON.stringify(frame)}`;
  return validate(frame) ? undefined : `${ajv.errorsText(validate.errors)}: ${JSON.stringify(frame)}`;
}

export class StreamClient {
  /** In the order they came; what `next` took is gone. */
  readonly frames: StreamFrame[] = [];
  closed: number | undefined;
  /** Frames that are not as the AsyncAPI document has them. */
  private readonly faults: string[] = [];
  private lastId = 0;

  private constructor(readonly websocket: WebSocket) {
    websocket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as StreamFrame;
      this.frames.push(frame);
      const found = fault(frame);
      if (found !== undefined) this.faults.push(found);
    });
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

  /** The first frame of that type that fits and was not taken before. Throws when any that came is not as it is documented. */
  async next(type: string, fits: (frame: StreamFrame) => boolean = () => true): Promise<StreamFrame> {
    const taken = await until(async () => {
      const at = this.frames.findIndex((frame) => frame.type === type && fits(frame));
      return at < 0 ? undefined : this.frames.splice(at, 1)[0]!;
    }, `${type}; closed ${this.closed}, last ${JSON.stringify(this.frames.slice(-3))}`);
    if (this.faults.length > 0) throw new Error(this.faults.join('\n'));
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
