/** `start`: `npm start` as a person runs it, in a fresh home and again; seconds to ready, resident memory when idle. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { REPOSITORY } from '../../../infra/local/home-folder.mjs';
import { residentMiB } from '../process-cpu.ts';
import type { Scenario, ScenarioContext } from '../scenario.ts';
import { medianOf, rounded } from '../statistics.ts';

const READY_SECONDS = 180;
/** After that a young process holds what it keeps. */
const SETTLE_MILLIS = 3000;

type Start = { seconds: number; memoryMiB: Record<string, number>; nodeMiB: number };

export const start: Scenario = async (context) => {
  const home = mkdtempSync(join(tmpdir(), 'parley-bench-start-'));
  try {
    const first = await startOnce(home, context);
    context.say(`start, fresh home: ${describe(first)}`);
    const again: Start[] = [];
    for (let n = 1; n <= Math.min(context.rounds, 3); n++) {
      const next = await startOnce(home, context);
      context.say(`start, again: ${describe(next)}`);
      again.push(next);
    }
    const second = medianOf(again);
    return {
      scenario: 'start',
      medians: { first, second },
      rounds: { first: [first], second: again },
      targets: [
        { figure: 'first start, packages there', measured: first.seconds, unit: 's', atMost: 60 },
        { figure: 'second start', measured: second.seconds, unit: 's', atMost: 5 },
        ...(context.services ? [] : [{ figure: 'Node resident, idle, launcher included', measured: second.nodeMiB, unit: 'MiB', atMost: 400 }]),
      ],
      wrong: 0,
    };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
};

const describe = ({ seconds, nodeMiB, memoryMiB }: Start) =>
  `${seconds} s; Node ${nodeMiB} MiB (${Object.entries(memoryMiB).map(([name, mib]) => `${name} ${mib}`).join(', ')})`;

async function startOnce(home: string, { services }: ScenarioContext): Promise<Start> {
  const env = { ...process.env, PARLEY_HOME: home, PORT: '0', DATABASE_URL: '', KEYS_DATABASE_URL: '', NATS_URL: '', REDIS_URL: '', PUBLIC_URL: '' };
  const begin = performance.now();
  const child = spawn('npm', ['start', ...(services ? ['--', '--services'] : [])], { cwd: REPOSITORY, env, stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => (complaint = (complaint + text.toString()).slice(-2000)));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  try {
    const info = await ready(home, child);
    const seconds = rounded((performance.now() - begin) / 1000, 2);
    await pause(SETTLE_MILLIS);
    const servers = new Set(['postgres', 'nats', 'redis']);
    const node = Object.entries(info.pids).filter(([name]) => !servers.has(name));
    const memoryMiB = Object.fromEntries(node.map(([name, pid]) => [name, rounded(residentMiB(pid), 0)]));
    return { seconds, memoryMiB, nodeMiB: Object.values(memoryMiB).reduce((a, b) => a + b, 0) };
  } catch (error) {
    throw new Error(`npm start: ${error instanceof Error ? error.message : String(error)} ${complaint}`, { cause: error });
  } finally {
    child.kill('SIGINT');
    await ended;
  }
}

/** run.json is written when every app answers /health. */
async function ready(home: string, child: ReturnType<typeof spawn>): Promise<{ pids: Record<string, number> }> {
  const file = join(home, 'run.json');
  for (const until = performance.now() + READY_SECONDS * 1000; performance.now() < until; await pause(10)) {
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as { pids: Record<string, number> };
    if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}`);
  }
  throw new Error(`not ready within ${READY_SECONDS} s`);
}
