/** The envelope every stored fact travels in, from the log to its last consumer. Field meanings: docs/events.md. */
import type { ConversationEvent } from './conversation/events.js';
import type { DeliveryEvent } from './delivery/delivery.js';
import type { RegistryEvent } from './registry-events.js';

export type DomainEvent = ConversationEvent | DeliveryEvent | RegistryEvent;
export type EventType = DomainEvent['type'];

/** Facts that were written, before the log gave them a place. `data` is plain; the log encrypts it. */
export type NewEvent = { type: string; data: object };

/** A fact at its place in the log. */
export type LogEvent = {
  /** 0..63; everything about one conversation lies in one shard. */
  shard: number;
  /** Contiguous from 1 within its shard. */
  position: number;
  /** `conversation-CH…`, `delivery-IM…`, `account-AC…` */
  stream: string;
  /** Contiguous from 1 within its stream. */
  version: number;
  account: string;
  /** The conversation it belongs to, null for facts about an account or a service. */
  conversation: string | null;
  type: string;
  schemaVersion: number;
  /** UUID; stable through replays, the deduplication key for subscribers. */
  eventId: string;
  /** ISO 8601 with milliseconds, UTC. */
  recordedAt: string;
  data: Record<string, unknown>;
  /** W3C traceparent of the request that caused it. */
  cause?: string;
  /** Its content was erased; `data` is empty. */
  erased?: true;
  /** Why this build cannot read it (a newer schema version, altered bytes); `data` is empty. To be parked, never skipped. */
  unreadable?: string;
};
