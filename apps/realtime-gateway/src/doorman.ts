/**
 * When thousands of clients come back at once: websockets are opened a few at a time, and no faster than leaves the event loop
 * time for everybody else, who writes through this process or a neighbour on its processors. What a client asks for once it is in
 * costs ten times as much as opening its websocket (measured), so it is the loop's time over all that is looked at.
 */
import { performance, type EventLoopUtilization } from 'node:perf_hooks';
import type { Duplex } from 'node:stream';

const AT_ONCE = 4;
const PAUSE_MILLIS = 2;
/** The part of the event loop's time that may be taken before the next ones have to wait. */
const BUSY_MAX = 0.5;
/** However busy others keep the loop, so many more for each such time: 800 a second. */
const PATIENCE_MILLIS = 5;
/** After turns that took long. */
const TOGETHER_MAX = 64;
const WAITING_MAX = 10_000;

type Guest = { socket: Duplex; open: () => void };

export class Doorman {
  private waiting: Guest[] = [];
  private at = 0;
  private letIn = 0;
  private since: EventLoopUtilization = performance.eventLoopUtilization();
  private opens = false;

  /** `open` must not throw; at once when nobody waits, never when the socket is gone by then. False: too many wait. */
  enter(socket: Duplex, open: () => void): boolean {
    if (this.waiting.length - this.at >= WAITING_MAX) return false;
    this.waiting.push({ socket, open });
    if (!this.opens) this.run();
    return true;
  }

  private readonly run = (): void => {
    const now = performance.now();
    const patient = Math.floor((now - this.letIn) / PATIENCE_MILLIS);
    if (patient > 0 || performance.eventLoopUtilization(this.since).utilization <= BUSY_MAX) this.open(now, Math.min(AT_ONCE * Math.max(1, patient), TOGETHER_MAX));
    this.waiting.splice(0, this.at);
    this.at = 0;
    this.opens = this.waiting.length > 0;
    if (this.opens) setTimeout(this.run, PAUSE_MILLIS);
  };

  private open(now: number, count: number): void {
    this.letIn = now;
    this.since = performance.eventLoopUtilization();
    for (let opened = 0; opened < count && this.at < this.waiting.length; ) {
      const { socket, open } = this.waiting[this.at++]!;
      if (socket.destroyed) continue;
      opened += 1;
      open();
    }
  }
}
