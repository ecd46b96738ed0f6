/**
 * The websocket of the official client SDK at `/v3/wsconnect` (docs/client-sdk.md). Nothing of a client is kept but what its
 * open socket needs: after a break it may land on any instance and goes on from the positions it names.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { LogEvent } from '@parley/domain/event';
import { type Principal, verifyAccessToken } from '@parley/event-store/access-token';
import type { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import type { LogTail } from '@parley/event-store/log-tail';
import type { Presence, Somebody } from '@parley/runtime/presence';
import { logger } from '@parley/telemetry/logger';
import { metrics } from '@parley/telemetry/metrics';
import type { Redis } from 'ioredis';
import { WebSocketServer, type WebSocket } from 'ws';
import { Connections } from '../connections.js';
import { presenceLeaseMillis, type RealtimeLimits } from '../limits.js';
import { Outbox } from '../outbox.js';
import type { RestUpstream } from '../rest-upstream.js';
import { TYPING_SHOWN_SECONDS, type Signals, type Typing } from '../signals.js';
import { ClientApi } from './client-api.js';
import { ClientDialogue } from './client-dialogue.js';
import { ClientSession, closing, waitingBytes } from './client-session.js';
import { clientLinks } from './configuration.js';
import { ContentTemplates } from './content-templates.js';
import { ConversationCounts } from './conversation-counts.js';
import { FRAME_BYTES_MAX } from './frame-codec.js';
import { Registrations } from './registrations.js';
import { Rooms } from './rooms.js';
import { MessageRecipients } from './message-recipients.js';
import { OnlineAgain } from './online-again.js';
import { Subscriptions } from './subscriptions.js';
import { SyncApi } from './sync-api.js';
import { notification } from './sync-events.js';
import { SyncReads } from './sync-reads.js';
import { Tunnel } from './tunnel.js';
import { UserObjects } from './user-objects.js';

export const CLIENT_PATH = '/v3/wsconnect';
/** As Twilio does: the application has time to fetch another token. */
const EXPIRY_NOTICE_MILLIS = 240_000;
export type ClientGatewayDeps = {
  tail: Pick<LogTail, 'subscribe' | 'readConversation'>;
  pool: Pool;
  accounts: Accounts;
  signals: Signals;
  redis: Redis;
  presence: Presence;
  limits: RealtimeLimits;
  publicUrl: string;
  rest: RestUpstream;
  /** He exists from now on. `missing`: he certainly does not yet. */
  welcome(member: Principal, missing?: boolean): Promise<void>;
};

const log = logger('client-sdk');

export class ClientGateway {
  private readonly websockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: FRAME_BYTES_MAX, clientTracking: true, maxFragments: 64 });
  private readonly reads: SyncReads;
  private readonly rooms: Rooms;
  private readonly users: UserObjects;
  private readonly subscriptions: Subscriptions;
  private readonly connections: Connections<ClientSession>;
  private readonly dialogue: ClientDialogue;
  private readonly outbox = new Outbox();
  private readonly online: OnlineAgain;
  private readonly unsubscribe: () => void;
  private stopping = false;

  constructor(private readonly deps: ClientGatewayDeps) {
    const { tail, pool, accounts, signals, rest, redis, presence, limits, publicUrl } = deps;
    this.online = new OnlineAgain(redis, presenceLeaseMillis() / 2, ({ service, identity }) => this.users.reachabilityChanged(service, identity));
    const online = (who: Somebody) => this.online.isOnline(who);
    const links = clientLinks(publicUrl);
    this.reads = new SyncReads(pool);
    this.rooms = new Rooms(this.reads, (subscription) => this.subscriptions.dismiss(subscription));
    this.users = new UserObjects(this.reads, online, (session, conversation) => this.subscriptions.leave(session, conversation));
    this.subscriptions = new Subscriptions(tail, this.reads, this.rooms, this.users, 3 * limits.subscriptionsPerSocketMax);
    this.connections = new Connections({
      limits, accounts, presence, noticeMillis: EXPIRY_NOTICE_MILLIS, metrics: { prefix: 'parley_client_sdk', of: ' of the official client SDK' },
      onGone: (session) => this.subscriptions.remove(session),
    });
    const tunnel = new Tunnel({
      api: new ClientApi(rest, links, new ConversationCounts(pool), new ContentTemplates(pool), new MessageRecipients(pool)),
      sync: new SyncApi(this.reads, new URL(publicUrl).origin, online), registrations: new Registrations(rest), subscriptions: this.subscriptions, signals, pool, links, publicUrl,
    });
    this.dialogue = new ClientDialogue(tunnel, this.connections, this.reads, (token) => this.member(token), (member) => deps.welcome(member, true));
    metrics.gauge('parley_client_sdk_waiting_bytes', 'Bytes of requests of the official client SDK that wait for their turn or their answer', waitingBytes);
    metrics.gauge('parley_client_sdk_open', 'Objects that clients of the official client SDK have open or follow', () => this.rooms.size + this.users.size);
    signals.onTyping((typing) => this.showTyping(typing));
    signals.onReachability(({ service, identity }) => this.users.reachabilityChanged(service, identity));
    this.unsubscribe = tail.subscribe((events) => this.publish(events));
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.stopping || !this.connections.hasRoom) return void socket.end('HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n', () => socket.destroy());
    this.websockets.handleUpgrade(request, socket, head, (websocket) => this.opened(websocket, socket));
  }

  /** Sends everybody away; the SDK is back within a second, elsewhere (its own "move" would cost it three). */
  async close(): Promise<void> {
    this.stopping = true;
    await this.connections.drain(this.deps.limits.drainMillis); // who has not been told yet goes on getting everything
    await Promise.all([...this.websockets.clients].map((client) => new Promise((gone) => client.once('close', gone))));
    this.unsubscribe();
    this.online.close();
    this.websockets.close();
  }

  private opened(websocket: WebSocket, socket: Duplex): void {
    const session = new ClientSession(websocket, socket, this.outbox, this.deps.limits.lagBytesMax);
    this.connections.add(session);
    websocket.on('error', () => session.gone()); // what is wrong with a frame, `ws` answers with its close code
    websocket.on('close', () => session.gone());
    websocket.on('message', (data, isBinary) => {
      session.heardAt = Date.now();
      if (isBinary) this.dialogue.received(session, data as Buffer);
      else session.dismiss({ code: 406, status: 'NOT_ACCEPTABLE', description: 'Messages are binary' }, closing.text);
    });
  }

  private async member(token: string): Promise<Principal> {
    const principal = await verifyAccessToken(token, this.deps.accounts);
    await this.deps.welcome(principal);
    return principal;
  }

  private publish(events: readonly LogEvent[]): void {
    for (const event of events) {
      try {
        this.rooms.publish(event);
        this.users.publish(event);
      } catch (error) { // the tail's listeners must not throw
        log.error('fan-out failed', { error });
      }
    }
  }

  /** To everybody in it but him. */
  private showTyping({ conversation, identity }: Typing): void {
    const sessions = this.users.inConversation(conversation);
    if (sessions.size === 0) return;
    const frame = notification({ channel_sid: conversation, identity, typing_timeout: TYPING_SHOWN_SECONDS }, 'twilio.ipmsg.typing_indicator');
    for (const session of sessions) if (session.principal!.identity !== identity) session.send(frame);
  }
}
