/**
 * Lanes of work towards hosts that may hang: one piece of a lane at a time, in order. Every account has a number of calls of its
 * own, and every host some of those, so who hangs holds up its own lanes, never another account's. The table behind it decides
 * what there really is to do: being woken twice, too early or never does no harm.
 */
import { setTimeout as pause } from 'node:timers/promises';

/** A lane, and who is called there. */
export type LanePlace = { lane: string; account: string; host: string };
export type LaneEnd = {
  /** There may be more in this lane. */
  more: boolean;
  /** When its next attempt is due. */
  againInMillis?: number | undefined;
};
export type LanePoolOptions = {
  /** Calls under way for one account, and of those to one host. */
  accountMax: number;
  hostMax: number;
  /** One piece of the lane's work. What it throws is told to `failed`, and somebody else wakes the lane again. */
  work(place: LanePlace): Promise<LaneEnd>;
  failed(place: LanePlace, error: unknown): void;
};

/** Lanes of one account to one host waiting in memory; the sweeper brings the others again. */
const WAITING_MAX = 1000;
/** Lanes whose next attempt this process remembers; of more, the sweeper does, which may have to walk past all that waits. */
const LATER_MAX = 10_000;
const STOP_MILLIS = 5_000;

type HostQueue = { waiting: Map<string, LanePlace>; calls: number; heldUntil: number };
type AccountQueue = { hosts: Map<string, HostQueue>; calls: number };

export class LanePool {
  private readonly queues = new Map<string, AccountQueue>();
  /** Lanes at work; true: woken meanwhile, so look again. */
  private readonly active = new Map<string, boolean>();
  private readonly later = new Set<NodeJS.Timeout>();
  private readonly stopping = new AbortController();
  private stopped = false;

  constructor(private readonly options: LanePoolOptions) {}

  /** Calls under way are to be cut off when it fires. */
  get signal(): AbortSignal {
    return this.stopping.signal;
  }

  /** Returns at once: the lane is looked at as soon as its account and host may. */
  wake(place: LanePlace): void {
    if (this.active.has(place.lane)) return void this.active.set(place.lane, true);
    this.enqueue(place);
    this.advance(place.account);
  }

  /** The host wants to be left alone so long, by all lanes of the account. */
  hold(place: LanePlace, millis: number): void {
    const host = this.hostOf(place);
    host.heldUntil = Math.max(host.heldUntil, performance.now() + millis);
    this.in(millis + 1, () => this.advance(place.account));
  }

  /** Begins nothing new, gives calls under way a moment, then cuts them off: those are tried again by whoever comes next. */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const timer of this.later) clearTimeout(timer);
    const patience = setTimeout(() => this.stopping.abort(), STOP_MILLIS);
    while (this.active.size > 0) await pause(10);
    clearTimeout(patience);
  }

  private enqueue(place: LanePlace): void {
    const host = this.hostOf(place);
    if (host.waiting.size < WAITING_MAX) host.waiting.set(place.lane, place);
  }

  private hostOf({ account, host: name }: LanePlace): HostQueue {
    let queue = this.queues.get(account);
    if (!queue) this.queues.set(account, (queue = { hosts: new Map(), calls: 0 }));
    let host = queue.hosts.get(name);
    if (!host) queue.hosts.set(name, (host = { waiting: new Map(), calls: 0, heldUntil: 0 }));
    return host;
  }

  private advance(account: string): void {
    const queue = this.queues.get(account);
    if (!queue) return;
    const now = performance.now();
    for (const [name, host] of queue.hosts) {
      if (host.heldUntil > now) continue;
      for (const [lane, place] of host.waiting) {
        if (this.stopped || queue.calls >= this.options.accountMax) return;
        if (host.calls >= this.options.hostMax) break;
        host.waiting.delete(lane);
        queue.calls++;
        host.calls++;
        void this.work(place).finally(() => {
          queue.calls--;
          host.calls--;
          this.advance(account);
        });
      }
      if (host.calls === 0 && host.waiting.size === 0) queue.hosts.delete(name);
    }
    if (queue.hosts.size === 0) this.queues.delete(account);
  }

  /** One piece; a lane with more goes to the end of its account's line. */
  private async work(place: LanePlace): Promise<void> {
    this.active.set(place.lane, false);
    let more = false;
    try {
      const end = await this.options.work(place);
      more = end.more;
      if (end.againInMillis !== undefined) this.in(end.againInMillis, () => this.wake(place));
    } catch (error) {
      this.options.failed(place, error);
    }
    const again = this.active.get(place.lane)! || more;
    this.active.delete(place.lane);
    if (again) this.enqueue(place);
  }

  private in(millis: number, then: () => void): void {
    if (this.stopped || this.later.size >= LATER_MAX) return;
    const timer = setTimeout(() => {
      this.later.delete(timer);
      then();
    }, millis);
    this.later.add(timer);
  }
}
