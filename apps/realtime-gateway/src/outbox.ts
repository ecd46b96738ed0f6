/**
 * Writes what sockets have to be told, once per event-loop turn and socket. A fan-out to many sockets is cut into slices, so
 * that requests are answered in between; what comes meanwhile for a socket that waits goes out with the same write.
 */
import { metrics } from '@parley/telemetry/metrics';

/** About 2 ms of writing. */
const SLICE = 256;
const deliveries = metrics.counter('parley_realtime_frames_total', 'Frames written to websockets');

export interface Outgoings {
  /** Hands everything to the socket; returns how many frames. */
  flush(): number;
}

export class Outbox {
  private dirty: Outgoings[] = [];
  private at = 0;

  add(one: Outgoings): void {
    if (this.dirty.push(one) === 1) setImmediate(this.run);
  }

  private readonly run = (): void => {
    const end = Math.min(this.dirty.length, this.at + SLICE);
    let frames = 0;
    while (this.at < end) frames += this.dirty[this.at++]!.flush();
    deliveries.add(frames);
    if (this.at < this.dirty.length) return void setImmediate(this.run);
    this.dirty = [];
    this.at = 0;
  };
}
