/**
 * What one sender may do now: so many calls at once; none for a while when its carrier is in trouble or asked for a pause;
 * after trouble one call at a time, until one succeeds. Every sender has its own gate, so nobody waits for another's carrier.
 */
import type { Lane } from './lane.js';

const TROUBLES_MAX = 5;
const PAUSE_MILLIS = 2_000;
const PAUSE_MILLIS_MAX = 30_000;

/** `fine`: the carrier answered, whatever it said. `trouble`: it did not. A number: it wants to be left alone so long (ms). */
export type CallEnd = 'fine' | 'trouble' | { pauseMillis: number };

export class SenderGate {
  /** Lanes that want to go on, first come first served. */
  readonly waiting = new Map<string, Lane>();
  private inFlight = 0;
  private troubles = 0;
  private closedUntil = 0;

  constructor(private readonly concurrency: number) {}

  /** Nothing to remember: the gate may be forgotten. */
  get idle(): boolean { return this.inFlight === 0 && this.waiting.size === 0 && this.troubles === 0; }

  enter(now: number): boolean {
    if (now < this.closedUntil || this.inFlight >= (this.troubles < TROUBLES_MAX ? this.concurrency : 1)) return false;
    this.inFlight++;
    return true;
  }

  leave(end: CallEnd | undefined, now: number): void {
    this.inFlight--;
    if (end === undefined) return;
    if (end === 'fine') this.troubles = 0;
    else if (end !== 'trouble') this.close(now, end.pauseMillis);
    // A call that began before the gate closed says nothing new.
    else if (now >= this.closedUntil && ++this.troubles >= TROUBLES_MAX)
      this.close(now, PAUSE_MILLIS * 2 ** Math.min(this.troubles - TROUBLES_MAX, 10));
  }

  private close(now: number, millis: number): void {
    this.closedUntil = Math.max(this.closedUntil, now + Math.min(millis, PAUSE_MILLIS_MAX));
  }
}
