/** The dialogue with one client: its frames one after another, in the order they came (docs/websocket.md). */
import { logger } from '@parley/telemetry/logger';
import { AuthenticationError, type Principal } from '@parley/event-store/access-token';
import type { ClientFrame } from '@parley/contracts/stream/client-frames';
import { FrameError, parseClientFrame } from './client-frames.js';
import type { Connections } from './connections.js';
import type { RealtimeLimits } from './limits.js';
import { Requests } from './requests.js';
import type { PresenceWatch } from './presence-watch.js';
import type { RestUpstream } from './rest-upstream.js';
import { closing, type Session } from './session.js';
import type { Subscriber } from './subscriber.js';
import { TokenBucket } from './token-bucket.js';
import type { Typing } from './typing.js';

export type DialogueParts = {
  limits: RealtimeLimits;
  connections: Connections<Session>;
  subscriber: Subscriber;
  rest: RestUpstream;
  typing: Typing;
  presence: PresenceWatch;
  verify: (token: string) => Promise<Principal>;
};

/** Frames that may wait while one is worked on. */
const QUEUE_MAX = 100;
const QUEUE_BYTES_MAX = 1_048_576;
const log = logger('realtime');

export class Dialogue {
  private readonly bucket: TokenBucket;
  private queued = 0;
  private queuedBytes = 0;
  private work: Promise<void> = Promise.resolve();
  private readonly requests: Requests;

  constructor(private readonly session: Session, private readonly parts: DialogueParts) {
    this.bucket = new TokenBucket(parts.limits.framesPerSecond, 2 * parts.limits.framesPerSecond);
    this.requests = new Requests(session, parts.rest);
  }

  received(text: string): void {
    if (!this.session.open) return;
    const bytes = Buffer.byteLength(text);
    if (!this.bucket.take() || this.queued >= QUEUE_MAX || this.queuedBytes + bytes > QUEUE_BYTES_MAX) return this.session.end(closing.tooMany, 'too many frames');
    let frame: ClientFrame;
    try {
      frame = parseClientFrame(text);
    } catch (error) {
      return this.bad(error as FrameError);
    }
    if (frame.type === 'ping') return this.session.say({ type: 'pong', id: frame.id });
    if (frame.type === 'pong') return;
    this.enqueue(() => this.handle(frame), bytes);
  }

  /** A token given with the address instead of a frame. */
  hello(token: string): void {
    this.enqueue(() => this.authenticate(token, undefined), token.length);
  }

  /** It is known who it is. */
  admit(principal: Principal, credentials: Session['credentials'], id?: string | number): void {
    const { session, parts: { connections } } = this;
    if (connections.admit(session, principal)) return this.ready(principal, credentials, id);
    session.refuse(id, 20429, 'Too many websockets of this account');
    session.end(closing.tooMany, 'too many websockets of this account');
  }

  private ready({ account, identity, service, expiresAt }: Principal, credentials: Session['credentials'], id: string | number | undefined): void {
    this.session.credentials = credentials;
    this.session.say({
      type: 'ready', id, account_sid: account, identity: identity ?? null, chat_service_sid: service ?? null,
      expires_at: expiresAt === undefined ? null : new Date(expiresAt).toISOString(), heartbeat_seconds: this.parts.limits.heartbeatMillis / 1000,
    });
  }

  private enqueue(task: () => Promise<void> | void, bytes: number): void {
    this.queued += 1;
    this.queuedBytes += bytes;
    this.work = this.work.then(async () => {
      this.queued -= 1;
      this.queuedBytes -= bytes;
      if (!this.session.open) return;
      try {
        await task();
      } catch (error) {
        this.broken(error);
      }
    });
  }

  private broken(error: unknown): void {
    log.error('a frame could not be worked on', { account: this.session.principal?.account, error });
    this.session.refuse(undefined, 20503, 'Service unavailable, try again');
    this.session.end(closing.internal, 'internal error, connect again and resume');
  }

  private handle(frame: Exclude<ClientFrame, { type: 'ping' | 'pong' }>): Promise<void> | void {
    if (frame.type === 'hello') return this.authenticate(frame.token, frame.id);
    if (!this.session.principal) {
      this.session.refuse(frame.id, 20003, 'Authenticate: say hello with an access token first');
      return this.session.end(closing.unauthenticated, 'say hello first');
    }
    switch (frame.type) {
      case 'subscribe': return this.parts.subscriber.subscribe(this.session, frame);
      case 'unsubscribe': return this.parts.subscriber.unsubscribe(this.session, frame);
      case 'typing': return this.parts.typing.said(this.session, frame);
      case 'presence': return this.parts.presence.watch(this.session, frame);
      // Answered when the REST API has: what comes next does not wait for it.
      case 'request': return void this.requests.request(frame).catch((error: unknown) => this.broken(error));
      case 'read': return void this.requests.read(frame).catch((error: unknown) => this.broken(error));
    }
  }

  private async authenticate(token: string, id: string | number | undefined): Promise<void> {
    const { session, parts: { connections, verify } } = this;
    if (session.principal && session.principal.expiresAt === undefined)
      return session.refuse(id, 20001, 'This websocket is authenticated by Basic and needs no token');
    try {
      const principal = await verify(token);
      if (!session.open) return;
      const credentials = { authorization: `Bearer ${token}` };
      if (!session.principal) this.admit(principal, credentials, id);
      else if (connections.renew(session, principal)) this.ready(principal, credentials, id);
      else session.refuse(id, 20001, 'The token is for somebody else');
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
      session.refuse(id, error.code, error.message);
      session.end(closing.unauthenticated, 'token refused');
    }
  }

  private bad({ kind, message, id }: FrameError): void {
    this.session.refuse(id, 20001, message);
    if (kind === 'malformed') this.session.end(closing.malformed, 'malformed frame');
    if (kind === 'unknown') this.session.end(closing.unknownFrame, 'unknown frame type');
  }
}
