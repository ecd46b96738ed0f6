/** A websocket as bare as it comes: the frames that arrived, and how it ended. For members who follow a conversation see Member. */
import { WebSocket } from 'ws';
import { until } from './installation.js';

export type AnyFrame = { type: string; id?: number; code?: number; conversation?: string; conversations?: string[]; event?: string; data?: Record<string, unknown> };

export class Watcher {
  readonly frames: AnyFrame[] = [];
  /** Close code, or the HTTP status that refused the upgrade. */
  ended: number | undefined;
  private readonly websocket: WebSocket;

  constructor(url: string, authorization?: string) {
    this.websocket = new WebSocket(url, { headers: authorization === undefined ? {} : { Authorization: authorization } });
    this.websocket.on('message', (data: Buffer) => this.frames.push(JSON.parse(data.toString()) as AnyFrame));
    this.websocket.on('unexpected-response', (_request, response) => (this.ended = response.statusCode));
    this.websocket.on('close', (code) => (this.ended ??= code));
    this.websocket.on('error', () => {}); // the end tells
  }

  /** When it is open. */
  async send(frame: object): Promise<void> {
    await until(async () => this.websocket.readyState !== WebSocket.CONNECTING, 'the websocket opens');
    this.websocket.send(JSON.stringify(frame));
  }

  frame(type: string, matches: (frame: AnyFrame) => boolean = () => true): Promise<AnyFrame> {
    return until(async () => this.frames.find((frame) => frame.type === type && matches(frame)), `a frame ${type}`);
  }

  end(): Promise<number> {
    return until(async () => this.ended, 'the websocket ends');
  }

  close(): void {
    this.websocket.terminate();
  }
}
