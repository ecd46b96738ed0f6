/** Waiting for a condition of the outside world: always with a deadline, always able to be called off. */
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks `check` again and again until it returns something other than undefined or false, and returns that.
 * @template T
 * @param {() => T | undefined | false | Promise<T | undefined | false>} check
 * @param {{ timeoutMs: number, everyMs?: number, signal?: AbortSignal }} options
 * @returns {Promise<T | undefined>} undefined when the time is up
 */
export async function waitUntil(check, { timeoutMs, everyMs = 20, signal }) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const result = await check();
    if (result !== undefined && result !== false) return result;
    if (Date.now() >= deadline) return undefined;
    await delay(everyMs);
  }
}
