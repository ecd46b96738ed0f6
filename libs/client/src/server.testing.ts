/** A server that says what a test tells it to: a real websocket, a scripted other end. What Parley itself does is tested at an installation. */
import { clientFrames, type ClientFrameType } from '@parley/contracts/stream/client-frames';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

export type Asked = { type: string; id: number; token?: string; conversations?: 'all' | string[]; from?: Record<string, number>; [field: string]: unknown };

export class ScriptedServer {
  /** What clients said, over all connections. */
  readonly asked: Asked[] = [];
  /** What Parley would not have read. */
  readonly faults: string[] = [];
  connections = 0;
  heartbeatSeconds = 25;
  /** Answers a frame; by default as a server with nothing in it. */
  answer: (frame: Asked, socket: WebSocket) => void = (frame, socket) => this.usual(frame, socket);
  private readonly server = new WebSocketServer({ host: '127.0.0.1', port: 0 });

  private constructor() {
    this.server.on('connection', (socket) => {
      this.connections += 1;
      socket.on('error', () => {});
      socket.on('message', (data: Buffer) => {
        const frame = JSON.parse(data.toString()) as Asked;
        this.asked.push(frame);
        const { error } = clientFrames[frame.type as ClientFrameType].safeParse(frame);
        if (error) this.faults.push(`${data.toString()}: ${error.message}`);
        this.answer(frame, socket);
      });
    });
  }

  static async start(): Promise<ScriptedServer> {
    const scripted = new ScriptedServer();
    await new Promise<void>((resolve) => scripted.server.once('listening', resolve));
    return scripted;
  }

  get url(): string { return `ws://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1/stream`; }

  usual(frame: Asked, socket: WebSocket): void {
    const say = (answer: object) => socket.send(JSON.stringify({ id: frame.id, ...answer }));
    if (frame.type === 'hello')
      say({ type: 'ready', account_sid: 'AC1', identity: 'alice', chat_service_sid: 'IS1', expires_at: null, heartbeat_seconds: this.heartbeatSeconds });
    if (frame.type === 'subscribe') {
      const named = Array.isArray(frame.conversations) ? Object.fromEntries(frame.conversations.map((sid) => [sid, 0])) : {};
      say({ type: 'subscribed', conversations: frame.conversations, positions: { ...named, ...frame.from } });
    }
    if (frame.type === 'ping') say({ type: 'pong' });
    if (frame.type === 'request') say({ type: 'response', status: 200, body: { path: frame['path'] } });
  }

  /** To all who are connected. */
  tell(frame: object | string): void {
    for (const socket of this.server.clients) socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  close(code: number): void {
    for (const socket of this.server.clients) socket.close(code);
  }

  of(type: string): Asked[] { return this.asked.filter((frame) => frame.type === type); }

  async stop(): Promise<void> {
    for (const socket of this.server.clients) socket.terminate();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export const sid = (n: number): string => `CH${String(n).padStart(32, '0')}`;
export const message = (conversation: string, position: number, body = String(position)): object => ({
  type: 'event', conversation, position, version: position, time: '2026-11-22T19:02:23.123Z', event: 'onMessageAdded', data: { body, author: 'bob' },
});

export async function until(check: () => boolean, what: string, millis = 30_000): Promise<void> {
  const deadline = Date.now() + millis;
  while (!check()) {
    if (Date.now() > deadline) throw new Error(`not within ${millis} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
