/**
 * The commands services answer: one interface per service, called in-process or over NATS with the same types. A refusal
 * is a DomainError. Commands are requests, never facts; what they did is in the log when the promise resolves.
 */
import type {
  ConversationState, EmailBinding, Media, MessageAdded, MessageUpdated, Participant, StateChangeReason, Timers,
} from '@parley/domain/conversation/events';
import type { MessageContent } from '@parley/domain/content-template';
import type { Receipt } from '@parley/domain/delivery/delivery';
import type { RegistryKind, RegistryRow } from '@parley/domain/registry-events';
import type { WebhookMark } from '@parley/domain/webhook-mark';
import type { ConversationSid, MessageSid, ParticipantSid, ReceiptSid, ServiceSid, Sid } from '@parley/domain/sid';

/** Who asks, and how a repetition is recognised. */
export type Caller = {
  account: string;
  /** Client's Idempotency-Key, `in:<carrier>:<message id>`, or `<event id>:<n>` for reactions. Same key, same result. */
  key?: string;
  /** Hash of the request, so that a key used for something else is refused (409 20409). */
  hash?: string;
  /** W3C traceparent. */
  cause?: string;
  /** Webhooks are told of what this command does; absent: they are not. */
  webhook?: WebhookMark;
};
/** `createdAt`/`updatedAt`: imports only, ISO 8601; otherwise the server's clock. */
type Dated = { createdAt?: string; updatedAt?: string };

export type CreateConversation = Dated & {
  chatServiceSid: ServiceSid;
  messagingServiceSid?: string | null;
  friendlyName?: string | null;
  uniqueName?: string | null;
  attributes?: string;
  state?: ConversationState;
  /** A timer that is not named is the account's default; an empty one is none. */
  timers?: Timers;
  email?: EmailBinding;
  /** Who joins as it is made: all of them, or there is no conversation. */
  participants?: AddParticipant[];
  /** Of a group: members its carrier takes; absent: ten. */
  groupMembersMax?: number;
  /** What opened it: there with it, as its first message. */
  message?: AddMessage;
  /** Identity of the user who makes it. */
  createdBy?: string;
};
export type UpdateConversation = Dated & Partial<Omit<CreateConversation, 'chatServiceSid' | 'createdBy' | 'participants' | 'groupMembersMax' | 'message'>>;
export type AddParticipant = Dated & Partial<Omit<Participant, 'participantSid'>> & { groupMembersMax?: number };
export type UpdateParticipant = Dated & {
  identity?: string;
  /** null asks for its removal. */
  proxyAddress?: string | null;
  /** In a group; null asks for its removal. */
  projectedAddress?: string | null;
  groupMembersMax?: number;
  /** Their address changed, as their carrier says. */
  address?: string;
  attributes?: string;
  roleSid?: string;
  lastReadMessageIndex?: number | null;
  lastReadTimestamp?: string | null;
};
export type AddMessage = Dated & {
  /** Default `system`. */
  author?: string;
  body?: string | null;
  attributes?: string;
  media?: Media[] | null;
  contentSid?: string | null;
  content?: MessageContent;
  subject?: string | null;
  /** The channel it came in by: `sms`, `whatsapp`; absent for REST and chat. */
  source?: string | null;
  /** Whoever has this address has the message already: it was written to them in their carrier's own app. */
  heldBy?: string;
};
export type UpdateMessage = Dated & Partial<Pick<MessageUpdated, 'author' | 'body' | 'attributes' | 'subject'>>;
export type ReportDelivery = Omit<Receipt, 'conversationSid'> & {
  /** Who got it has read the conversation up to it: their read horizon follows. */
  movesHorizon?: true;
};

/** apps/conversation-service. Subject prefix `command.conversation`. */
export interface ConversationCommands {
  /** Throws also `address_pairs_in_use` and `group_exists`, naming the conversation that has one of its participants' pairs, or its group. */
  createConversation(caller: Caller, data: CreateConversation): Promise<{ conversationSid: ConversationSid; messageSid?: MessageSid }>;
  updateConversation(caller: Caller, sid: ConversationSid, data: UpdateConversation): Promise<void>;
  changeState(caller: Caller, sid: ConversationSid, state: ConversationState, reason: StateChangeReason): Promise<void>;
  /** Changes the state when one of its timers has run out; what was said up to now counts. */
  applyTimers(caller: Caller, sid: ConversationSid): Promise<void>;
  deleteConversation(caller: Caller, sid: ConversationSid): Promise<void>;
  /** Resolves with the stored fact: the answer needs no read. */
  addMessage(caller: Caller, sid: ConversationSid, data: AddMessage): Promise<MessageAdded>;
  updateMessage(caller: Caller, sid: ConversationSid, messageSid: MessageSid, data: UpdateMessage): Promise<void>;
  deleteMessage(caller: Caller, sid: ConversationSid, messageSid: MessageSid): Promise<void>;
  /** A receipt as a carrier reported it; late and repeated ones change nothing. */
  reportDelivery(caller: Caller, sid: ConversationSid, data: ReportDelivery): Promise<void>;
}

export type CreateAddressConfiguration = {
  type: string;
  address: string;
  friendlyName?: string | null;
  addressCountry?: string | null;
  autoCreation: AutoCreation;
};
export type AutoCreation = {
  enabled: boolean;
  type: 'default' | 'webhook' | 'studio';
  conversation_service_sid?: string;
  webhook_url?: string;
  webhook_method?: string;
  webhook_filters?: string[];
  studio_flow_sid?: string;
  [key: string]: unknown;
};

/** apps/participant-service. Subject prefix `command.participant`. */
export interface ParticipantCommands {
  addParticipant(caller: Caller, sid: ConversationSid, data: AddParticipant): Promise<{ participantSid: ParticipantSid }>;
  updateParticipant(caller: Caller, sid: ConversationSid, participantSid: ParticipantSid, data: UpdateParticipant): Promise<void>;
  removeParticipant(caller: Caller, sid: ConversationSid, participantSid: ParticipantSid): Promise<void>;
  /** He leaves every conversation that is not closed, his push bindings go; what he wrote stays. */
  deleteUser(caller: Caller, sid: Sid<'US'>): Promise<void>;
  /** A user who comes with an access token exists from then on; `roleSid`: instead of the service's default role. False: the service is not the account's. */
  ensureUser(caller: Caller, service: ServiceSid, identity: string, roleSid?: string): Promise<boolean>;
  createAddressConfiguration(caller: Caller, data: CreateAddressConfiguration): Promise<{ sid: Sid<'IG'> }>;
  updateAddressConfiguration(
    caller: Caller, sid: Sid<'IG'>, data: { friendlyName?: string | null; autoCreation?: AutoCreation },
  ): Promise<void>;
  deleteAddressConfiguration(caller: Caller, sid: Sid<'IG'>): Promise<void>;
}

/**
 * What an account configures outside conversations: small resources, whole rows as the read model has them. apps/
 * participant-service. Subject prefix `command.registry`. The caller has validated the row and made its SID (derived from
 * the idempotency key when there is one); the unique rules of the read models are refused here (`user_exists`, …).
 */
export interface RegistryCommands {
  /** Throws also `resource_limit_exceeded`. */
  create(caller: Caller, kind: RegistryKind, row: RegistryRow): Promise<void>;
  /** Lays `changes` over the row; throws `resource_not_found`. */
  update(caller: Caller, kind: RegistryKind, sid: string, changes: Record<string, unknown>): Promise<void>;
  /** For resources that exist with defaults until they are changed: `row` is what they become when there is none. */
  createOrUpdate(caller: Caller, kind: RegistryKind, row: RegistryRow, changes: Record<string, unknown>): Promise<void>;
  /** With `seen`, only what still has those values, as they were read; throws `resource_not_found`. */
  remove(caller: Caller, kind: RegistryKind, sid: string, seen?: Readonly<Record<string, unknown>>): Promise<void>;
}

/** A message a person outside sent us, as a channel service understood it. */
export type InboundMessage = {
  channel: 'sms' | 'whatsapp' | 'email' | 'messenger';
  from: string;
  to: string;
  body: string | null;
  media: Media[] | null;
  /** Written in our name to `from`, by a colleague in the carrier's own app. */
  echo?: true;
  /** JSON: what the channel says beside text and files, under its name. */
  attributes?: string;
  email?: InboundMailThread;
  /** Everybody else in the group it was written to. */
  group?: readonly string[];
  /** `<carrier>:<carrier's message id>`: the same one twice is one message. */
  providerMessageId: string;
  receivedAt: string;
};
/** How a mail is tied to what was said before. */
export type InboundMailThread = {
  subject: string | null;
  /** The conversation that a reply address of ours names, rightly signed. */
  replyToken?: ConversationSid;
  /** Message-IDs it answers, the newest first. */
  answers: readonly string[];
  /** Who else it was written to. */
  others: readonly { address: string; name?: string }[];
  /** It is not from where it says: its sender is not taken for a participant. */
  doubtful?: true;
};
export type InboundRouting =
  | { outcome: 'routed'; conversationSid: ConversationSid; messageSid: MessageSid; index: number; created: boolean }
  /** Nobody is waiting for it: no open conversation has the pair and the address does not create any. */
  | { outcome: 'unrouted' }
  /** Of a message to a group that another report brings, or that we wrote ourselves. */
  | { outcome: 'told' };

/** What happened to somebody's message, or to their address, after we had it. `key` is the same at every try. */
export type InboundChange = { key: string; channel: InboundMessage['channel'] } & (
  | { kind: 'edited'; conversationSid: ConversationSid; messageSid: MessageSid; body: string | null }
  | { kind: 'deleted'; conversationSid: ConversationSid; messageSid: MessageSid }
  | { kind: 'moved'; from: string; to: string; newAddress: string }
);

/** apps/message-router. Subject prefix `command.router`. */
export interface RouterCommands {
  routeInbound(account: string, message: InboundMessage): Promise<InboundRouting>;
  /** What is gone already, closed or somebody else's stays as it is. */
  changeInbound(account: string, change: InboundChange): Promise<void>;
}

/** A receipt's SID follows from the message and its recipient, so that every part of the system names it alike. */
export type DeliveryId = ReceiptSid;
