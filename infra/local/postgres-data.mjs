/** The data folder of the private Postgres: made whole or not at all, checked before use, taken back from a dead launcher. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tiedToLauncher } from './child-process.mjs';
import { LaunchError } from './launch-error.mjs';
import { isAlive } from './process-table.mjs';
import { waitUntil } from './wait-until.mjs';

const MAJOR = '18';
const REMEDY = 'restore it from a backup, or move it away to begin with an empty one';

/**
 * @param {string} folder
 * @returns {boolean} true: there is a usable one, false: there is none yet
 * @throws {LaunchError} when what is there cannot be used
 */
export function checkDataFolder(folder) {
  if (!existsSync(folder)) return false;
  if (!statSync(folder).isDirectory()) throw new LaunchError(`${folder} is not a folder: ${REMEDY}`);
  const version = readVersion(folder);
  if (version === MAJOR) return true;
  if (version === undefined) {
    if (readdirSync(folder).length > 0) throw new LaunchError(`${folder} is not a Postgres data folder (it has no PG_VERSION): ${REMEDY}`);
    rmSync(folder, { recursive: true });
    return false;
  }
  if (!/^\d+(\.\d+)?$/.test(version)) throw new LaunchError(`the Postgres data folder ${folder} is damaged (PG_VERSION holds no version): ${REMEDY}`);
  throw new LaunchError(
    `${folder} was made by Postgres ${version}, this Parley runs Postgres ${MAJOR}: dump it with pg_dumpall of version ${version}, move the folder away, start Parley once and restore the dump`,
  );
}

/** @param {string} folder */
function readVersion(folder) {
  try {
    return readFileSync(join(folder, 'PG_VERSION'), 'utf8').trim();
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Made under another name and renamed when complete, so an interrupted start leaves no half folder in its place.
 * @param {object} options
 * @param {string} options.binaries
 * @param {string} options.folder
 * @param {string} options.superuser
 * @param {string} options.password
 * @param {import('./other-user.mjs').OtherUser} options.user
 * @param {AbortSignal} [options.signal]
 */
export async function createDataFolder({ binaries, folder, superuser, password, user, signal }) {
  const draft = `${folder}.new`;
  const passwordFile = `${folder}.new-password`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  writeFileSync(passwordFile, password, { mode: 0o600 });
  user.giveTo(draft);
  user.giveTo(passwordFile);
  const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']; // the same on every system
  const login = ['--auth=scram-sha-256', `--username=${superuser}`, `--pwfile=${passwordFile}`];
  try {
    const initdb = [join(binaries, 'bin', 'initdb'), `--pgdata=${draft}`, ...locale, ...login, '--data-checksums'];
    await run([...user.prefix, ...tiedToLauncher(initdb)], folder, signal);
    renameSync(draft, folder);
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(draft, { recursive: true, force: true });
  }
}

/**
 * @param {string[]} line
 * @param {string} folder
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
function run(line, folder, signal) {
  return new Promise((resolve, reject) => {
    const child = spawn(/** @type {string} */ (line[0]), line.slice(1), { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'], signal });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) return resolve();
      const why = errors.match(/(?:error|FATAL): *(.*)/)?.[1] ?? errors.trim().split('\n').at(-1);
      reject(new LaunchError(`cannot create the Postgres data folder ${folder}: ${why || `initdb ended with code ${code}`}`));
    });
  });
}

/**
 * A Postgres that still uses this folder belonged to a launcher that was killed: the lock of the home says that no other
 * launcher runs. A postmaster.pid whose number now belongs to something else is removed, or Postgres would refuse to start.
 * @param {string} folder
 * @param {AbortSignal} [signal]
 */
export async function endOrphan(folder, signal) {
  const file = join(folder, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  if (!(pid > 1) || !isAlive(pid) || workingFolder(pid) !== folder) return rmSync(file, { force: true });
  if (await waitUntil(() => !isAlive(pid), { timeoutMs: 2_000, signal })) return; // it has been told to stop already
  process.kill(pid, 'SIGINT');
  if (await waitUntil(() => !isAlive(pid), { timeoutMs: 20_000, signal })) return;
  throw new LaunchError(`another Postgres (process ${pid}) uses ${folder} and does not stop: end it, then start again`);
}

/**
 * Postgres works inside its data folder.
 * @param {number} pid
 */
function workingFolder(pid) {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}
