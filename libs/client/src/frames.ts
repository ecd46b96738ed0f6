/** Frames of the websocket as a client meets them (docs/websocket.md). */
import type { ConversationEvent } from './events.js';

type Answer = { id?: number };
export type ServerFrame =
  | { type: 'ready'; account_sid: string; identity: string | null; chat_service_sid: string | null; expires_at: string | null; heartbeat_seconds: number } & Answer
  | { type: 'event' } & ConversationEvent
  | { type: 'subscribed'; conversations: 'all' | string[]; positions: Record<string, number> } & Answer
  | { type: 'unsubscribed'; conversations: 'all' | string[] } & Answer
  | { type: 'response'; id: number; status: number; body: unknown; retry_after?: number }
  | { type: 'read'; id: number; conversation: string; index: number | null; unread: number | null }
  | { type: 'typing'; conversation: string; identity: string; expires_in_seconds: number }
  | { type: 'presence'; identity: string; online: boolean | null }
  | { type: 'error'; code: number; message: string; conversations?: string[] } & Answer
  | { type: 'token_expiring'; expires_at: string }
  | { type: 'closing'; message: string }
  | { type: 'lagged'; message: string }
  | { type: 'pong' } & Answer;

export type ClientFrame =
  | { type: 'hello'; id?: number; token: string }
  | { type: 'subscribe'; id: number; conversations: 'all' | string[]; from?: Record<string, number> }
  | { type: 'unsubscribe'; id: number; conversations: 'all' | string[] }
  | { type: 'request'; id: number; method: Method; path: string; body?: Record<string, unknown>; idempotency_key?: string }
  | { type: 'read'; id: number; conversation: string; index: number }
  | { type: 'typing'; conversation: string }
  | { type: 'presence'; identities: string[] }
  | { type: 'ping' };
export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** The server closes with 1009 beyond it. */
export const FRAME_BYTES_MAX = 128 * 1024;
/** In one `subscribe` or `unsubscribe`. */
export const CONVERSATIONS_MAX = 1_000;

/** After these the server would answer the same again: the client does not come back by itself. */
export const FINAL_CLOSE_CODES: ReadonlySet<number> = new Set([1003, 1009, 4000, 4003, 4004]);
/** Refusals of the moment, as 429 and 503 in HTTP. */
export const PASSING_CODES: ReadonlySet<number> = new Set([20429, 20503]);
export const UNAUTHENTICATED = 4001;
export const TOO_MANY = 4029;
