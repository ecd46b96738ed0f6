/**
 * Makes subscriptions without a gap and without a repetition. The snapshot tells membership and positions at one instant;
 * what the tail handed out since before the snapshot was asked for is kept by the hub, and given to the session from the
 * snapshot's positions on, in the same event-loop turn in which it joins the live facts.
 */
import type { LogEvent } from '@parley/domain/event';
import type { Pool } from '@parley/event-store/database';
import type { FrameOf } from './client-frames.js';
import { FairTurns } from './fair-turns.js';
import type { Hub } from './hub.js';
import type { Replayer } from './replayer.js';
import { closing, type Session } from './session.js';
import { type Snapshot, takeSnapshot } from './snapshot.js';
import type { Subscription } from './subscription.js';

type Subscribe = FrameOf<'subscribe'>;
const ATTEMPTS = 3;
/** Of one account, and one more of others: so that those who write find a connection to the database when thousands come back. */
const SNAPSHOTS_AT_ONCE = 4;

export class Subscriber {
  private readonly snapshots = new FairTurns(SNAPSHOTS_AT_ONCE + 1, SNAPSHOTS_AT_ONCE);

  constructor(
    private readonly pool: Pool, private readonly hub: Hub, private readonly replayer: Replayer, private readonly conversationsMax: number,
  ) {}

  /** Rejects when the database does not answer; the session is as it was then. Ends the session when the log runs away from it. */
  async subscribe(session: Session, frame: Subscribe): Promise<void> {
    const listed = frame.conversations === 'all' ? undefined : [...new Set(frame.conversations)];
    const from = Object.keys(frame.from ?? {}).filter((sid) => listed === undefined || listed.includes(sid));
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++)
      if (await this.snapshots.run(session.principal!.account, () => this.attempt(session, frame, listed, from))) return;
    session.refuse(frame.id, 20503, 'Service unavailable, try again');
    session.end(closing.internal, 'cannot subscribe now, connect again and resume'); // open, it would be told nothing and not know it
  }

  /** False: the database took so long that the log ran away. */
  private async attempt(session: Session, frame: Subscribe, listed: readonly string[] | undefined, from: readonly string[]): Promise<boolean> {
    if (!session.open) return true;
    const passed = this.hub.keepPassing();
    let snapshot: Snapshot;
    let missed: LogEvent[] | undefined;
    try {
      snapshot = await takeSnapshot(this.pool, session.principal!, listed, from, this.conversationsMax + 1);
    } finally {
      missed = passed();
    }
    if (!session.open) return true;
    if (!missed) return false;
    if (snapshot.found.size > this.conversationsMax) {
      session.refuse(frame.id, 20001, 'Too many conversations for one socket');
      return true;
    }
    const fresh = listed === undefined && session.all === undefined;
    const behind = this.apply(session, frame, snapshot, listed ?? from, fresh);
    for (const event of missed) this.hub.passTo(session, event, fresh);
    for (const subscription of behind) this.replayer.start(subscription);
    return true;
  }

  unsubscribe(session: Session, { id, conversations }: FrameOf<'unsubscribe'>): void {
    if (conversations === 'all') {
      this.hub.remove(session);
      return session.say({ type: 'unsubscribed', id, conversations });
    }
    if (session.all) return session.refuse(id, 20001, 'You are subscribed to all: unsubscribe from all, then subscribe to those you want');
    for (const sid of conversations) {
      const subscription = session.subscriptions.get(sid);
      if (subscription) this.hub.leave(subscription);
    }
    session.say({ type: 'unsubscribed', id, conversations });
  }

  /** Joins and tells; returns those whose past has to be read. */
  private apply(session: Session, frame: Subscribe, snapshot: Snapshot, asked: readonly string[], fresh: boolean): Subscription[] {
    const { heads, found, lasts } = snapshot;
    const { identity, service } = session.principal!;
    if (fresh) this.hub.watchAll(session, heads);
    const positions: Record<string, number> = {};
    const behind: Subscription[] = [];
    for (const [sid, participantSid] of found) {
      const from = frame.from?.[sid];
      const known = session.subscriptions.get(sid);
      if (known && !known.left && from === undefined) {
        positions[sid] = known.after;
        continue;
      }
      if (known) this.hub.leave(known);
      const past = from !== undefined && from < (lasts.get(sid) ?? 0);
      if (identity !== undefined) this.hub.remember(sid, service!);
      const subscription = this.hub.join(session, sid, from ?? 0, participantSid, past);
      if (!subscription) break;
      if (past) behind.push(subscription);
      else subscription.after = heads[subscription.shard]!;
      positions[sid] = subscription.after;
    }
    const missing = asked.filter((sid) => !found.has(sid));
    session.say({ type: 'subscribed', id: frame.id, conversations: frame.conversations === 'all' ? 'all' : Object.keys(positions), positions });
    if (missing.length > 0)
      session.refuse(frame.id, 20404, 'The requested resource was not found', { conversations: missing });
    return behind;
  }
}
