/** What a client is made with, what a request may say, and what a client tells. */
import type { BackoffLimits } from './backoff.js';
import type { WebSocketClass } from './connection.js';
import type { ClosedError, ParleyError } from './errors.js';
import type { ConversationEvent, EventName, EventOf } from './events.js';
import type { Positions } from './following.js';
import type { TokenProvider } from './link.js';
import type { PresenceChange, TypingChange } from './signals.js';

export type ParleyClientOptions = {
  /** `wss://…/v1/stream` */
  url: string;
  /** An access token, or where one is had: asked for each connection, and when the token is about to end. */
  token: string | TokenProvider;
  /** What `positions()` gave earlier: everything since then comes first, hours later too. */
  positions?: Positions;
  /** Conversations the member was added to while the client was away are told from their beginning (the default) or from now on. */
  newConversations?: 'fromBeginning' | 'fromNow';
  /** Needed where there is no global one (Node 20: that of the package `ws`). */
  WebSocket?: WebSocketClass;
  backoff?: BackoffLimits;
  /** Events that may wait for the application's handlers before the client stops reading; default 5,000. */
  waitingMax?: number;
  /** What the server lets a client send (REALTIME_FRAMES_PER_SECOND); default 15. */
  framesPerSecond?: number;
};

/** As whom the server knows the client. `expiresAt`: when the token ends, ISO 8601. */
export type Member = { identity: string | null; chatServiceSid: string | null; accountSid: string; expiresAt: string | null };
export type RequestOptions = {
  /** Parameters by the names of the REST API: `null` clears, a list repeats, an object is passed as JSON. */
  body?: Record<string, unknown>;
  /** Writes have one of their own; give one to make the same write from several places once (24 h). */
  idempotencyKey?: string;
  /** Default 30,000. */
  timeoutMillis?: number;
};

export type ClientEvents = { [Name in EventName]: EventOf<Name> } & {
  /** Every event of a conversation, those of later servers too. */
  event: ConversationEvent;
  connected: Member;
  /** `retryInMillis` is undefined when it comes back once the application has caught up, or (`closed` follows) never. */
  disconnected: { code: number; reason: string; retryInMillis: number | undefined };
  /** It can no longer be seen: deleted, or the member was removed, while the client was away. */
  left: { conversation: string };
  /** Somebody else began to type, or stopped, or said it. */
  typing: TypingChange;
  /** Of those whom `watchPresence` named. */
  presence: PresenceChange;
  /** Only with a fixed token: call `updateToken`. */
  tokenExpiring: { expiresAt: string };
  closed: ClosedError;
  error: ParleyError;
};
