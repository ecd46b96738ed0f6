/** What the command line asks for. */
import { parseArgs } from 'node:util';
import { TAMPERINGS, type Tampering } from './tampering.ts';

export type ChaosOptions = {
  seconds: number;
  seed: number;
  json: boolean;
  services: boolean;
  tampering: Tampering | undefined;
  /** Keeps the home folder with data, logs and the evidence, whatever comes out. */
  keep: boolean;
};

export const HELP = `npm run chaos -- [options]

Load with random faults, then a check of everything that was answered. Exit code 1 when anything acknowledged is lost,
doubled or out of order, or something does not come to its end. See docs/benchmarks.md.

  --seconds N    how long faults happen (default 60)
  --seed S       which faults and when (default: a random one, which is printed)
  --services     each service as a process of its own instead of one process for all
  --break HOW    ${TAMPERINGS.join(', ')}: spoils what the clients saw before it is checked; the check must find it
  --keep         keep the installation's folder (it is kept anyway when the check fails)
  --json         the last line on stdout is the result as JSON (npm run -s chaos: the only line); progress goes to stderr`;

/** Throws Error with one line that says what to do; `undefined` when help was asked for. */
export function readOptions(args: readonly string[]): ChaosOptions | undefined {
  const { values } = parseArgs({
    args: [...args], strict: true,
    options: {
      json: { type: 'boolean' }, services: { type: 'boolean' }, keep: { type: 'boolean' }, help: { type: 'boolean', short: 'h' },
      seconds: { type: 'string' }, seed: { type: 'string' }, break: { type: 'string' },
    },
  });
  if (values.help) return undefined;
  const tampering = TAMPERINGS.find((known) => known === values.break);
  if (values.break !== undefined && !tampering) throw new Error(`--break is one of ${TAMPERINGS.join(', ')}`);
  return {
    seconds: whole('seconds', values.seconds, 60, 1, 86_400),
    seed: whole('seed', values.seed, Math.floor(Math.random() * 2 ** 31), 0, 2 ** 32 - 1),
    json: values.json ?? false, services: values.services ?? false, keep: values.keep ?? false, tampering,
  };
}

function whole(name: string, text: string | undefined, usual: number, min: number, max: number): number {
  const value = text === undefined ? usual : Number(text);
  if (!Number.isInteger(value) || value < min || value > max) throw new Error(`--${name} is a whole number from ${min} to ${max}`);
  return value;
}
