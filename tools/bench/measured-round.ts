/** One round of load with what it cost: CPU of every process per message, and how much of the machine others took. */
import { setTimeout as pause } from 'node:timers/promises';
import type { LoadGenerator } from './load-generator.ts';
import type { LoadResult, Wrong } from './load.ts';
import { cpuBetween, readCpu } from './process-cpu.ts';
import type { Pace } from './request-pool.ts';
import { rounded } from './statistics.ts';
import type { TestInstallation } from './test-installation.ts';

export type MeasuredRound = LoadResult & {
  wrong: Wrong;
  /** Microseconds of CPU per answered request, by process; `load` is the generator, `sum` all of them. */
  cpuMicros: Record<string, number>;
  /** Share of the machine that processes outside this benchmark took: beside 0 it takes from the figures. */
  othersShare: number;
};

/** What earlier rounds left behind (publishing, checkpoints of the database) comes to rest first. */
const REST_MILLIS = 500;

export async function measuredRound(
  installation: TestInstallation, load: LoadGenerator, pace: Pace, { cores, patience }: { cores: number; patience: number },
): Promise<MeasuredRound> {
  const roots = { ...installation.processes(), load: load.pid, bench: process.pid };
  await pause(REST_MILLIS);
  await quiet(roots, cores, patience);
  const before = readCpu(roots);
  const begin = performance.now();
  const result = await load.round(pace);
  const elapsed = (performance.now() - begin) / 1000;
  const { trees, others } = cpuBetween(before, readCpu(roots));
  delete trees['bench'];
  const wrong = await load.verify();
  const cpuMicros = Object.fromEntries(Object.entries(trees).map(([name, seconds]) => [name, rounded((seconds * 1e6) / result.answered, 1)]));
  cpuMicros['sum'] = rounded(Object.values(cpuMicros).reduce((sum, micros) => sum + micros, 0), 1);
  return { ...result, wrong, cpuMicros, othersShare: rounded(others / (elapsed * cores), 3) };
}

const QUIET_SHARE = 0.1;
const LOOK_MILLIS = 1000;

/** Waits, at most so many seconds, for the rest of the machine to leave it to us. */
async function quiet(roots: Record<string, number>, cores: number, patience: number): Promise<void> {
  for (const until = performance.now() + patience * 1000; performance.now() < until; ) {
    const [before, begin] = [readCpu(roots), performance.now()];
    await pause(LOOK_MILLIS);
    const share = cpuBetween(before, readCpu(roots)).others / (((performance.now() - begin) / 1000) * cores);
    if (share < QUIET_SHARE) return;
  }
}
