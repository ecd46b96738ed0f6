/**
 * What the operating system knows about other processes. A bare process number is not enough to recognise one after a
 * reboot or in a new container, so it is compared together with its start time.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * @typedef {{ state: string, parent: number, startTicks: string, command: string }} ProcessEntry
 * @param {number} pid
 * @returns {ProcessEntry | undefined} undefined when there is no such process, or no /proc on this system
 */
export function processEntry(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = stat.lastIndexOf(')'); // the command in parentheses may itself hold spaces and parentheses
    const fields = stat.slice(end + 2).split(' ');
    return {
      command: stat.slice(stat.indexOf('(') + 1, end),
      state: fields[0] ?? '?',
      parent: Number(fields[1]),
      startTicks: fields[19] ?? '',
    };
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
  return processEntry(pid)?.state !== 'Z'; // a zombie has ended, its parent only has not asked yet
}

/**
 * A text that no other process, before or after, shares with this one.
 * @param {number} pid
 */
export function processIdentity(pid) {
  const entry = processEntry(pid);
  if (entry) return `${bootId()}.${entry.startTicks}`;
  return spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim() ?? '';
}

function bootId() {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown-boot';
  }
}
