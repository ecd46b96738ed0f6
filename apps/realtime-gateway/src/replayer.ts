/**
 * Reads the past of subscriptions from the log, a few at a time over all sockets so that the database stays free for
 * others, and no faster than each client reads. Live facts wait in the subscription meanwhile: no gap, nothing twice.
 */
import type { LogTail } from '@parley/event-store/log-tail';
import { logger } from '@parley/telemetry/logger';
import { metrics } from '@parley/telemetry/metrics';
import { closing, type Session } from './session.js';
import { Outgoing, type Subscription } from './subscription.js';

const AT_ONCE = 3;
const BATCH = 200;
/** What a socket may hold unread before the replay waits for it. */
const BACKLOG_BYTES = 262_144;
const READ_MILLIS = 30_000;
const log = logger('replay');
const replayed = metrics.counter('parley_realtime_replayed_total', 'Facts read from the log for clients that resume');

export class Replayer {
  private readonly queue: Subscription[] = [];
  /** Of clients that have enough to read: they keep nobody else from reading the past. */
  private readonly parked = new Map<Session, Subscription[]>();
  private running = 0;

  constructor(private readonly tail: Pick<LogTail, 'readConversation'>, private readonly leave: (subscription: Subscription) => void) {}

  start(subscription: Subscription): void {
    this.queue.push(subscription);
    this.next();
  }

  private next(): void {
    while (this.running < AT_ONCE && this.queue.length > 0) {
      const subscription = this.queue.shift()!;
      this.running += 1;
      void this.replay(subscription).finally(() => {
        this.running -= 1;
        this.next();
      });
    }
  }

  private async replay(subscription: Subscription): Promise<void> {
    const { session, shard, conversation } = subscription;
    try {
      for (;;) {
        if (!session.open || subscription.left) return;
        if (session.backlogWithPending > BACKLOG_BYTES) return this.park(subscription);
        const events = await this.tail.readConversation(shard, conversation, subscription.after, BATCH);
        replayed.add(events.length);
        for (const event of events) {
          if (subscription.deliver(new Outgoing(event))) return this.leave(subscription);
          if (!session.open || subscription.left) return;
          if (session.backlogWithPending > BACKLOG_BYTES) return this.park(subscription);
        }
        if (events.length === BATCH) continue;
        const state = subscription.catchUp();
        if (state === 'last') this.leave(subscription);
        if (state !== 'again') return;
      }
    } catch (error) {
      log.warn('replay failed', { conversation, error });
      session.end(closing.internal, 'internal error, connect again and resume');
    }
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
      this.queue.push(...all);
      this.next();
    });
  }
}
