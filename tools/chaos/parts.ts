/** The parts of an installation as things that can be hurt and brought back, and that come back when they fall over by themselves. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ManagedProcess } from '../../infra/local/managed-process.mjs';

const START_SECONDS = 90;

export class Parts {
  /** Ends nobody asked for, one line each. */
  readonly crashes: string[] = [];
  private readonly starting = new Map<ManagedProcess, Promise<void>>();
  private over = false;

  constructor(parts: readonly ManagedProcess[]) {
    for (const part of parts) {
      part.onCrash = (how) => {
        if (this.over) return;
        this.crashes.push(`${part.name}: ${how}`);
        void this.bringUp(part).catch(() => {}); // whoever waits for it next is told
      };
    }
  }

  /** Starts it until it runs: what it depends on may be down too. Throws when that takes too long. */
  bringUp(part: ManagedProcess): Promise<void> {
    let starting = this.starting.get(part);
    if (!starting) {
      starting = this.start(part).finally(() => this.starting.delete(part));
      this.starting.set(part, starting);
    }
    return starting;
  }

  /** From now on an end is an end. */
  close(): void {
    this.over = true;
  }

  private async start(part: ManagedProcess): Promise<void> {
    const until = Date.now() + START_SECONDS * 1000;
    while (!this.over) {
      try {
        await part.start();
        return;
      } catch (error) {
        if (Date.now() > until) throw error;
        await pause(200);
      }
    }
  }
}
