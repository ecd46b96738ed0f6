/**
 * The facts of a conversation. Stream: `conversation-<CH sid>`. Names and fields are the stored format: add, never rename
 * (docs/adr/0004). Times are ISO 8601 in UTC with milliseconds.
 */
import type { MessagingBinding } from '../address.js';
import type { MessageContent } from '../content-template.js';
import type { ConversationSid, MessageSid, ParticipantSid, ServiceSid } from '../sid.js';

export type ConversationState = 'initializing' | 'active' | 'inactive' | 'closed';
/** ISO 8601 durations as configured, and the deadlines that follow from the last activity. */
export type Timers = { inactive?: string; closed?: string; dateInactive?: string; dateClosed?: string };
export type EmailBinding = { address?: string; name?: string };
export type Media = { sid: string; contentType: string; filename: string | null; size: number };

export type ConversationCreated = {
  conversationSid: ConversationSid;
  chatServiceSid: ServiceSid;
  messagingServiceSid: string | null;
  friendlyName: string | null;
  uniqueName: string | null;
  attributes: string;
  state: ConversationState;
  timers: Timers;
  email: EmailBinding;
  /** Identity of the user who made it; absent: the account itself did. */
  createdBy?: string;
  createdAt: string;
  updatedAt: string;
};
/** Only what changed is present. */
export type ConversationUpdated = {
  friendlyName?: string | null;
  uniqueName?: string | null;
  attributes?: string;
  messagingServiceSid?: string | null;
  timers?: Timers;
  email?: EmailBinding;
  createdAt?: string;
  updatedAt: string;
};
export type StateChangeReason = 'API' | 'TIMER' | 'EVENT';
export type ConversationStateUpdated = {
  from: ConversationState;
  to: ConversationState;
  reason: StateChangeReason;
  updatedAt: string;
};
export type ConversationDeleted = { deletedAt: string };

export type Participant = {
  participantSid: ParticipantSid;
  /** Chat members have an identity, everybody else a binding. */
  identity: string | null;
  binding: MessagingBinding | null;
  attributes: string;
  roleSid: string | null;
  /** In a group on phones (conversation/group.ts); absent: in none. */
  group?: GroupBinding;
};
/** A phone in a group, or the number of ours that a member has there. */
export type GroupBinding = { address: string } | { projectedAddress: string };
export type ParticipantAdded = Participant & { createdAt: string; updatedAt: string };
export type ParticipantUpdated = {
  participantSid: ParticipantSid;
  identity?: string;
  binding?: MessagingBinding | null;
  /** null: no number of ours any more. */
  group?: GroupBinding | null;
  attributes?: string;
  roleSid?: string;
  lastReadMessageIndex?: number | null;
  lastReadTimestamp?: string | null;
  createdAt?: string;
  updatedAt: string;
};
export type ParticipantRemoved = {
  participantSid: ParticipantSid;
  /** Of a chat member; absent in facts from before it was recorded. */
  identity?: string;
  removedAt: string;
};

export type MessageAdded = {
  messageSid: MessageSid;
  /** From 0, in arrival order, never given twice. */
  index: number;
  author: string;
  participantSid: ParticipantSid | null;
  body: string | null;
  attributes: string;
  media: Media[] | null;
  contentSid: string | null;
  /** Of a content template: what each channel delivers. */
  content?: MessageContent;
  subject: string | null;
  /** Who gets it outside the chat, decided once (at most 50 by default): `participantSid` and where it goes. */
  recipients: Recipient[];
  /** Said in a group, by a number of ours: every number it goes to, in one message of the carrier; those of the recipients first, then others of ours. */
  group?: string[];
  /** The channel it came in by, null for REST and chat. */
  source: string | null;
  createdAt: string;
  updatedAt: string;
};
export type Recipient = { participantSid: ParticipantSid } & MessagingBinding;
export type MessageUpdated = {
  messageSid: MessageSid;
  index: number;
  author?: string;
  participantSid?: ParticipantSid | null;
  body?: string | null;
  attributes?: string;
  subject?: string | null;
  createdAt?: string;
  updatedAt: string;
};
export type MessageDeleted = { messageSid: MessageSid; index: number; deletedAt: string };

export type ConversationEvent =
  | { type: 'ConversationCreated'; data: ConversationCreated }
  | { type: 'ConversationUpdated'; data: ConversationUpdated }
  | { type: 'ConversationStateUpdated'; data: ConversationStateUpdated }
  | { type: 'ConversationDeleted'; data: ConversationDeleted }
  | { type: 'ParticipantAdded'; data: ParticipantAdded }
  | { type: 'ParticipantUpdated'; data: ParticipantUpdated }
  | { type: 'ParticipantRemoved'; data: ParticipantRemoved }
  | { type: 'MessageAdded'; data: MessageAdded }
  | { type: 'MessageUpdated'; data: MessageUpdated }
  | { type: 'MessageDeleted'; data: MessageDeleted };
