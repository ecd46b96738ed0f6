/**
 * When thousands of clients come back at once: websockets are opened a few at a time, for so many milliseconds of each
 * event-loop turn, and what else this process does goes on in between.
 */
const TURN_MILLIS = 2;

export class Doorman {
  private waiting: (() => void)[] = [];
  private at = 0;

  /** `open` must not throw. At once when nobody waits. */
  enter(open: () => void): void {
    if (this.waiting.push(open) === 1) this.run();
  }

  private readonly run = (): void => {
    const end = performance.now() + TURN_MILLIS;
    while (this.at < this.waiting.length && performance.now() < end) this.waiting[this.at++]!();
    if (this.at < this.waiting.length) return void setImmediate(this.run);
    this.waiting = [];
    this.at = 0;
  };
}
