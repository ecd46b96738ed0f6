/**
 * One client's websocket: who it is, what it subscribed to, what waits to be written. Frames are written to the TCP socket
 * beside `ws`, which writes its own (close, pong) at once and whole, so the two never cut each other's frames.
 */
import type { Duplex } from 'node:stream';
import { logger } from '@parley/telemetry/logger';
import { metrics } from '@parley/telemetry/metrics';
import type { WebSocket } from 'ws';
import type { Principal } from '@parley/event-store/access-token';
import type { Connected } from './connections.js';
import type { Outbox } from './outbox.js';
import type { Subscription } from './subscription.js';
import { textFrame } from './websocket-frame.js';

/** Close codes (docs/websocket.md). */
export const closing = {
  goingAway: 1001, binary: 1003, internal: 1011, malformed: 4000, unauthenticated: 4001, forbidden: 4003, unknownFrame: 4004, lagged: 4008,
  timeout: 4010, tooMany: 4029,
} as const;

/** A client that does not answer a close frame is cut off after this long. */
const CLOSE_MILLIS = 2_000;
const PENDING_FRAMES_MAX = 10_000;
const log = logger('realtime');
const lagged = metrics.counter('parley_realtime_lagged_total', 'Websockets closed because their client read too slowly');

export class Session implements Connected {
  /** By conversation. */
  readonly subscriptions = new Map<string, Subscription>();
  principal: Principal | undefined;
  /** What the REST API is asked with in its name: headers. */
  credentials: Readonly<Record<string, string>> = {};
  /** Subscribed to everything it may see, from these positions (by shard) on. */
  all: readonly number[] | undefined;
  readonly openedAt = Date.now();
  heardAt = Date.now();
  pingedAt = Date.now();
  expiryTold = false;
  onClosed: () => void = () => {};
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private ended = false;

  constructor(
    private readonly websocket: WebSocket, private readonly socket: Duplex, private readonly outbox: Outbox,
    private readonly lagBytesMax: number,
  ) {}

  /** False as soon as it closes: nothing more is written. */
  get open(): boolean { return !this.ended; }

  enqueue(frame: Buffer): void {
    if (this.ended) return;
    this.pendingBytes += frame.length;
    if (this.pending.push(frame) === 1) this.outbox.add(this);
    else if (this.pending.length > PENDING_FRAMES_MAX) this.lag();
  }

  say(frame: object): void { this.enqueue(textFrame(JSON.stringify(frame))); }

  /** An answer that refuses one request and leaves the socket open. `code` as in the REST API. */
  refuse(id: string | number | undefined, code: number, message: string, more: object = {}): void {
    this.say({ type: 'error', id, code, message, ...more });
  }

  flush(): number {
    const { pending, socket } = this;
    if (this.ended || pending.length === 0) return 0;
    if (this.websocket.readyState !== this.websocket.OPEN) { // saying goodbye already: nothing may follow a close frame
      this.gone();
      return 0;
    }
    if (socket.writableLength > this.lagBytesMax) {
      this.lag();
      return 0;
    }
    if (pending.length === 1) socket.write(pending[0]!);
    else {
      socket.cork();
      for (const frame of pending) socket.write(frame);
      socket.uncork();
    }
    this.pending = [];
    this.pendingBytes = 0;
    return pending.length;
  }

  /** Bytes written and not yet taken by the network, and those about to be written. */
  get backlogWithPending(): number { return this.socket.writableLength + this.pendingBytes; }

  /** Resolves once the client has read most of what it was sent; closes it as too slow after `millis`. */
  async drained(millis: number): Promise<void> {
    this.flush();
    if (!this.socket.writableNeedDrain || this.ended) return;
    const drained = await new Promise<boolean>((resolve) => {
      const done = (result: boolean) => {
        clearTimeout(timer);
        this.socket.off('drain', onDrain).off('close', onClose);
        resolve(result);
      };
      const onDrain = () => done(true);
      const onClose = () => done(true);
      const timer = setTimeout(() => done(false), millis);
      this.socket.on('drain', onDrain).on('close', onClose);
    });
    if (!drained) this.lag();
  }

  ping(): void { if (!this.ended) this.websocket.ping(); }

  tokenEnds(expiresAt: number): void { this.say({ type: 'token_expiring', expires_at: new Date(expiresAt).toISOString() }); }

  tokenEnded(): void {
    this.refuse(undefined, 20104, 'Access Token expired or expiration date invalid');
    this.end(closing.unauthenticated, 'token expired');
  }

  revoked(): void { this.end(closing.forbidden, 'account or key no longer active'); }

  serverStops(): void {
    this.say({ type: 'closing', message: 'The server restarts. Connect again and resume from the last position you saw.' });
    this.end(closing.goingAway, 'server restarts, resume');
  }

  /** What was to be said is said first, then the close frame with its code. */
  end(code: number, reason: string): void {
    if (this.ended) return;
    this.flush();
    this.finish(code, reason);
  }

  /** The client reads too slowly. Nothing of what it missed is kept: it resumes from the last position it saw. */
  private lag(): void {
    if (this.ended) return;
    lagged.add();
    log.info('websocket reads too slowly', { account: this.principal?.account, backlog: this.socket.writableLength });
    this.socket.write(textFrame('{"type":"lagged","message":"You read too slowly. Connect again and resume from the last position you saw."}'));
    this.finish(closing.lagged, 'reads too slowly, resume from the last position seen');
  }

  private finish(code: number, reason: string): void {
    this.ended = true;
    this.pending = [];
    this.websocket.close(code, reason);
    setTimeout(() => this.websocket.terminate(), CLOSE_MILLIS).unref();
    this.onClosed();
  }

  /** The connection is gone, by whomever. */
  gone(): void {
    if (this.ended) return;
    this.ended = true;
    this.pending = [];
    this.onClosed();
  }
}
