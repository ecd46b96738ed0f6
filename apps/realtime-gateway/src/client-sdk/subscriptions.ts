/**
 * What a client has open: answers its subscription requests, replays what it missed from the position it names, then lets
 * the live events through. Joined first, read afterwards: nothing falls in between.
 */
import type { LogTail } from '@parley/event-store/log-tail';
import { shardOf } from '@parley/event-store/shard';
import { logger } from '@parley/telemetry/logger';
import { FewAtOnce } from '../few-at-once.js';
import { closing, type ClientSession } from './client-session.js';
import { eventsOf } from './fact-events.js';
import { ObjectSubscription } from './object-subscription.js';
import type { Rooms } from './rooms.js';
import { canceled, established, failed } from './sync-events.js';
import { sidOf, syncObject, typeOf, type ObjectType, type SyncObject } from './sync-names.js';
import type { SyncReads } from './sync-reads.js';
import { readerOf, type UserObjects } from './user-objects.js';

export type SubscriptionRequest = { action: 'establish' | 'cancel'; correlation: number; objects: { sid: string; after: number }[] };

const BATCH = 200;
/** What a socket may hold unread before a replay waits for it, and how long. */
const BACKLOG_BYTES = 262_144;
const READ_MILLIS = 30_000;
/** Objects that are replayed at the same time, over all clients. */
const REPLAYS_AT_ONCE = 6;
/** Requests worked on at the same time, over all clients: those who write find a connection to the database when thousands come back. */
const OPENING_AT_ONCE = 4;
/** Facts are dated before they are stored: who comes back is told of what happened shortly before he left once more. */
const OVERLAP_MILLIS = 5_000;
const log = logger('client-sdk');
type Asked = { sid: string; after: number; object: SyncObject };
type AskedPart = Asked & { object: Extract<SyncObject, { conversation: string }> };
type Wanted = { object_sid: string; object_type: ObjectType };
const named = ({ sid, object }: Asked): Wanted => ({ object_sid: sid, object_type: typeOf(object.kind) });

export class Subscriptions {
  private readonly opening = new FewAtOnce(OPENING_AT_ONCE);
  private readonly queue: (() => Promise<void>)[] = [];
  private running = 0;

  constructor(
    private readonly tail: Pick<LogTail, 'readConversation'>, private readonly reads: SyncReads, private readonly rooms: Rooms, private readonly users: UserObjects,
    private readonly perSocketMax: number,
  ) {}

  /** One request after the other: what became of a user's conversations is known before he asks for their objects. */
  enqueue(session: ClientSession, request: SubscriptionRequest): void {
    session.inOrder(() => this.opening.run(() => this.request(session, request)), (error) => {
      log.warn('subscribing failed', { error });
      session.end(closing.internal, 'internal error');
    });
  }

  private async request(session: ClientSession, { action, correlation, objects }: SubscriptionRequest): Promise<void> {
    const asked = objects.flatMap(({ sid, after }): Asked[] => {
      const object = syncObject(sid);
      return object ? [{ sid, after, object }] : [];
    });
    if (action === 'cancel') {
      for (const each of asked) this.close(session, each);
      return session.send(canceled(correlation, asked.map(named)));
    }
    const ofUsers = asked.filter(({ object }) => object.kind === 'mine' || object.kind === 'info');
    const ofConversations = asked.filter((each): each is AskedPart => 'conversation' in each.object);
    for (const each of ofUsers) await this.openUserObject(session, correlation, each);
    if (ofConversations.length > 0) await this.openParts(session, correlation, ofConversations);
  }

  /** Nothing of it any more: he was removed, or it was deleted. */
  leave(session: ClientSession, conversation: string): void {
    for (const kind of ['document', 'messages', 'roster'] as const) this.close(session, { sid: sidOf(kind, conversation), after: 0, object: { kind, conversation } });
  }

  remove(session: ClientSession): void {
    for (const subscription of session.subscriptions.values()) this.rooms.leave(subscription);
    session.subscriptions.clear();
    this.users.remove(session);
  }

  private close(session: ClientSession, { sid, object }: Asked): void {
    if (object.kind === 'info' && 'user' in object) this.users.unwatch(session, object.user);
    const subscription = session.subscriptions.get(sid);
    if (!subscription) return;
    session.subscriptions.delete(sid);
    this.rooms.leave(subscription);
  }

  private async openParts(session: ClientSession, correlation: number, asked: AskedPart[]): Promise<void> {
    if (session.subscriptions.size + asked.length > this.perSocketMax) return session.end(closing.tooMany, 'too many objects open');
    const joined = asked.map((each) => {
      const { sid, object, after } = each;
      this.close(session, each);
      const subscription = new ObjectSubscription(session, object.kind, object.conversation, after);
      session.subscriptions.set(sid, subscription);
      this.rooms.join(subscription);
      return { ...each, subscription };
    });
    const lasts = await this.reads.lastPositions(readerOf(session), [...new Set(joined.map(({ object }) => object.conversation))]);
    if (!session.open) return;
    const refused = joined.filter(({ object }) => !lasts.has(object.conversation));
    if (refused.length > 0) {
      for (const each of refused) this.close(session, each);
      // He may have been removed while he was away: only here that shows. Said first: the SDK then knows that he left, not only that it is gone.
      for (const conversation of new Set(refused.map(({ object }) => object.conversation))) if (session.memberships) this.users.leftWhileAway(session, conversation);
      session.send(failed(correlation, refused.map(named)));
    }
    const current = joined.filter(({ object, after }) => after >= (lasts.get(object.conversation) ?? Infinity));
    if (current.length > 0) session.send(established(correlation, current.map((each) => ({ ...named(each), last_event_id: each.after }))));
    for (const { subscription } of current) subscription.live();
    for (const each of joined) if (lasts.has(each.object.conversation) && !current.includes(each)) this.later(() => this.replay(correlation, each));
  }

  private async replay(correlation: number, each: Asked & { subscription: ObjectSubscription }): Promise<void> {
    const { subscription } = each;
    const { session, kind, conversation } = subscription;
    const shard = shardOf(session.principal!.account, conversation);
    try {
      for (let after = subscription.after; ;) {
        if (!session.open || subscription.left) return;
        const facts = await this.tail.readConversation(shard, conversation, after, BATCH);
        for (const event of await eventsOf(this.reads, kind, facts, correlation)) subscription.deliver(event);
        if (session.backlogWithPending > BACKLOG_BYTES) await session.drained(READ_MILLIS);
        if (facts.length < BATCH) break;
        after = facts.at(-1)!.position;
      }
      session.send(established(correlation, [{ ...named(each), last_event_id: subscription.after }]));
      subscription.live();
    } catch (error) {
      log.warn('replay failed', { conversation, error });
      session.end(closing.internal, 'internal error');
    }
  }

  private async openUserObject(session: ClientSession, correlation: number, each: Asked): Promise<void> {
    const { object, after } = each;
    if (object.kind === 'mine' && object.user === session.mine) {
      const again = session.memberships === undefined && after > 0;
      await this.users.follow(session);
      session.send(established(correlation, [{ ...named(each), last_event_id: session.nextId(after) }]));
      if (again) await this.catchUp(session, after);
      return;
    }
    const row = object.kind === 'info' ? await this.reads.info(readerOf(session), 'user' in object ? { sid: object.user } : object) : undefined;
    if (!row) return session.send(failed(correlation, [named(each)]));
    this.users.watch(session, row.sid, row.identity);
    session.send(established(correlation, [{ ...named(each), last_event_id: session.nextId(after) }]));
    const changed = Date.parse(row.updated_at) > after / 1000 - OVERLAP_MILLIS ? ['friendly_name', 'attributes'] : [];
    this.users.tellInfo(session, row.sid, [...changed, 'reachability'], after);
  }

  /** What became of his conversations while he was away. Those he is no longer in show when he asks for their objects. */
  private async catchUp(session: ClientSession, after: number): Promise<void> {
    const conversations = [...session.memberships!.keys()];
    const since = after / 1000 - OVERLAP_MILLIS;
    for (const [conversation, at] of await this.reads.lastActivity(session.principal!.account, conversations))
      if (at > since) this.users.tellMine(session, conversation, after);
  }

  private later(work: () => Promise<void>): void {
    this.queue.push(work);
    while (this.running < REPLAYS_AT_ONCE && this.queue.length > 0) {
      this.running++;
      void this.queue.shift()!().finally(() => {
        this.running--;
        const next = this.queue.shift();
        if (next) this.later(next);
      });
    }
  }
}
