/**
 * A program of the installation that can be started, stopped, killed and started again on the same port: what the launcher
 * needs to supervise it, and what the chaos and promise tests need to hurt it.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { startChild } from './child-process.mjs';
import { shownPath } from './home-folder.mjs';
import { LaunchError } from './launch-error.mjs';
import { waitUntil } from './wait-until.mjs';

/**
 * @typedef {object} ManagedProcessOptions
 * @property {string} name
 * @property {string} logFile
 * @property {() => import('./child-process.mjs').Command} command
 * @property {() => Promise<boolean>} isReady
 * @property {number} readyMs
 * @property {NodeJS.Signals} stopSignal
 * @property {number} stopMs after this the process is killed
 * @property {'KILL' | 'INT'} deathSignal sent to it when the launcher dies
 * @property {(log: string) => string | undefined} [explain] finds the line in its output that says why it ended
 */

export class ManagedProcess {
  /** Called when it ends without having been told to. @type {((how: string) => void) | undefined} */
  onCrash;
  /** @type {import('./child-process.mjs').Child | undefined} */
  #child;
  #expected = false;
  #options;

  /** @param {ManagedProcessOptions} options */
  constructor(options) {
    this.#options = options;
  }

  get name() {
    return this.#options.name;
  }

  get logFile() {
    return this.#options.logFile;
  }

  /** The process number, 0 while it does not run. */
  get pid() {
    return this.#child?.running() ? this.#child.pid : 0;
  }

  /**
   * Starts it and returns when it answers.
   * @param {AbortSignal} [signal]
   * @throws {LaunchError} when it ends or does not answer in time; it does not run then
   */
  async start(signal) {
    const { name, logFile, command, isReady, readyMs, deathSignal, explain } = this.#options;
    if (this.pid) return;
    const logStart = sizeOf(logFile);
    this.#expected = false;
    const child = startChild(command(), { logFile, deathSignal });
    this.#child = child;
    let ready = false;
    void child.exited.then((how) => {
      if (ready && !this.#expected && this.#child === child) this.onCrash?.(how);
    });
    try {
      const outcome = await waitUntil(async () => (!child.running() ? 'ended' : (await isReady()) && child.running() && 'ready'), {
        timeoutMs: readyMs,
        signal,
      });
      if (outcome === 'ready') {
        ready = true;
        return;
      }
      const seen = shownPath(logFile);
      if (outcome !== 'ended') throw new LaunchError(`${name} did not answer within ${readyMs / 1000} s: see ${seen}`);
      const how = await child.exited;
      const why = explain?.(textFrom(logFile, logStart));
      throw new LaunchError(`${name} did not start (${why ?? how}): see ${seen}`);
    } finally {
      if (!ready) await this.kill('SIGKILL');
    }
  }

  /** Asks it to stop, and kills it when it takes longer than its time. */
  async stop() {
    const child = this.#child;
    if (!child?.running()) return;
    this.#expected = true;
    child.kill(this.#options.stopSignal);
    const timer = setTimeout(() => child.kill('SIGKILL'), this.#options.stopMs);
    await child.exited;
    clearTimeout(timer);
  }

  /**
   * Sends a signal without asking. Returns when the process is gone, for SIGSTOP, SIGCONT and the like at once.
   * @param {NodeJS.Signals} [signal]
   */
  async kill(signal = 'SIGKILL') {
    const child = this.#child;
    if (!child?.running()) return;
    const ends = signal === 'SIGKILL' || signal === 'SIGTERM' || signal === 'SIGINT' || signal === 'SIGQUIT';
    if (ends) this.#expected = true;
    child.kill(signal);
    if (ends) await child.exited;
  }

  async restart() {
    await this.stop();
    await this.start();
  }
}

/** @param {string} file */
function sizeOf(file) {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}

/**
 * What the process wrote in this run, at most the last 64 KiB.
 * @param {string} file
 * @param {number} start
 */
function textFrom(file, start) {
  const fd = openSync(file, 'r');
  try {
    const { size } = fstatSync(fd);
    const from = Math.max(start, size - 65_536);
    const buffer = Buffer.alloc(Math.max(0, size - from));
    readSync(fd, buffer, 0, buffer.length, from);
    return buffer.toString('utf8');
  } finally {
    closeSync(fd);
  }
}
