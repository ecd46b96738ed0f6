/** Keeps a client below the frames per second for which the server would close it (4029): what is too much waits its turn. */
import type { ClientFrame } from './frames.js';

/** Of what the server takes by default (20, twice as many in a burst); its own pings and answers need room too. */
export const FRAMES_PER_SECOND = 15;
const BURST_SECONDS = 1.5;

export class Pacer {
  private tokens: number;
  private refilledAt = Date.now();
  private queue: ClientFrame[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly send: (frame: ClientFrame) => void, private readonly framesPerSecond: number) {
    this.tokens = framesPerSecond * BURST_SECONDS;
  }

  add(frame: ClientFrame): void {
    this.queue.push(frame);
    if (this.timer === undefined) this.flush();
  }

  /** The connection is gone, and what was for it. */
  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.queue = [];
  }

  private flush(): void {
    this.timer = undefined;
    const now = Date.now();
    const { framesPerSecond } = this;
    this.tokens = Math.min(framesPerSecond * BURST_SECONDS, this.tokens + ((now - this.refilledAt) / 1_000) * framesPerSecond);
    this.refilledAt = now;
    const count = Math.min(this.queue.length, Math.floor(this.tokens));
    this.tokens -= count;
    for (const frame of this.queue.splice(0, count)) this.send(frame);
    if (this.queue.length > 0) this.timer = setTimeout(() => this.flush(), 1_000 / framesPerSecond);
  }
}
