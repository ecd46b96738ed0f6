/** Starts again what ended by itself; gives up when it keeps ending right after its start, because then this does not help. */
import { setTimeout as delay } from 'node:timers/promises';
import { shownPath } from './home-folder.mjs';

/** A process that lived longer than this was started well: earlier failures no longer count. */
const HEALTHY_MS = 5_000;
const FAILURES_MAX = 8;
const PAUSE_MS = { first: 100, max: 5_000 };

/**
 * @param {import('./managed-process.mjs').ManagedProcess} managed running
 * @param {object} options
 * @param {(line: string) => void} options.say
 * @param {() => void} options.restarted called after each successful restart
 * @param {(why: string) => void} options.giveUp
 * @param {AbortSignal} options.signal ends the supervision
 */
export function keepRunning(managed, { say, restarted, giveUp, signal }) {
  let startedAt = Date.now();
  let failures = 0;
  const startAgain = async (/** @type {string} */ how) => {
    if (signal.aborted) return;
    failures = Date.now() - startedAt > HEALTHY_MS ? 1 : failures + 1;
    if (failures > FAILURES_MAX) return giveUp(`${managed.name} ended ${failures} times in a row (${how}): see ${shownPath(managed.logFile)}`);
    say(`${managed.name} ended by itself (${how}), starting it again`);
    try {
      await delay(Math.min(PAUSE_MS.max, PAUSE_MS.first * 2 ** (failures - 1)), undefined, { signal });
      startedAt = Date.now();
      await managed.start(signal);
      restarted();
      say(`${managed.name} runs again (process ${managed.pid})`);
    } catch (error) {
      await startAgain(error instanceof Error ? error.message : String(error));
    }
  };
  managed.onCrash = (how) => void startAgain(how);
}
