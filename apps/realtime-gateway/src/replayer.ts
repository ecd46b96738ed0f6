/**
 * Reads the past of subscriptions from the log, a few at a time over all sockets so that the database stays free for
 * others, accounts taking turns, and no faster than each client reads. Live facts wait in the subscription meanwhile: no gap, nothing twice.
 */
import type { LogTail } from '@parley/event-store/log-tail';
import { logger } from '@parley/telemetry/logger';
import { metrics } from '@parley/telemetry/metrics';
import { FairTurns } from './fair-turns.js';
import { closing, type Session } from './session.js';
import { Outgoing, type Subscription } from './subscription.js';

/** Reads for one account, and one more for others. */
const AT_ONCE = 3;
const BATCH = 200;
/** What a socket may hold unread before the replay waits for it. */
const BACKLOG_BYTES = 262_144;
const READ_MILLIS = 30_000;
const log = logger('replay');
const replayed = metrics.counter('parley_realtime_replayed_total', 'Facts read from the log for clients that resume');

export class Replayer {
  private readonly turns = new FairTurns(AT_ONCE + 1, AT_ONCE);
  /** Of clients that have enough to read: they keep nobody else from reading the past. */
  private readonly parked = new Map<Session, Subscription[]>();

  constructor(private readonly tail: Pick<LogTail, 'readConversation'>, private readonly leave: (subscription: Subscription) => void) {}

  start(subscription: Subscription): void {
    void this.replay(subscription);
  }

  private async replay(subscription: Subscription): Promise<void> {
    const { session, conversation } = subscription;
    try {
      while (await this.turns.run(session.principal!.account, () => this.readOn(subscription)));
    } catch (error) {
      log.warn('replay failed', { conversation, error });
      session.end(closing.internal, 'internal error, connect again and resume');
    }
  }

  /** True: there is more, and it may be told now. */
  private async readOn(subscription: Subscription): Promise<boolean> {
    const { session, shard, conversation } = subscription;
    const stops = () => {
      if (!session.open || subscription.left) return true;
      if (session.backlogWithPending <= BACKLOG_BYTES) return false;
      this.park(subscription);
      return true;
    };
    if (stops()) return false;
    const events = await this.tail.readConversation(shard, conversation, subscription.after, BATCH);
    replayed.add(events.length);
    for (const event of events) {
      if (subscription.deliver(new Outgoing(event))) {
        this.leave(subscription);
        return false;
      }
      if (stops()) return false;
    }
    if (events.length === BATCH) return true;
    const state = subscription.catchUp();
    if (state === 'last') this.leave(subscription);
    return state === 'again';
  }

  /** What was read and not said is read again: waiting clients hold no memory. */
  private park(subscription: Subscription): void {
    const { session } = subscription;
    const waiting = this.parked.get(session);
    if (waiting) return void waiting.push(subscription);
    const all = [subscription];
    this.parked.set(session, all);
    void session.drained(READ_MILLIS).then(() => {
      this.parked.delete(session);
      if (!session.open) return;
      for (const each of all) this.start(each);
    });
  }
}
