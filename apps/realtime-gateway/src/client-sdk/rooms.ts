/**
 * Who has which conversation's objects open, and what happens in it live: facts come from the log's tail in order, and each
 * object's events go out in that order although some of them need a read first.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { LogEvent } from '@parley/domain/event';
import { logger } from '@parley/telemetry/logger';
import { concerns, eventAtOnce, eventsOf } from './fact-events.js';
import type { ObjectEvent, ObjectSubscription } from './object-subscription.js';
import type { ConversationPart } from './sync-names.js';
import type { SyncReads } from './sync-reads.js';

const parts = ['document', 'messages', 'roster'] as const;
/** Facts that wait for a read; beyond it the clients come back and have them replayed. */
const PENDING_MAX = 5_000;
/**
 * A document says which message is the last one, so it changes with every message: it is told of at once, then at most this
 * often with what it is by then. Otherwise a lively conversation costs each client twice as many frames, and a read each.
 */
const DOCUMENT_MILLIS = 250;
const log = logger('client-sdk');

/** One object of one conversation. */
class OpenObject {
  readonly subscriptions = new Set<ObjectSubscription>();
  private pending: LogEvent[] = [];
  private reading = false;

  constructor(private readonly kind: ConversationPart, private readonly reads: SyncReads) {}

  take(fact: LogEvent): void {
    if (!concerns(this.kind, fact.type) || this.subscriptions.size === 0) return;
    const event = this.reading ? undefined : eventAtOnce(this.kind, fact);
    if (event) return this.tell(event);
    this.pending.push(fact);
    if (this.pending.length > PENDING_MAX) return this.giveUp('too much to read');
    if (!this.reading) void this.read();
  }

  private async read(): Promise<void> {
    this.reading = true;
    try {
      while (this.pending.length > 0) {
        const facts = this.pending;
        this.pending = [];
        for (const event of await eventsOf(this.reads, this.kind, facts)) this.tell(event);
        if (this.kind === 'document') await pause(DOCUMENT_MILLIS, undefined, { ref: false });
      }
    } catch (error) {
      log.warn('an object could not be read, its clients come back for it', { error });
      this.giveUp('internal error');
    } finally {
      this.reading = false;
    }
  }

  private tell(event: ObjectEvent): void {
    for (const subscription of this.subscriptions) subscription.offer(event);
  }

  private giveUp(reason: string): void {
    this.pending = [];
    for (const { session } of [...this.subscriptions]) session.end(1011, reason);
  }
}

export class Rooms {
  private readonly rooms = new Map<string, Record<ConversationPart, OpenObject>>();

  /** `onGone`: told of subscriptions of somebody who may no longer look. */
  constructor(private readonly reads: SyncReads, private readonly onGone: (subscription: ObjectSubscription) => void) {}

  /** Subscriptions. */
  get size(): number { return [...this.rooms.values()].reduce((sum, room) => sum + parts.reduce((all, part) => all + room[part].subscriptions.size, 0), 0); }

  join(subscription: ObjectSubscription): void {
    const { conversation, kind } = subscription;
    let room = this.rooms.get(conversation);
    if (!room) {
      const object = (part: ConversationPart) => new OpenObject(part, this.reads);
      this.rooms.set(conversation, (room = { document: object('document'), messages: object('messages'), roster: object('roster') }));
    }
    room[kind].subscriptions.add(subscription);
  }

  leave(subscription: ObjectSubscription): void {
    subscription.left = true;
    const room = this.rooms.get(subscription.conversation);
    room?.[subscription.kind].subscriptions.delete(subscription);
    if (room && parts.every((part) => room[part].subscriptions.size === 0)) this.rooms.delete(subscription.conversation);
  }

  publish(fact: LogEvent): void {
    const room = fact.conversation === null ? undefined : this.rooms.get(fact.conversation);
    if (!room) return;
    for (const part of parts) room[part].take(fact);
    if (fact.type === 'ParticipantRemoved') this.dismiss(room, (each) => each.gone(fact.data['participantSid'] as string));
    // Who made a conversation sees it until somebody takes part.
    if (fact.type === 'ParticipantAdded') this.dismiss(room, (each) => each.participant === null && each.session.principal!.identity !== fact.data['identity']);
  }

  private dismiss(room: Record<ConversationPart, OpenObject>, whom: (subscription: ObjectSubscription) => boolean): void {
    for (const part of parts) for (const subscription of [...room[part].subscriptions]) if (whom(subscription)) this.onGone(subscription);
  }
}
