/** What the command line asks for. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

const SCENARIOS = ['write', 'inbound', 'fanout', 'idle', 'reconnect', 'read', 'list', 'mixed', 'grow', 'outbound', 'start'] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

export type BenchOptions = {
  scenarios: readonly ScenarioName[];
  json: boolean;
  services: boolean;
  quick: boolean;
  rounds: number;
  /** Length of a round. */
  seconds: number;
  /** Seconds that each round may wait for the rest of the machine to come to rest. */
  patience: number;
  /** Folder for CPU profiles of our Node processes and of the load generator. */
  profile: string | undefined;
};

export const HELP = `npm run bench -- [scenario...] [options]

Scenarios: ${SCENARIOS.join(', ')}; without one, all of them. See docs/benchmarks.md.

  --rounds N     rounds per scenario after a warm-up (default 5)
  --seconds N    length of a round (default 8)
  --patience N   before each round, wait up to N s until everything else takes less than 10 % of the machine (default 0)
  --quick        3 rounds of 3 s, and less history (grow 100,000 messages, list 50,000): a look, no measurement
  --profile DIR  CPU profiles of our Node processes and of the load generator, one file each (open in Chrome's developer tools)
  --services     each service as a process of its own instead of one process for all
  --json         the last line on stdout is the result as JSON (npm run -s bench: the only line); progress goes to stderr`;

/** Throws Error with one line that says what to do; `undefined` when help was asked for. */
export function readOptions(args: readonly string[]): BenchOptions | undefined {
  const { values, positionals } = parseArgs({
    args: [...args], allowPositionals: true, strict: true,
    options: {
      json: { type: 'boolean' }, services: { type: 'boolean' }, quick: { type: 'boolean' }, help: { type: 'boolean', short: 'h' },
      rounds: { type: 'string' }, seconds: { type: 'string' }, patience: { type: 'string' },
      profile: { type: 'string' },
    },
  });
  if (values.help) return undefined;
  const wanted = positionals.map((name) => {
    const scenario = SCENARIOS.find((known) => known === name);
    if (!scenario) throw new Error(`no such scenario: ${name}; there are ${SCENARIOS.join(', ')}`);
    return scenario;
  });
  const quick = values.quick ?? false;
  return {
    scenarios: wanted.length > 0 ? wanted : SCENARIOS,
    json: values.json ?? false, services: values.services ?? false, quick,
    rounds: whole('rounds', values.rounds, quick ? 3 : 5, 50), seconds: whole('seconds', values.seconds, quick ? 3 : 8, 600),
    profile: values.profile === undefined ? undefined : resolve(values.profile),
    patience: whole('patience', values.patience, 0, 3600, 0),
  };
}

function whole(name: string, text: string | undefined, usual: number, max: number, min = 1): number {
  const value = text === undefined ? usual : Number(text);
  if (!Number.isInteger(value) || value < min || value > max) throw new Error(`--${name} is a whole number from ${min} to ${max}`);
  return value;
}
