/** What a scenario gets and what it gives. */
import type { BenchOptions } from './options.ts';

export type ScenarioContext = BenchOptions & {
  cores: number;
  say(line: string): void;
};

/** A figure the project promises (docs/benchmarks.md), with what was measured. */
export type Target = { figure: string; measured: number; unit: string } & ({ atLeast: number } | { atMost: number });

export type ScenarioResult = {
  scenario: string;
  /** Medians over rounds, phase by phase. */
  medians: Record<string, unknown>;
  rounds: Record<string, readonly unknown[]>;
  targets: Target[];
  /** Messages missing, doubled, out of order, refused, over all rounds: a result with any is void. */
  wrong: number;
  remarks?: string[];
};
export type Scenario = (context: ScenarioContext) => Promise<ScenarioResult>;

export const isReached = (target: Target): boolean =>
  'atLeast' in target ? target.measured >= target.atLeast : target.measured <= target.atMost;
