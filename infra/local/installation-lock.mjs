/** One launcher per home folder. A lock left behind by a kill -9 or a power cut is recognised and replaced. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shownPath } from './home-folder.mjs';
import { LaunchError } from './launch-error.mjs';
import { isAlive, processIdentity } from './process-table.mjs';

/** @param {string} home */
const lockFile = (home) => join(home, 'launcher.lock');

/**
 * @param {string} file
 * @returns {number | undefined} the process that holds the lock
 */
function holder(file) {
  try {
    const { pid, identity } = JSON.parse(readFileSync(file, 'utf8'));
    return Number.isInteger(pid) && isAlive(pid) && processIdentity(pid) === identity ? pid : undefined;
  } catch {
    return undefined; // no lock, or a torn one: nobody holds it
  }
}

/**
 * @param {string} home
 * @returns {number | undefined} the process number of the launcher that runs in this home
 */
export function runningLauncher(home) {
  return holder(lockFile(home));
}

/**
 * @param {string} home
 * @returns {() => void} gives the lock back
 */
export function takeLock(home) {
  const file = lockFile(home);
  const draft = `${file}.${process.pid}`;
  const stale = `${file}.stale.${process.pid}`;
  writeFileSync(draft, JSON.stringify({ pid: process.pid, identity: processIdentity(process.pid) }), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      try {
        linkSync(draft, file);
        return () => {
          if (holder(file) === process.pid) rmSync(file, { force: true });
        };
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
      }
      refuseIfHeld(home, holder(file));
      // Take the dead lock away by a rename: of two starters that saw it, only one gets the file.
      try {
        renameSync(file, stale);
      } catch {
        continue;
      }
      if (holder(stale) !== undefined) renameSync(stale, file); // it was replaced by a live one in between
      else rmSync(stale, { force: true });
    }
    throw new LaunchError(`another launcher is starting in ${home} at this moment: try again`);
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * @param {string} home
 * @param {number | undefined} pid
 */
function refuseIfHeld(home, pid) {
  if (pid === undefined) return;
  throw new LaunchError(
    `Parley already runs in ${shownPath(home)} (process ${pid}): end it with npm stop, or set PARLEY_HOME to another folder to run a second one`,
  );
}
