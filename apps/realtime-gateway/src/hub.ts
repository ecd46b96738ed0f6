/**
 * Who gets which fact. Live facts come from the log's tail in order per conversation; each is framed once and put into the
 * outbox of every receiver. Joins and leaves are facts of the same stream, so they take effect exactly where they stand.
 */
import type { LogEvent } from '@parley/domain/event';
import { LruMap } from '@parley/event-store/lru-map';
import { shardOf } from '@parley/event-store/shard';
import type { Session } from './session.js';
import { Outgoing, Subscription } from './subscription.js';

/** Facts that may pass while one is subscribing: half a second at full load. Kept are at most twice as many. */
const PASSED_MAX = 4_096;
const KNOWN_CONVERSATIONS_MAX = 50_000;

export type HubParts = {
  subscriptionsPerSocketMax: number;
  /** Reads the past of a subscription, then calls `catchUp`. */
  replay(subscription: Subscription): void;
  /** Finds out the chat service of a conversation; undefined when it is gone. */
  serviceOf(account: string, conversation: string): Promise<string | undefined>;
};

export class Hub {
  /** Subscriptions by conversation; an observer of all has its own only while or after it read the past of one. */
  private readonly rooms = new Map<string, Set<Subscription>>();
  /** Members subscribed to all, by account and identity. */
  private readonly members = new Map<string, Set<Session>>();
  /** Observers of all, by account. */
  private readonly observers = new Map<string, Set<Session>>();
  private readonly services = new LruMap<string, string>(KNOWN_CONVERSATIONS_MAX);
  /**
   * Kept only from the oldest mark of those who are subscribing on: facts kept always all outlive the young generation (a major
   * GC every 3 s, measured). In a wave of reconnections somebody always is, so nobody's mark may depend on the others' ends.
   */
  private passed: LogEvent[] = [];
  /** How many passed before the first that is kept. */
  private dropped = 0;
  /** How many had passed when each who is subscribing began, in that order. */
  private readonly marks = new Set<{ readonly at: number }>();

  constructor(private readonly parts: HubParts) {}

  /**
   * Keeps the facts that pass from now on, until the function it gives is called: that returns them, or undefined when they
   * were too many. Call it exactly once.
   */
  keepPassing(): () => LogEvent[] | undefined {
    const mark = { at: this.dropped + this.passed.length };
    this.marks.add(mark);
    return () => {
      const end = this.dropped + this.passed.length;
      const missed = end - mark.at > PASSED_MAX ? undefined : this.passed.slice(mark.at - this.dropped);
      this.marks.delete(mark);
      const [oldest] = this.marks;
      this.dropBefore(oldest?.at ?? end);
      return missed;
    };
  }

  publish(events: readonly LogEvent[]): void {
    for (const event of events) {
      if (this.marks.size > 0) {
        this.passed.push(event);
        if (this.passed.length > 2 * PASSED_MAX) this.dropBefore(this.dropped + this.passed.length - PASSED_MAX);
      }
      if (event.conversation !== null) this.pass(event, event.conversation);
    }
  }

  private dropBefore(mark: number): void {
    if (mark <= this.dropped) return;
    this.passed.splice(0, mark - this.dropped);
    this.dropped = mark;
  }

  private pass(event: LogEvent, conversation: string): void {
    const { type, account, data } = event;
    if (type === 'ConversationCreated' && typeof data.chatServiceSid === 'string') this.services.set(conversation, data.chatServiceSid);
    if (type === 'ParticipantAdded' && typeof data.identity === 'string')
      for (const session of this.members.get(keyOf(account, data.identity)) ?? []) this.joinLive(session, event, conversation);
    const room = this.rooms.get(conversation);
    const watching = this.observers.get(account);
    if (!room && !watching) return;
    const item = new Outgoing(event);
    if (room) for (const subscription of room) if (subscription.offer(item)) this.forget(subscription);
    if (watching) for (const session of watching) this.toObserver(session, item, conversation);
  }

  /** A fact that passed while the session's subscription was being made. `fresh`: it subscribed to all only now. */
  passTo(session: Session, event: LogEvent, fresh: boolean): void {
    const { conversation, type, data } = event;
    if (conversation === null || event.account !== session.principal?.account) return;
    const { identity } = session.principal;
    if (fresh && identity !== undefined && type === 'ParticipantAdded' && data.identity === identity)
      this.joinLive(session, event, conversation);
    const item = new Outgoing(event);
    const subscription = session.subscriptions.get(conversation);
    if (subscription) { if (subscription.offer(item)) this.forget(subscription); }
    else if (fresh && identity === undefined) this.toObserver(session, item, conversation);
  }

  private toObserver(session: Session, item: Outgoing, conversation: string): void {
    const subscription = session.subscriptions.size > 0 ? session.subscriptions.get(conversation) : undefined;
    if (subscription) { if (subscription.offer(item)) this.forget(subscription); }
    else if (item.event.position > session.all![item.event.shard]! && item.frame) session.enqueue(item.frame);
  }

  /** A member of the account was added somewhere: from this very fact on he gets everything, if it is his chat service. */
  private joinLive(session: Session, event: LogEvent, conversation: string): void {
    const { account, service } = session.principal!;
    const before = session.subscriptions.get(conversation);
    if (before && (!before.left || event.position <= before.after)) return; // told already, from the log
    if (event.position <= session.all![event.shard]!) return;
    const known = this.services.get(conversation);
    if (known !== undefined && known !== service) return;
    const participantSid = event.data.participantSid as string;
    const subscription = this.join(session, conversation, event.position - 1, participantSid, known === undefined);
    if (!subscription || known !== undefined) return;
    // Rare: the conversation is older than what we remember. Everything waits until its service is known.
    this.parts.serviceOf(account, conversation).then((found) => {
      if (found !== undefined) this.services.set(conversation, found);
      if (subscription.left) return;
      if (found === service) this.parts.replay(subscription);
      else this.forget(subscription);
    }, () => session.end(1011, 'internal error, resume'));
  }

  /** Undefined when the socket has as many as it may; it is told so. */
  join(
    session: Session, conversation: string, after: number, participantSid: string | undefined, behind: boolean,
  ): Subscription | undefined {
    const { account, identity } = session.principal!;
    if (session.subscriptions.size >= this.parts.subscriptionsPerSocketMax) {
      session.refuse(undefined, 20001, 'Too many conversations for one socket', { conversation });
      return undefined;
    }
    const subscription = new Subscription(session, conversation, shardOf(account, conversation), after, participantSid, behind);
    session.subscriptions.set(conversation, subscription);
    if (identity === undefined && session.all) return subscription; // reached as an observer
    const room = this.rooms.get(conversation);
    if (room) room.add(subscription);
    else this.rooms.set(conversation, new Set([subscription]));
    return subscription;
  }

  /** Sockets that follow a conversation: members who follow everything, and whoever follows this one. */
  *following(conversation: string): Iterable<Session> {
    for (const { session } of this.rooms.get(conversation) ?? []) yield session;
  }

  /** Which chat service a conversation belongs to, for ever. */
  remember(conversation: string, service: string): void { this.services.set(conversation, service); }

  /** Nothing follows. A session subscribed to all remembers where: it may have read further than the tail has come. */
  leave(subscription: Subscription): void {
    subscription.left = true;
    const { conversation, session } = subscription;
    if (!session.all && session.subscriptions.get(conversation) === subscription) session.subscriptions.delete(conversation);
    const room = this.rooms.get(conversation);
    room?.delete(subscription);
    if (room?.size === 0) this.rooms.delete(conversation);
  }

  /** The tail has come as far as the fact it ended with: nothing has to be remembered, and it counts no more. */
  private forget(subscription: Subscription): void {
    this.leave(subscription);
    const { session: { subscriptions }, conversation } = subscription;
    if (subscriptions.get(conversation) === subscription) subscriptions.delete(conversation);
  }

  /** From these positions (by shard) on, everything the session may see. */
  watchAll(session: Session, since: readonly number[]): void {
    session.all = since;
    const { account, identity } = session.principal!;
    if (identity === undefined) addTo(this.observers, account, session);
    else addTo(this.members, keyOf(account, identity), session);
  }

  remove(session: Session): void {
    for (const subscription of session.subscriptions.values()) this.leave(subscription);
    session.subscriptions.clear();
    if (!session.principal || !session.all) return;
    session.all = undefined;
    const { account, identity } = session.principal;
    if (identity === undefined) removeFrom(this.observers, account, session);
    else removeFrom(this.members, keyOf(account, identity), session);
  }
}

const keyOf = (account: string, identity: string) => `${account} ${identity}`;

function addTo(map: Map<string, Set<Session>>, key: string, session: Session): void {
  const set = map.get(key);
  if (set) set.add(session);
  else map.set(key, new Set([session]));
}

function removeFrom(map: Map<string, Set<Session>>, key: string, session: Session): void {
  const set = map.get(key);
  set?.delete(session);
  if (set?.size === 0) map.delete(key);
}
