/**
 * What a client has open: answers its subscription requests, replays what it missed from the position it names, then lets
 * the live events through. Joined first, read afterwards: nothing falls in between.
 */
import type { LogTail } from '@parley/event-store/log-tail';
import { shardOf } from '@parley/event-store/shard';
import { logger } from '@parley/telemetry/logger';
import { FairTurns } from '../fair-turns.js';
import { closing, type ClientSession } from './client-session.js';
import { eventsOf } from './fact-events.js';
import { ObjectSubscription } from './object-subscription.js';
import type { Rooms } from './rooms.js';
import { canceled, established, failed } from './sync-events.js';
import { sidOf, syncObject, typeOf, type ObjectType, type SyncObject } from './sync-names.js';
import type { MineRow } from './sync-data.js';
import type { SyncReads } from './sync-reads.js';
import { readerOf, type UserObjects } from './user-objects.js';

export type SubscriptionRequest = { action: 'establish' | 'cancel'; correlation: number; objects: { sid: string; type: string; after: number }[] };

const BATCH = 200;
/** What an object that waits to be opened holds, about. */
const OBJECT_BYTES = 512;
/** Objects that are replayed at the same time, over all clients of one account; and one more of others. */
const REPLAYS_AT_ONCE = 6;
/** Requests worked on at the same time, counted as above: those who write find a connection to the database when thousands come back. */
const OPENING_AT_ONCE = 4;
/** Facts are dated before they are stored, by clocks that differ: who comes back is told of what happened shortly before he left once more. */
const OVERLAP_MILLIS = 5_000;
/**
 * A line that goes while the SDK opens a conversation leaves it without: who comes back that soon is told of all he is in. What the
 * SDK knows already changes nothing.
 */
const OPENING_MILLIS = 60_000;
const TOLD_AGAIN_MAX = 1_000;
const log = logger('client-sdk');
type Asked = { sid: string; after: number; object: SyncObject };
type AskedPart = Asked & { object: Extract<SyncObject, { conversation: string }> };
type Wanted = { object_sid: string; object_type: ObjectType | string };
const named = ({ sid, object }: Asked): Wanted => ({ object_sid: sid, object_type: typeOf(object.kind) });

export class Subscriptions {
  private readonly opening = new FairTurns(OPENING_AT_ONCE + 1, OPENING_AT_ONCE);
  private readonly replays = new FairTurns(REPLAYS_AT_ONCE + 1, REPLAYS_AT_ONCE);

  constructor(
    private readonly tail: Pick<LogTail, 'readConversation'>, private readonly reads: SyncReads, private readonly rooms: Rooms, private readonly users: UserObjects,
    private readonly perSocketMax: number,
  ) {}

  /** One request after the other: what became of a user's conversations is known before he asks for their objects. */
  enqueue(session: ClientSession, request: SubscriptionRequest): void {
    const held = request.objects.length * OBJECT_BYTES;
    if (!session.hold(held)) return session.end(closing.tooMany, 'too many subscriptions at once');
    void session.inOrder(() => this.request(session, request), (error) => {
      log.warn('subscribing failed', { error });
      session.end(closing.internal, 'internal error');
    }).finally(() => session.release(held));
  }

  private async request(session: ClientSession, { action, correlation, objects }: SubscriptionRequest): Promise<void> {
    const asked = objects.flatMap(({ sid, after }): Asked[] => {
      const object = syncObject(sid);
      return object ? [{ sid, after, object }] : [];
    });
    const unknown = objects.filter(({ sid }) => !syncObject(sid));
    if (unknown.length > 0 && action === 'establish') session.send(failed(correlation, unknown.map(({ sid, type }) => ({ object_sid: sid, object_type: type }))));
    if (action === 'cancel') {
      // The SDK may repeat a request late: what it opened since stays open.
      for (const each of asked) {
        if (each.object.kind === 'info' && 'user' in each.object) this.users.unwatch(session, each.object.user, correlation);
        else if ((session.subscriptions.get(each.sid)?.correlation ?? 0) <= correlation) this.close(session, each);
      }
      return session.send(canceled(correlation, asked.map(named)));
    }
    const ofUsers = asked.filter(({ object }) => object.kind === 'mine' || object.kind === 'info');
    const ofConversations = asked.filter((each): each is AskedPart => 'conversation' in each.object);
    const { account } = session.principal!;
    for (const each of ofUsers) await this.openUserObject(session, correlation, each);
    if (ofConversations.length > 0) await this.opening.run(account, () => this.openParts(session, correlation, ofConversations));
  }

  /** Nothing of it any more: he was removed, or it was deleted. */
  leave(session: ClientSession, conversation: string): void {
    for (const kind of ['document', 'messages', 'roster'] as const) this.close(session, { sid: sidOf(kind, conversation), after: 0, object: { kind, conversation } });
  }

  /** He may no longer look. Whoever follows what he is in is told so besides. */
  dismiss(subscription: ObjectSubscription): void {
    subscription.session.subscriptions.delete(sidOf(subscription.kind, subscription.conversation));
    this.rooms.leave(subscription);
  }

  remove(session: ClientSession): void {
    for (const subscription of session.subscriptions.values()) this.rooms.leave(subscription);
    session.subscriptions.clear();
    this.users.remove(session);
  }

  private close(session: ClientSession, { sid }: Asked): void {
    const subscription = session.subscriptions.get(sid);
    if (!subscription) return;
    session.subscriptions.delete(sid);
    this.rooms.leave(subscription);
  }

  private async openParts(session: ClientSession, correlation: number, asked: AskedPart[]): Promise<void> {
    if (!session.open) return; // it waited for its turn: nobody would ever close what is opened now
    if (session.subscriptions.size + asked.length > this.perSocketMax) return session.end(closing.tooMany, 'too many objects open');
    const joined = asked.map((each) => {
      const { sid, object, after } = each;
      this.close(session, each);
      const subscription = new ObjectSubscription(session, object.kind, object.conversation, after, correlation);
      session.subscriptions.set(sid, subscription);
      this.rooms.join(subscription);
      return { ...each, subscription };
    });
    const lasts = await this.reads.lastPositions(readerOf(session), [...new Set(joined.map(({ object }) => object.conversation))]);
    if (!session.open) return;
    const refused = joined.filter(({ object, subscription }) => {
      const found = lasts.get(object.conversation);
      return !found || !subscription.belongsTo(found.participant);
    });
    if (refused.length > 0) {
      for (const each of refused) this.close(session, each);
      // He may have been removed while he was away: only here that shows. Said first: the SDK then knows that he left, not only that it is gone.
      for (const conversation of new Set(refused.map(({ object }) => object.conversation))) if (session.memberships) this.users.leftWhileAway(session, conversation);
      session.send(failed(correlation, refused.map(named)));
    }
    const open = joined.filter((each) => !refused.includes(each));
    const current = open.filter(({ object, after }) => after >= lasts.get(object.conversation)!.last);
    if (current.length > 0) session.send(established(correlation, current.map((each) => ({ ...named(each), last_event_id: each.after }))));
    for (const { subscription } of current) subscription.live();
    for (const each of open) if (!current.includes(each)) void session.replays.run(() => this.replay(correlation, each));
  }

  private async replay(correlation: number, each: Asked & { subscription: ObjectSubscription }): Promise<void> {
    const { subscription } = each;
    const { session, kind, conversation } = subscription;
    const { account } = session.principal!;
    const shard = shardOf(account, conversation);
    try {
      for (let after = subscription.after; ;) {
        while (session.backlogged) await session.drained(); // a slow reader holds up nobody else's replay
        if (!session.open || subscription.left) return;
        const from = after;
        const { facts, events } = await this.replays.run(account, async () => {
          const facts = session.open ? await this.tail.readConversation(shard, conversation, from, BATCH) : [];
          return { facts, events: await eventsOf(this.reads, kind, facts, correlation) };
        });
        for (const event of events) {
          while (session.backlogged) await session.drained();
          subscription.deliver(event);
        }
        if (facts.length < BATCH) break;
        after = facts.at(-1)!.position;
      }
      if (subscription.left) return;
      session.send(established(correlation, [{ ...named(each), last_event_id: subscription.after }]));
      subscription.live();
    } catch (error) {
      log.warn('replay failed', { conversation, error });
      session.end(closing.internal, 'internal error');
    }
  }

  private async openUserObject(session: ClientSession, correlation: number, each: Asked): Promise<void> {
    const { object, after } = each;
    const { account } = session.principal!;
    if (object.kind === 'mine' && object.user === session.mine) {
      const again = session.memberships === undefined && after > 0;
      const missed = await this.opening.run(account, async () => {
        const rows = await this.users.follow(session);
        return again ? this.missed(session, after, rows) : [];
      });
      await this.users.tellAgain(session, missed, after);
      // Last: what it says is where the client goes on after a break.
      session.send(established(correlation, [{ ...named(each), last_event_id: session.nextMineId(after + missed.length) }]));
      return;
    }
    const row = object.kind === 'info' ? await this.opening.run(account, () => this.reads.info(readerOf(session), 'user' in object ? { sid: object.user } : object)) : undefined;
    if (!row) return session.send(failed(correlation, [named(each)]));
    if (this.users.watching(session) >= this.perSocketMax) return session.end(closing.tooMany, 'too many objects open');
    this.users.watch(session, row.sid, row.identity, correlation);
    session.send(established(correlation, [{ ...named(each), last_event_id: session.nextId(after) }]));
    // Read anew: what changed before it was watched nobody tells of.
    this.users.tellInfo(session, row.sid, ['reachability'], after, after / 1000 - OVERLAP_MILLIS);
  }

  /** What became of his conversations while he was away. Those he is no longer in show when he asks for their objects. */
  private async missed(session: ClientSession, after: number, rows: readonly MineRow[]): Promise<MineRow[]> {
    const since = after / 1000 - OVERLAP_MILLIS;
    const all = session.again && rows.length <= TOLD_AGAIN_MAX && Date.now() - after / 1000 < OPENING_MILLIS;
    const activity = all ? undefined : await this.reads.lastActivity(session.principal!.account, rows.map(({ conversation }) => conversation));
    return rows.filter(({ conversation }) => !activity || activity.get(conversation)! > since);
  }
}
