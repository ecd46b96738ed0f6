/**
 * How fast we may send: as configured, or without limit until the message centre says "too fast". Then half of what it took
 * before, and slowly more again; waiting longer than a moment is left to the caller's queue.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { SendError } from '../../send-error.js';

const HOLD_MILLIS_MAX = 1_000;
/** Unused time is worth a small burst. */
const BURST_MILLIS = 50;
const SLOWEST_PER_SECOND = 0.5;
/** At least this was going on when a complaint came. */
const UNMEASURED_PER_SECOND = 2;
/** Each second without complaint. */
const RECOVERY = 1.05;
const RATE_LIMITED = 30022;

export class Pace {
  /** Submits a second. */
  private limit: number;
  private nextAt = 0;
  private closedUntil = 0;
  private recoveredAt = 0;
  /** Taken in the second that began at `countingSince`, and in the one before. */
  private taken = 0;
  private takenBefore = 0;
  private countingSince = 0;
  /** Where an unlimited one forgets its limit again. */
  private forgetAt = Infinity;

  constructor(private readonly most = Infinity, private readonly now: () => number = () => performance.now()) {
    this.limit = most;
  }

  get perSecond(): number { return this.limit; }

  /** Throws SendError `rate_limited` when its turn comes in more than a second, or the signal ends the waiting. */
  async turn(signal: AbortSignal): Promise<void> {
    const now = this.now();
    this.recover(now);
    if (this.limit === Infinity) return;
    const at = Math.max(this.nextAt, now - BURST_MILLIS, this.closedUntil);
    const wait = at - now;
    if (wait > HOLD_MILLIS_MAX) throw rateLimited(wait);
    this.nextAt = at + 1000 / this.limit;
    if (wait < 1) return;
    await pause(wait, undefined, { signal }).catch(() => { throw rateLimited(wait); });
  }

  accepted(): void {
    const now = this.now();
    if (now - this.countingSince >= 1000) {
      this.takenBefore = now - this.countingSince < 2000 ? this.taken : 0;
      this.taken = 0;
      this.countingSince = now;
    }
    this.taken++;
  }

  /** A whole window may be refused at once: that is one complaint. */
  throttled(pauseMillis: number): void {
    const now = this.now();
    if (now < this.closedUntil) return;
    const before = this.limit === Infinity ? Math.max(this.taken, this.takenBefore, UNMEASURED_PER_SECOND) : this.limit;
    if (this.limit === Infinity) this.forgetAt = before * 2;
    this.limit = Math.max(before / 2, SLOWEST_PER_SECOND);
    this.closedUntil = now + pauseMillis;
    this.nextAt = this.closedUntil;
    this.recoveredAt = this.closedUntil;
  }

  private recover(now: number): void {
    const seconds = Math.floor((now - this.recoveredAt) / 1000);
    if (this.limit >= this.most || seconds < 1) return;
    this.recoveredAt += seconds * 1000;
    this.limit = Math.min(this.limit * RECOVERY ** Math.min(seconds, 1000), this.most);
    if (this.limit >= this.forgetAt) [this.limit, this.forgetAt] = [this.most, Infinity];
  }
}

const rateLimited = (retryAfterMillis: number) => new SendError('rate_limited', 'retryable', { errorCode: RATE_LIMITED, retryAfterMillis: Math.ceil(retryAfterMillis) });
