/**
 * When thousands of clients come back at once: websockets are opened a few at a time, and no faster than leaves the event loop
 * time for everybody else, who writes through this process or a neighbour on its processors. What a client asks for once it is in
 * costs ten times as much as opening its websocket (measured), so it is the loop's time over all that is looked at.
 */
import { performance, type EventLoopUtilization } from 'node:perf_hooks';

const AT_ONCE = 4;
const PAUSE_MILLIS = 2;
/** The part of the event loop's time that may be taken before the next ones have to wait. */
const BUSY_MAX = 0.5;
/** However busy others keep the loop, the next ones are let in after this long: 800 a second. */
const PATIENCE_MILLIS = 5;

export class Doorman {
  private waiting: (() => void)[] = [];
  private at = 0;
  private letIn = 0;
  private since: EventLoopUtilization = performance.eventLoopUtilization();

  /** `open` must not throw. At once when nobody waits. */
  enter(open: () => void): void {
    if (this.waiting.push(open) === 1) this.run();
  }

  private readonly run = (): void => {
    const now = performance.now();
    if (now - this.letIn >= PATIENCE_MILLIS || performance.eventLoopUtilization(this.since).utilization <= BUSY_MAX) this.open(now);
    if (this.at < this.waiting.length) return void setTimeout(this.run, PAUSE_MILLIS);
    this.waiting = [];
    this.at = 0;
  };

  private open(now: number): void {
    this.letIn = now;
    this.since = performance.eventLoopUtilization();
    for (const end = Math.min(this.waiting.length, this.at + AT_ONCE); this.at < end; ) this.waiting[this.at++]!();
  }
}
