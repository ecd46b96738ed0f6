/**
 * The websocket at `/v1/stream` on an HTTP server that others share: authentication at the upgrade or by the first frame,
 * then the protocol of docs/websocket.md.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import type { LogTail } from '@parley/event-store/log-tail';
import type { Presence } from '@parley/runtime/presence';
import type { Redis } from 'ioredis';
import { logger } from '@parley/telemetry/logger';
import { metrics } from '@parley/telemetry/metrics';
import { WebSocketServer, type WebSocket } from 'ws';
import { AuthenticationError, type Principal, verifyAccessToken } from '@parley/event-store/access-token';
import { FRAME_BYTES_MAX } from './client-frames.js';
import { Connections } from './connections.js';
import { Dialogue } from './dialogue.js';
import { Doorman } from './doorman.js';
import { Hub } from './hub.js';
import { realtimeLimits, type RealtimeLimits } from './limits.js';
import { Outbox } from './outbox.js';
import { PresenceWatch } from './presence-watch.js';
import { Replayer } from './replayer.js';
import { closing, Session } from './session.js';
import { CLIENT_PATH, type ClientGateway } from './client-sdk/client-gateway.js';
import type { RestUpstream } from './rest-upstream.js';
import type { Signals } from './signals.js';
import { Subscriber } from './subscriber.js';
import { Typing } from './typing.js';
import { basicCredentials, basicPrincipal, UpgradeRefusal } from './upgrade-credentials.js';

export const STREAM_PATH = '/v1/stream';
/** A client is told this long before its token ends. */
const EXPIRY_NOTICE_MILLIS = 180_000;
export type RealtimeDeps = {
  tail: Pick<LogTail, 'subscribe' | 'readConversation'>;
  pool: Pool;
  accounts: Accounts;
  limits?: Partial<RealtimeLimits>;
  /** Where requests inside the websocket go. */
  rest: RestUpstream;
  redis: Redis;
  /** Told who is there. */
  presence: Presence;
  /** Who types, came or went on any instance. */
  signals: Signals;
  /** A chat member's token was right: he exists from now on. */
  welcome?(member: Principal): Promise<void>;
  /** Serves the official client SDK at a path of its own. */
  client?: Pick<ClientGateway, 'upgrade' | 'close'>;
};
export type Realtime = { /** Refuses new sockets with 503 and sends everybody away with 1001, spread over `drainMillis`; resolves when they are gone. */ close(): Promise<void> };

const log = logger('realtime');
const lag = metrics.histogram('parley_realtime_lag_seconds', 'From storing a fact to handing it to the websockets');

/** The tail must have been started. */
export function attachRealtime(server: Server, deps: RealtimeDeps): Realtime {
  const gateway = new Gateway(deps);
  const doorman = new Doorman();
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy()); // Node has taken its own listener off: a reset would end the process
    const path = request.url?.split('?', 1)[0];
    const { client } = deps;
    const enter = (open: () => void) => {
      if (!doorman.enter(socket, open)) answer(socket, 503, { code: 20503, message: 'Too many websockets are being opened, try again' });
    };
    if (path === STREAM_PATH) enter(() => void gateway.upgrade(request, socket, head));
    else if (client && path === CLIENT_PATH) enter(() => client.upgrade(request, socket, head));
    else if (server.listenerCount('upgrade') === 1) answer(socket, 404, { code: 20404, message: 'There is no websocket at this path' });
  };
  server.on('upgrade', onUpgrade);
  return { close: async () => { await Promise.all([gateway.close(), deps.client?.close()]); server.off('upgrade', onUpgrade); } };
}

class Gateway {
  private readonly limits: RealtimeLimits;
  private readonly websockets = new WebSocketServer({
    noServer: true, perMessageDeflate: false, maxPayload: FRAME_BYTES_MAX, clientTracking: true, maxFragments: 64,
    handleProtocols: (offered) => (offered.has('parley.v1') ? 'parley.v1' : false),
  });
  private readonly hub: Hub;
  private readonly connections: Connections<Session>;
  private readonly subscriber: Subscriber;
  private readonly typing: Typing;
  private readonly presence: PresenceWatch;
  private readonly outbox = new Outbox();
  private readonly unsubscribe: () => void;
  private stopping = false;

  constructor(private readonly deps: RealtimeDeps) {
    const { tail, pool, accounts, redis, signals } = deps;
    this.limits = { ...realtimeLimits(), ...deps.limits };
    const max = this.limits.subscriptionsPerSocketMax;
    this.hub = new Hub({
      subscriptionsPerSocketMax: max,
      replay: (subscription) => replayer.start(subscription),
      serviceOf: async (account, conversation) => {
        const { rows } = await pool.query<{ service: string }>(
          'select chat_service_sid as service from model.conversation where sid = $1 and account = $2', [conversation, account]);
        return rows[0]?.service;
      },
    });
    const replayer = new Replayer(tail, (subscription) => this.hub.leave(subscription));
    this.subscriber = new Subscriber(pool, this.hub, replayer, max);
    this.connections = new Connections({
      limits: this.limits, accounts, presence: deps.presence, noticeMillis: EXPIRY_NOTICE_MILLIS, metrics: { prefix: 'parley_realtime', of: '' },
      onGone: (session) => {
        this.hub.remove(session);
        this.presence.remove(session);
      },
    });
    this.typing = new Typing(pool, signals, this.hub);
    this.presence = new PresenceWatch(pool, redis, accounts, signals, this.limits.presenceWatchesMax);
    this.unsubscribe = tail.subscribe((events) => {
      try {
        this.hub.publish(events);
        lag.observe((Date.now() - Date.parse(events.at(-1)!.recordedAt)) / 1000);
      } catch (error) { // the tail's listeners must not throw; sockets heal by resuming
        log.error('fan-out failed', { error });
      }
    });
  }

  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const query = new URLSearchParams(request.url!.split('?')[1] ?? '');
    let principal: Principal | undefined;
    try {
      if (!this.connections.hasRoom) return answer(socket, 503, { code: 20503, message: 'Too many unauthenticated websockets, try again' });
      if (request.headers.authorization !== undefined) principal = await basicPrincipal(request, query, this.deps.accounts);
      if (this.stopping) return answer(socket, 503, { code: 20503, message: 'The server is stopping, try again' });
    } catch (error) {
      if (error instanceof AuthenticationError) return answer(socket, error.code === 20005 ? 403 : 401, error);
      if (error instanceof UpgradeRefusal) return answer(socket, error.status, error);
      log.error('authentication failed', { error });
      return answer(socket, 503, { code: 20503, message: 'Service unavailable, try again' });
    }
    if (socket.destroyed) return;
    this.websockets.handleUpgrade(request, socket, head, (websocket) => this.opened(websocket, socket, request.headers.authorization, principal, query.get('token')));
  }

  async close(): Promise<void> {
    this.stopping = true;
    const { clients } = this.websockets;
    await this.connections.drain(this.limits.drainMillis); // who has not been told yet goes on getting everything
    await Promise.all([...clients].map((client) => new Promise((gone) => client.once('close', gone))));
    this.unsubscribe();
    this.presence.close();
    this.websockets.close();
  }

  private opened(websocket: WebSocket, socket: Duplex, authorization: string | undefined, principal: Principal | undefined, token: string | null): void {
    const session = new Session(websocket, socket, this.outbox, this.limits.lagBytesMax);
    const dialogue = new Dialogue(session, {
      limits: this.limits, connections: this.connections, subscriber: this.subscriber, rest: this.deps.rest, typing: this.typing, presence: this.presence,
      verify: (text) => this.member(text),
    });
    this.connections.add(session);
    websocket.on('error', () => session.gone()); // what is wrong with a frame, `ws` answers with its close code
    websocket.on('close', () => session.gone());
    websocket.on('pong', () => (session.heardAt = Date.now()));
    websocket.on('message', (data, isBinary) => {
      session.heardAt = Date.now();
      if (isBinary) return session.end(closing.binary, 'frames are JSON text');
      dialogue.received((data as Buffer).toString('utf8'));
    });
    if (principal) dialogue.admit(principal, basicCredentials(principal, authorization!));
    else if (token !== null) dialogue.hello(token);
  }

  private async member(token: string): Promise<Principal> {
    const principal = await verifyAccessToken(token, this.deps.accounts);
    await this.deps.welcome?.(principal);
    return principal;
  }
}

/** An HTTP answer instead of the upgrade, in the REST API's error form. */
function answer(socket: Duplex, status: number, { code, message }: { code: number; message: string }): void {
  const body = JSON.stringify({ code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status });
  const reason = { 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 503: 'Service Unavailable' }[status] ?? 'Error';
  const extra = status === 401 ? 'WWW-Authenticate: Basic realm="Parley"\r\n' : status === 503 ? 'Retry-After: 1\r\n' : '';
  socket.end(`HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${
    Buffer.byteLength(body)}\r\n${extra}Connection: close\r\n\r\n${body}`, () => socket.destroy());
}
