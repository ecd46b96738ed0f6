/**
 * One websocket, from its opening to its end. It ends when the line is silent too: a line that died without a goodbye is found out
 * by a `ping` that nobody answers.
 */
import type { ClientFrame, ServerFrame } from './frames.js';

/** What is needed of a websocket: browsers' and Node's own, and that of the package `ws`. */
export type WebSocketLike = {
  send(data: string): void;
  close(): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void;
};
export type WebSocketClass = new (url: string) => WebSocketLike;

export type ConnectionParts = {
  /** It is open: say hello. */
  opened(): void;
  frame(frame: ServerFrame): void;
  /** Once, whoever ended it. 1006: there was no goodbye. */
  ended(code: number, reason: string): void;
};

/** From connecting to `ready`. */
const READY_MILLIS = 15_000;
/** From `ping` to any frame, at most. */
const ANSWER_MILLIS = 10_000;

export class Connection {
  private over = false;
  private readonly socket: WebSocketLike;
  private readonly watch: ReturnType<typeof setInterval>;
  private readonly startedAt = Date.now();
  private heardAt = Date.now();
  private pingedAt: number | undefined;
  private silenceMillis: number | undefined;

  constructor(url: string, WebSocketOf: WebSocketClass, private readonly parts: ConnectionParts) {
    this.socket = new WebSocketOf(url);
    this.socket.addEventListener('open', () => { if (!this.over) parts.opened(); });
    this.socket.addEventListener('message', ({ data }) => this.heard(data));
    this.socket.addEventListener('error', () => {}); // `close` follows and says why
    this.socket.addEventListener('close', ({ code, reason }) => this.end(code, reason));
    this.watch = setInterval(() => this.look(), 1_000);
  }

  /** After `ready`: how long a line may be silent before it is asked whether it lives. */
  settled(heartbeatSeconds: number): void {
    this.silenceMillis = heartbeatSeconds * 1_000;
  }

  send(frame: ClientFrame): void {
    if (!this.over) this.socket.send(JSON.stringify(frame));
  }

  /** Ends it at once: nothing of it is heard any more, though a goodbye over a dead line may take minutes. */
  drop(reason: string, code = 1006): void {
    if (this.over) return;
    this.end(code, reason);
    this.socket.close();
  }

  private heard(data: unknown): void {
    if (this.over) return;
    this.heardAt = Date.now();
    this.pingedAt = undefined;
    let frame: ServerFrame;
    try {
      frame = JSON.parse(String(data)) as ServerFrame;
    } catch {
      return this.drop('the server sent something that is no JSON');
    }
    this.parts.frame(frame);
  }

  /** By the clock, not by counting: timers of hidden pages and of machines that slept come late. */
  private look(): void {
    const now = Date.now();
    if (this.silenceMillis === undefined) {
      if (now - this.startedAt > READY_MILLIS) this.drop('the server did not answer');
    } else if (this.pingedAt !== undefined) {
      if (now - this.pingedAt > Math.min(ANSWER_MILLIS, this.silenceMillis)) this.drop('the line is dead');
    } else if (now - this.heardAt > this.silenceMillis) {
      this.pingedAt = now;
      this.send({ type: 'ping' });
    }
  }

  private end(code: number, reason: string): void {
    if (this.over) return;
    this.over = true;
    clearInterval(this.watch);
    this.parts.ended(code, reason);
  }
}
