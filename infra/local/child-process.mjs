/**
 * Starts a program so that it can never outlive the launcher, whatever happens to that one:
 * - in a session of its own, so a Ctrl-C in the terminal reaches the launcher only, which then stops things in order;
 * - with a signal from the kernel when the launcher dies (setpriv --pdeathsig, Linux), or else with a guard process.
 * Output goes straight into the log file: a busy or stopped launcher never blocks a child.
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Command
 * @property {string} file
 * @property {string[]} args
 * @property {string[]} [prefix] a program that changes into the right user first, then runs its arguments
 * @property {NodeJS.ProcessEnv} [env]
 * @property {string} [cwd]
 *
 * @typedef {object} Child
 * @property {number} pid
 * @property {() => boolean} running
 * @property {Promise<string>} exited says how: `code 1`, `signal SIGKILL`, or why it could not be started
 * @property {(signal: NodeJS.Signals) => void} kill
 */

let setprivWorks = /** @type {boolean | undefined} */ (undefined);

/** @returns {boolean} */
function hasSetpriv() {
  setprivWorks ??= spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' }).status === 0;
  return setprivWorks;
}

/**
 * For a short program whose output the caller reads: the command line that dies with the launcher, where that is possible.
 * @param {string[]} line
 */
export function tiedToLauncher(line) {
  return hasSetpriv() ? ['setpriv', '--pdeathsig', 'KILL', '--', ...line] : line;
}

/**
 * @param {Command} command
 * @param {{ logFile: string, deathSignal: 'KILL' | 'INT' }} options deathSignal: sent when the launcher dies
 * @returns {Child}
 */
export function startChild(command, { logFile, deathSignal }) {
  const tied = hasSetpriv();
  // The prefix comes first: changing the user clears the death signal.
  const line = [...(command.prefix ?? []), ...(tied ? ['setpriv', '--pdeathsig', deathSignal, '--'] : []), command.file, ...command.args];
  const log = openSync(logFile, 'a', 0o600);
  let running = true;
  let child;
  try {
    child = spawn(/** @type {string} */ (line[0]), line.slice(1), {
      cwd: command.cwd,
      env: command.env ?? process.env,
      detached: true,
      stdio: ['ignore', log, log],
    });
  } finally {
    closeSync(log);
  }
  const process_ = child;
  const exited = new Promise((resolve) => {
    process_.once('error', (error) => resolve(`cannot be started: ${error.message}`));
    process_.once('exit', (code, signal) => resolve(signal ? `signal ${signal}` : `code ${code}`));
  }).then((how) => {
    running = false;
    if (!tied) tellGuard(`- ${process_.pid}`);
    return /** @type {string} */ (how);
  });
  if (!tied && process_.pid) tellGuard(`+ ${process_.pid} SIG${deathSignal}`);
  return {
    pid: process_.pid ?? 0,
    running: () => running,
    exited,
    kill: (signal) => {
      if (running) process_.kill(signal);
    },
  };
}

/** @type {import('node:child_process').ChildProcess | undefined} */
let guard;

/** @param {string} line */
function tellGuard(line) {
  if (!guard) {
    const script = fileURLToPath(new URL('./child-guard.mjs', import.meta.url));
    guard = spawn(process.execPath, [script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    guard.on('error', () => {});
    guard.stdin?.on('error', () => {});
    guard.unref();
    /** @type {import('node:net').Socket | null} */ (guard.stdin)?.unref();
  }
  guard.stdin?.write(`${line}\n`);
}
