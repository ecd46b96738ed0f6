/** One official client on its websocket: who it is, what it has open, what is sent to it. */
import type { Principal } from '@parley/event-store/access-token';
import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Connected } from '../connections.js';
import { FairRoom } from '../fair-room.js';
import { FewAtOnce } from '../few-at-once.js';
import type { Outbox } from '../outbox.js';
import { SocketWriter } from '../socket-writer.js';
import { binaryFrame } from '../websocket-frame.js';
import { TokenBucket } from '../token-bucket.js';
import { encodeFrame, type Header } from './frame-codec.js';
import type { ObjectSubscription } from './object-subscription.js';

/** Close codes; the SDK connects again after each of them, unless a `close` frame told it otherwise before. */
export const closing = { goingAway: 1001, text: 1003, internal: 1011, malformed: 4000, unauthenticated: 4001, forbidden: 4003, lagged: 4008, timeout: 4010, tooMany: 4029 } as const;
export type Status = { code: number; status: string; description?: string; errorCode?: number };

const CLOSE_MILLIS = 2_000;
/** What a client may hold unread before nothing more of what it asked for is worked on, and how long. */
const BACKLOG_BYTES = 262_144;
const READ_MILLIS = 30_000;
/** Requests of one client that are worked on; the others wait for their turn. */
const REQUESTS_AT_ONCE = 32;
/** Of its objects that are replayed at the same time: what they read waits in memory until the client has read what came before. */
const REPLAYS_AT_ONCE = 4;
/** Of requests and subscriptions of one client that wait for their turn; beyond it the client is sent away. A thousand conversations take some 5 MB. */
const WAITING_BYTES_MAX = 8_388_608;
/** Each client may hold so many; what it holds beyond comes out of room that all clients share. */
const WAITING_BYTES_ALWAYS = 131_072;
const beyondAlways = (bytes: number): number => Math.max(0, bytes - WAITING_BYTES_ALWAYS);
const waitingOfAll = new FairRoom(134_217_728, WAITING_BYTES_MAX);
/** What all clients together hold, in bytes. */
let held = 0;
export const waitingBytes = (): number => held;
/** Of a client's own objects and subscriptions, waiting for their turn. */
const QUEUED_MAX = 20_000;
/** What a client says: a thousand conversations are opened by some thousand requests, and every event is acknowledged. */
const FRAMES_PER_SECOND = 5_000;
const FRAMES_BURST = 50_000;
/** Names of statuses as clients see them. */
export const statusNames: Readonly<Record<number, string>> = {
  200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'No Content', 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed',
  409: 'Conflict', 413: 'Content Too Large', 429: 'Too Many Requests', 500: 'Internal Server Error', 503: 'Service Unavailable',
};

export class ClientSession implements Connected {
  /** Set by `init`. */
  principal: (Principal & { identity: string; service: string }) | undefined;
  /** SID of the user, from his first look at the configuration or his own objects on. */
  mine: string | undefined;
  /** Its service tells who can be reached. */
  reachable = false;
  initialising = false;
  /** It was connected before, here or elsewhere. */
  again = false;
  /** As it came: the REST API is asked with it. */
  token = '';
  /** By the object's SID. */
  readonly subscriptions = new Map<string, ObjectSubscription>();
  /** What the user is in, once the client follows it: participant by conversation. */
  memberships: Map<string, string> | undefined;
  readonly openedAt = Date.now();
  heardAt = Date.now();
  pingedAt = Date.now();
  expiryTold = false;
  readonly frames = new TokenBucket(FRAMES_PER_SECOND, FRAMES_BURST);
  /** Requests under way, and the bytes of what waits for its turn. */
  inFlight = 0;
  private waitingBytes = 0;
  readonly turns = new FewAtOnce(REQUESTS_AT_ONCE);
  /** What has to be asked once more, because its answer could not wait. */
  readonly repeated = new FewAtOnce(1);
  readonly replays = new FewAtOnce(REPLAYS_AT_ONCE);
  onClosed: () => void = () => {};
  /** Of its tokens. */
  updates: Promise<void> = Promise.resolve();
  /** What belongs to the user's own objects happens one after the other. */
  private chain: Promise<void> = Promise.resolve();
  private queued = 0;
  private draining: Promise<void> | undefined;
  private lastId = 0;
  /** The highest id told of what the user is in: pages of it say no higher one, or the client would pass over what it is told again. */
  private mineId: number | undefined;
  private ended = false;

  private readonly writer: SocketWriter;

  constructor(private readonly websocket: WebSocket, socket: Duplex, outbox: Outbox, lagBytesMax: number) {
    this.writer = new SocketWriter({ websocket, socket, outbox, lagBytesMax, onLag: () => this.finish(closing.lagged, 'reads too slowly'), onGone: () => this.gone() });
  }

  get open(): boolean { return !this.ended; }

  get busy(): boolean { return this.inFlight > 0; }

  /** `frame`: a whole websocket frame, the same bytes for everybody who gets it. */
  send(frame: Buffer): void { this.writer.add(frame); }

  /** Bytes written and not yet taken by the network, and those about to be written. */
  get backlogWithPending(): number { return this.writer.backlogWithPending; }

  /** Has not read what it was sent: nothing more of what it asked for goes out. Look in the same turn as you send, and again after `drained`: others waited for it too. */
  get backlogged(): boolean { return !this.ended && this.backlogWithPending > BACKLOG_BYTES; }

  /** Resolves once the client has read most of it, or is gone; closes it as too slow after 30 s. */
  drained(): Promise<void> { return (this.draining ??= this.drain()); }

  private async drain(): Promise<void> {
    const inTime = await this.writer.drained(READ_MILLIS);
    this.draining = undefined;
    if (!inTime) this.finish(closing.lagged, 'reads too slowly');
  }

  /** False: more than may wait for its turn, nothing is held. Else `release` it. */
  hold(bytes: number): boolean {
    const all = this.waitingBytes + bytes;
    const shared = beyondAlways(all) - beyondAlways(this.waitingBytes);
    if (all > WAITING_BYTES_MAX || (shared > 0 && !waitingOfAll.take(this.principal!.account, shared))) return false;
    this.waitingBytes = all;
    held += bytes;
    return true;
  }

  release(bytes: number): void {
    const left = this.waitingBytes - bytes;
    const shared = beyondAlways(this.waitingBytes) - beyondAlways(left);
    if (shared > 0) waitingOfAll.give(this.principal!.account, shared);
    this.waitingBytes = left;
    held -= bytes;
  }

  say(header: Omit<Header, 'id'> & { id?: string; method: string }, payload?: object): void { this.send(framed(header, payload)); }

  /** Once the client has read what it was sent before. False: it had not, and more than may wait does already; nothing is said. */
  async sayInTurn(header: Header, payload?: object): Promise<boolean> {
    const frame = framed(header, payload);
    if (this.backlogged) {
      if (!this.hold(frame.length)) return false;
      while (this.backlogged) await this.drained();
      this.release(frame.length);
    }
    this.send(frame);
    return true;
  }

  reply(id: string, status: Status, more: object = {}, payload?: object): void {
    this.say({ method: 'reply', id, status, ...more }, payload);
  }

  /** Why, in the SDK's protocol, then the end. */
  dismiss(status: Status, code: number): void {
    this.say({ method: 'close', status });
    this.end(code, status.status);
  }

  ping(): void { this.say({ method: 'ping' }); }

  tokenEnds(): void { this.say({ method: 'client_update', client_update_type: 'token_about_to_expire' }); }

  tokenEnded(): void { this.dismiss({ code: 410, status: 'TOKEN_EXPIRED', description: 'Access Token expired', errorCode: 51207 }, closing.unauthenticated); }

  revoked(): void { this.dismiss({ code: 401, status: 'UNAUTHORIZED', description: 'Account or key no longer active', errorCode: 20003 }, closing.forbidden); }

  serverStops(): void { this.end(closing.goingAway, 'server restarts'); }

  /** What was to be said is said first. */
  end(code: number, reason: string): void {
    if (this.ended) return;
    this.writer.flush();
    if (!this.ended) this.finish(code, reason); // unless it was gone, or lagged
  }

  private finish(code: number, reason: string): void {
    if (this.ended) return;
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

  /**
   * Ids of events of objects that belong to a user, whose facts lie in many shards: the time, in microseconds, always more than
   * what was given out before and than what the client has seen (`seen`), be it from an instance whose clock is ahead.
   */
  nextId(seen = 0): number {
    return (this.lastId = Math.max(Date.now() * 1000, this.lastId + 1, seen + 1));
  }

  nextMineId(seen = 0): number { return (this.mineId = this.nextId(seen)); }

  /** For pages of it; 1 while this connection was told of none: anything told later replaces what such a page says. */
  get pageOfMineId(): number { return this.mineId ?? 1; }

  /** After all that was queued before; `failed` when it throws. Resolves when its turn is over, also when the client was gone by then. */
  async inOrder(work: () => Promise<void>, failed: (error: unknown) => void): Promise<void> {
    if (this.queued >= QUEUED_MAX) return this.end(closing.tooMany, 'too much waits for its turn');
    this.queued++;
    await (this.chain = this.chain.then(() => (this.ended ? undefined : work())).catch(failed).then(() => { this.queued--; }));
  }
}

const framed = (header: Omit<Header, 'id'> & { id?: string; method: string }, payload?: object): Buffer =>
  binaryFrame(encodeFrame({ ...header, id: header.id ?? newId() }, payload && JSON.stringify(payload)));

export const newId = (): string => `TM${randomUUID()}`;
