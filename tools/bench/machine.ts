/** What a result was measured on: without it no figure means anything. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

export type Machine = {
  cores: number;
  cpu: string;
  memoryGiB: number;
  system: string;
  kernel: string;
  node: string;
  commit: string;
  /** Runnable processes over the last minute, before the benchmark began: much more than 0 is a shared machine. */
  loadBefore: number;
};

export function describeMachine(): Machine {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: /^PRETTY_NAME="(.*)"/m.exec(read('/etc/os-release'))?.[1] ?? process.platform,
    kernel: release(),
    node: process.version,
    commit: commit(),
    loadBefore: Number(loadavg()[0]!.toFixed(2)),
  };
}

/** Open files a process may have: Node raises its own limit to this one. */
export function openFilesMax(): number {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(read('/proc/self/limits'))?.[1];
  return hard === undefined || hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** With a `+` when files differ from it. */
function commit(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+');
  } catch {
    return 'unknown';
  }
}
