/** Starts again what ended by itself, with growing pauses, until it is plain that this does not help. */
import { setTimeout as delay } from 'node:timers/promises';

const CRASHES_MAX = 5;
const WINDOW_MS = 60_000;

/**
 * @param {import('./managed-process.mjs').ManagedProcess} managed
 * @param {object} options
 * @param {(line: string) => void} options.say
 * @param {() => void} options.restarted called after each successful restart
 * @param {(why: string) => void} options.giveUp
 * @param {AbortSignal} options.signal ends the supervision
 */
export function keepRunning(managed, { say, restarted, giveUp, signal }) {
  /** @type {number[]} */
  let crashes = [];
  const onCrash = async (/** @type {string} */ how) => {
    if (signal.aborted) return;
    const now = Date.now();
    crashes = [...crashes.filter((time) => time > now - WINDOW_MS), now];
    if (crashes.length > CRASHES_MAX) {
      return giveUp(`${managed.name} ended ${crashes.length} times within a minute (${how}): see ${managed.logFile}`);
    }
    say(`${managed.name} ended by itself (${how}), starting it again`);
    try {
      await delay(100 * 2 ** (crashes.length - 1), undefined, { signal });
      await managed.start(signal);
      restarted();
      say(`${managed.name} runs again (process ${managed.pid})`);
    } catch (error) {
      await onCrash(error instanceof Error ? error.message : String(error));
    }
  };
  managed.onCrash = (how) => void onCrash(how);
}
