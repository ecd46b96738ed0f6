/**
 * For systems without `setpriv --pdeathsig`: told on stdin which processes belong to the launcher (`+ pid signal`,
 * `- pid`), it ends the remaining ones when the pipe closes, that is when the launcher is gone for whatever reason.
 */
import { createInterface } from 'node:readline';

/** @type {Map<number, NodeJS.Signals>} */
const wards = new Map();
const lines = createInterface({ input: process.stdin });

lines.on('line', (line) => {
  const [sign, pid, signal] = line.split(' ');
  if (sign === '+') wards.set(Number(pid), /** @type {NodeJS.Signals} */ (signal));
  else wards.delete(Number(pid));
});

lines.on('close', () => {
  for (const [pid, signal] of wards) {
    try {
      process.kill(pid, signal);
    } catch {
      // it has ended already
    }
  }
});

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => {});
