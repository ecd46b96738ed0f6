/** A client that speaks the official SDK's protocol by hand: for what the SDK would not do. */
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { until } from './steps.ts';

export type Notified = { event_type: string; event?: any; events?: any[]; correlation_id?: number };

export function frame(head: object | string, payload = ''): Buffer {
  const text = typeof head === 'string' ? head : JSON.stringify(head);
  return Buffer.from(`TWILSOCK V3.0 ${Buffer.byteLength(text)}\r\n${text}\r\n${payload}`);
}

export class RawClient {
  readonly notified: Notified[] = [];
  readonly socket: WebSocket;
  private readonly answers = new Map<string, { status: number; body: any }>();

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => {
      const [, head = '{}', payload = ''] = data.toString('utf8').split('\r\n', 3);
      const { method, id, status, http_status } = JSON.parse(head) as { method: string; id: string; status?: { code: number }; http_status?: { code: number } };
      const body = payload === '' ? undefined : JSON.parse(payload);
      if (method === 'notification') this.notified.push(body);
      if (method === 'reply') this.answers.set(id, { status: http_status?.code ?? status!.code, body });
    });
  }

  static async open(url: string, token: string): Promise<RawClient> {
    const client = new RawClient(new WebSocket(url));
    await new Promise((resolve, reject) => client.socket.once('open', resolve).once('error', reject));
    client.socket.send(frame({ method: 'init', id: 'init', token }));
    await client.answer('init');
    return client;
  }

  answer(id: string): Promise<{ status: number; body: any }> { return until(() => this.answers.get(id), `an answer to ${id}`); }

  /** Sends a request and gives its id. */
  ask(http_request: unknown, payload = ''): string {
    const id = `TM${randomUUID()}`;
    this.socket.send(frame({ method: 'message', id, http_request, payload_type: 'application/json', payload_size: Buffer.byteLength(payload) }, payload));
    return id;
  }

  get(path: string, params: object = {}): string { return this.ask({ host: 'h', method: 'GET', path, params }); }

  /** Asks for the events of objects after a position, and waits until it is said what became of that. */
  async subscribe(action: 'establish' | 'cancel', objects: { object_sid: string; object_type: string; last_event_id?: number }[], correlation = Date.now()): Promise<void> {
    this.ask({ host: 'h', method: 'POST', path: '/v4/Subscriptions', params: {} }, JSON.stringify({ action, correlation_id: correlation, requests: objects }));
    const told = () => new Set(this.notified.filter((each) => each.correlation_id === correlation && each.event_type.startsWith('subscription_')).flatMap(({ events }) => events!.map(({ object_sid }) => object_sid as string)));
    await until(() => told().size === objects.length, () => `all of ${objects.length} are told of: ${[...told()].join()}`);
  }

  said(type: string): any[] { return this.notified.filter(({ event_type }) => event_type === type).map(({ event, events }) => event ?? events); }
}
