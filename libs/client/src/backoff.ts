/** When to connect again: soon at first, then less and less often, never all clients at the same moment. */

export type BackoffLimits = {
  /** The first wait is at most this long, each further one twice as long; default 500. */
  firstMillis?: number;
  /** Default 30,000. */
  maxMillis?: number;
};

/** A connection that lived this long was a good one: the next wait is a first one again. */
const GOOD_MILLIS = 10_000;

export class Backoff {
  private failures = 0;
  private connectedAt: number | undefined;

  constructor(private readonly limits: BackoffLimits = {}, private readonly random: () => number = Math.random) {}

  connected(now: number = Date.now()): void {
    this.connectedAt = now;
  }

  /** Milliseconds to wait, somewhere between half of the bound and all of it, and not below `atLeast`. */
  next(atLeast = 0, now: number = Date.now()): number {
    if (this.connectedAt !== undefined && now - this.connectedAt >= GOOD_MILLIS) this.failures = 0;
    this.connectedAt = undefined;
    const { firstMillis = 500, maxMillis = 30_000 } = this.limits;
    const bound = Math.min(maxMillis, firstMillis * 2 ** Math.min(this.failures, 30));
    this.failures += 1;
    return Math.max(atLeast, 0) + bound * (0.5 + this.random() / 2);
  }
}
