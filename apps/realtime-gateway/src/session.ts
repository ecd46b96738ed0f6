/** One client's websocket: who it is, what it subscribed to, how it ends. */
import type { Duplex } from 'node:stream';
import { logger } from '@parley/telemetry/logger';
import { metrics } from '@parley/telemetry/metrics';
import type { WebSocket } from 'ws';
import type { Principal } from '@parley/event-store/access-token';
import type { Connected } from './connections.js';
import type { Outbox } from './outbox.js';
import { SocketWriter } from './socket-writer.js';
import type { Subscription } from './subscription.js';
import { textFrame } from './websocket-frame.js';

/** Close codes (docs/websocket.md). */
export const closing = {
  goingAway: 1001, binary: 1003, internal: 1011, malformed: 4000, unauthenticated: 4001, forbidden: 4003, unknownFrame: 4004, lagged: 4008,
  timeout: 4010, tooMany: 4029,
} as const;

/** A client that does not answer a close frame is cut off after this long. */
const CLOSE_MILLIS = 2_000;
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
  /** Requests asked for and not answered yet. */
  inFlight = 0;
  onClosed: () => void = () => {};
  private readonly writer: SocketWriter;
  private ended = false;

  constructor(private readonly websocket: WebSocket, socket: Duplex, outbox: Outbox, lagBytesMax: number) {
    this.writer = new SocketWriter({ websocket, socket, outbox, lagBytesMax, onLag: () => this.lag(), onGone: () => this.gone() });
  }

  /** False as soon as it closes: nothing more is written. */
  get open(): boolean { return !this.ended; }

  get basic(): string | undefined { return this.principal?.expiresAt === undefined ? this.credentials['authorization'] : undefined; }

  get busy(): boolean { return this.inFlight > 0; }

  enqueue(frame: Buffer): void { this.writer.add(frame); }

  say(frame: object): void { this.enqueue(textFrame(JSON.stringify(frame))); }

  /** An answer that refuses one request and leaves the socket open. `code` as in the REST API. */
  refuse(id: string | number | undefined, code: number, message: string, more: object = {}): void {
    this.say({ type: 'error', id, code, message, ...more });
  }

  /** Bytes written and not yet taken by the network, and those about to be written. */
  get backlogWithPending(): number { return this.writer.backlogWithPending; }

  /** Resolves once the client has read most of what it was sent; closes it as too slow after `millis`. */
  async drained(millis: number): Promise<void> {
    if (!(await this.writer.drained(millis))) this.lag();
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
    this.writer.flush();
    if (!this.ended) this.finish(code, reason); // unless it was gone, or lagged
  }

  /** The client reads too slowly. Nothing of what it missed is kept: it resumes from the last position it saw. */
  private lag(): void {
    if (this.ended) return;
    lagged.add();
    log.info('websocket reads too slowly', { account: this.principal?.account, backlog: this.writer.backlog });
    this.writer.lastWord(textFrame('{"type":"lagged","message":"You read too slowly. Connect again and resume from the last position you saw."}'));
    this.finish(closing.lagged, 'reads too slowly, resume from the last position seen');
  }

  private finish(code: number, reason: string): void {
    this.ended = true;
    this.writer.stop();
    this.websocket.close(code, reason);
    setTimeout(() => this.websocket.terminate(), CLOSE_MILLIS).unref();
    this.onClosed();
  }

  /** The connection is gone, by whomever. */
  gone(): void {
    if (this.ended) return;
    this.ended = true;
    this.writer.stop();
    this.onClosed();
  }
}
