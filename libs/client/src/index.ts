/** What the package is used by: everything else is its own business. */
export { ParleyClient } from './client.js';
export type { ClientEvents, Member, ParleyClientOptions, RequestOptions } from './options.js';
export { Conversation, type NewMessage } from './conversation.js';
export type { ReadState } from './requests.js';
export { ClosedError, HandlerError, ParleyError, RefusedError, TimeoutError, TokenError } from './errors.js';
export type { BackoffLimits } from './backoff.js';
export type { ConversationEvent, EventBinding, EventData, EventMedia, EventName, EventOf } from './events.js';
export type { Positions } from './following.js';
export type { TokenProvider } from './link.js';
export type { PresenceChange, TypingChange } from './signals.js';
export type { WebSocketClass, WebSocketLike } from './connection.js';
export type { ConversationState, DeliverySummary, Media, Message, PageMeta, Share, Timers } from './resources.js';
