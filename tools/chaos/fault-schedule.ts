/** Draws faults from a seed and lets two happen at a time, never two of one target. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Fault } from './faults.ts';
import type { Random } from './random.ts';

const AT_ONCE = 2;
const PAUSE_MILLIS = { min: 300, max: 2500 };

export type Happened = { atSeconds: number; fault: string; seconds: number; trouble?: string };

export class FaultSchedule {
  readonly happened: Happened[] = [];
  private readonly faults: readonly Fault[];
  private readonly busy = new Set<string>();
  private readonly say: (line: string) => void;

  constructor(faults: readonly Fault[], say: (line: string) => void) {
    this.faults = faults;
    this.say = say;
  }

  /** Until the signal; then what is happening heals first. */
  async run(random: Random, stop: AbortSignal): Promise<void> {
    const begin = performance.now();
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.lane(random.branch(), stop, begin)));
  }

  private async lane(random: Random, stop: AbortSignal, begin: number): Promise<void> {
    for (;;) {
      await pause(random.between(PAUSE_MILLIS.min, PAUSE_MILLIS.max), undefined, { signal: stop }).catch(() => {});
      if (stop.aborted) return;
      const fault = this.draw(random);
      this.busy.add(fault.target);
      const started = performance.now();
      this.say(`fault: ${fault.name}`);
      const happened: Happened = { atSeconds: seconds(started - begin), fault: fault.name, seconds: 0 };
      this.happened.push(happened);
      try {
        await fault.run(random);
      } catch (error) {
        happened.trouble = error instanceof Error ? error.message : String(error);
        this.say(`fault: ${fault.name}: ${happened.trouble}`);
      }
      happened.seconds = seconds(performance.now() - started);
      this.busy.delete(fault.target);
    }
  }

  private draw(random: Random): Fault {
    const free = this.faults.filter(({ target }) => !this.busy.has(target));
    let at = random.next() * free.reduce((sum, { weight }) => sum + weight, 0);
    for (const fault of free) if ((at -= fault.weight) < 0) return fault;
    return free.at(-1)!;
  }
}

const seconds = (millis: number) => Math.round(millis / 100) / 10;
