/** The events of conversations, each with its data. Fields and names may be added: ignore what you do not know. */
import type { ConversationState, Media, Timers } from './resources.js';

/** A person who is not in the chat: by which channel, at which address, seen under which of ours. */
export type EventBinding = { type: string; address?: string | null; proxy_address?: string | null; projected_address?: string };
/** A file whose size nobody knows yet has none. */
export type EventMedia = Omit<Media, 'size'> & { size: number | null };

type Always = { account_sid: string; conversation_sid: string };

export type EventData = {
  onConversationAdded: Always & {
    sid: string; chat_service_sid: string; messaging_service_sid: string | null; friendly_name: string | null; unique_name: string | null;
    attributes: string; state: ConversationState; timers: Timers; date_created: string; date_updated: string;
  };
  /** What changed of it, and when. */
  onConversationUpdated: Always & {
    messaging_service_sid?: string | null; friendly_name?: string | null; unique_name?: string | null; attributes?: string; timers?: Timers;
    date_created?: string; date_updated: string;
  };
  onConversationStateUpdated: Always & {
    state: ConversationState; state_from: ConversationState; state_to: ConversationState; reason: 'API' | 'TIMER' | 'EVENT'; date_updated: string;
  };
  onConversationRemoved: Always & { date_removed: string };
  onParticipantAdded: Always & {
    sid: string; identity: string | null; messaging_binding: EventBinding | null; role_sid: string | null; attributes: string;
    date_created: string; date_updated: string; last_read_message_index: number | null; last_read_timestamp: string | null;
  };
  /** What changed of it, and when. */
  onParticipantUpdated: Always & {
    sid: string; identity?: string | null; messaging_binding?: EventBinding | null; role_sid?: string | null; attributes?: string;
    last_read_message_index?: number | null; last_read_timestamp?: string | null; date_created?: string; date_updated: string;
  };
  onParticipantRemoved: Always & { sid: string; date_removed: string };
  onMessageAdded: Always & {
    sid: string; index: number; author: string; body: string | null; media: EventMedia[] | null; attributes: string; participant_sid: string | null;
    content_sid: string | null; date_created: string; date_updated: string;
  };
  /** What changed of it, and when. */
  onMessageUpdated: Always & {
    sid: string; index: number; author?: string; body?: string | null; attributes?: string; participant_sid?: string | null;
    date_created?: string; date_updated: string;
  };
  onMessageRemoved: Always & { sid: string; index: number; date_removed: string };
  /** A receipt of one recipient outside the chat. */
  onDeliveryUpdated: Always & {
    sid: string; message_sid: string; participant_sid: string | null; channel_message_sid: string | null;
    status: 'sent' | 'delivered' | 'read' | 'failed' | 'undelivered'; error_code: number; date_updated: string;
  };
};

export type EventName = keyof EventData;

/** One event of a conversation. */
export type EventOf<Name extends EventName> = {
  event: Name;
  /** The conversation's SID. */
  conversation: string;
  /** Orders the events of a conversation; grows, with gaps. */
  position: number;
  /** Counts what happened to the conversation (receipts: to the message) without gaps. */
  version: number;
  /** When it was stored, ISO 8601 in UTC. */
  time: string;
  data: EventData[Name];
};
export type ConversationEvent = { [Name in EventName]: EventOf<Name> }[EventName];
