/**
 * CPU time and memory of processes from /proc. A tree is a process and all below it, with what ended children used: their
 * parents keep that (Postgres' backends come and go; the postmaster has collected them). Linux only.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ: Linux shows times in hundredths of a second to every program, whatever the kernel's own tick is. */
const TICKS_PER_SECOND = 100;

type Stat = { pid: number; parent: number; ticks: number; endedChildrenTicks: number };

/** CPU seconds of each named tree, and of the whole machine. */
export type CpuReading = { trees: Record<string, number>; machine: number };

export function readCpu(roots: Record<string, number>): CpuReading {
  const stats = allStats();
  const childrenOf = new Map<number, Stat[]>();
  for (const stat of stats.values()) childrenOf.set(stat.parent, [...(childrenOf.get(stat.parent) ?? []), stat]);
  const named = new Set(Object.values(roots));
  const ticksBelow = (stat: Stat): number =>
    (childrenOf.get(stat.pid) ?? [])
      .filter(({ pid }) => !named.has(pid)) // counts under its own name, whoever started it
      .reduce((sum, child) => sum + ticksBelow(child), stat.ticks + stat.endedChildrenTicks);
  const trees: Record<string, number> = {};
  for (const [name, pid] of Object.entries(roots)) {
    const root = stats.get(pid);
    if (root) trees[name] = ticksBelow(root) / TICKS_PER_SECOND;
  }
  return { trees, machine: busySeconds() };
}

/** CPU seconds spent between two readings, per tree, and by everything else on this machine. */
export function cpuBetween(before: CpuReading, after: CpuReading): { trees: Record<string, number>; others: number } {
  const trees: Record<string, number> = {};
  let sum = 0;
  for (const [name, seconds] of Object.entries(after.trees)) {
    const spent = seconds - (before.trees[name] ?? 0);
    trees[name] = spent;
    sum += spent;
  }
  return { trees, others: Math.max(0, after.machine - before.machine - sum) };
}

/** Resident memory in MiB; 0 when there is no such process. */
export function residentMiB(pid: number): number {
  try {
    const [, kib] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kib === undefined ? 0 : Number(kib) / 1024;
  } catch {
    return 0;
  }
}

function allStats(): Map<number, Stat> {
  const stats = new Map<number, Stat>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      // The program's name stands in brackets and may hold anything, so count from the last bracket: state is field 3.
      const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ').map(Number);
      const field = (number: number) => fields[number - 3]!;
      stats.set(pid, { pid, parent: field(4), ticks: field(14) + field(15), endedChildrenTicks: field(16) + field(17) });
    } catch {
      // It ended between the listing and the reading.
    }
  }
  return stats;
}

/** Of all processors, without idle time and waiting for disks. */
function busySeconds(): number {
  const [, user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'latin1').split('\n')[0]!.split(/\s+/).map(Number);
  return (user! + nice! + system! + irq! + softirq! + steal!) / TICKS_PER_SECOND;
}
