/**
 * The folder that holds everything of one installation (`.parley/`, or PARLEY_HOME): data, logs, secrets, run.json.
 * Only its owner may look inside.
 */
import { randomBytes } from 'node:crypto';
import { accessSync, chmodSync, constants, existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LaunchError } from './launch-error.mjs';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** @param {NodeJS.ProcessEnv} env */
export function homeFolder(env) {
  return resolve(env['PARLEY_HOME'] || join(REPOSITORY, '.parley'));
}

/**
 * A path for people: short when it is below the folder they are in.
 * @param {string} path
 */
export function shownPath(path) {
  const short = relative(process.cwd(), path) || '.';
  return short.startsWith('..') ? path : short;
}

/**
 * Where packages fetched for the private servers are kept; PARLEY_DOWNLOADS lets several installations share them.
 * @param {NodeJS.ProcessEnv} env
 */
export function downloadsFolder(env) {
  return resolve(env['PARLEY_DOWNLOADS'] || join(homeFolder(env), 'downloads'));
}

/**
 * Creates the folder, or says what is wrong with it.
 * @param {string} folder
 * @param {number} [mode] of what is created; the default closes it to others
 */
export function prepareFolder(folder, mode = 0o700) {
  try {
    makeFolder(folder, mode);
    if (!statSync(folder).isDirectory()) throw new LaunchError(`${folder} is not a folder: remove it, or set PARLEY_HOME to another folder`);
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof LaunchError) throw error;
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    const owner = ownerOf(folder);
    const whose = owner === undefined || owner === process.getuid?.() ? '' : ` (it belongs to user ${owner})`;
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
      throw new LaunchError(`cannot write to ${folder}${whose}: make it writable for you, or set PARLEY_HOME to another folder`);
    }
    throw new LaunchError(`cannot create ${folder} (${code}): set PARLEY_HOME to another folder`);
  }
}

/**
 * Not mkdir's own `recursive`: below /proc it never returns (Node 24).
 * @param {string} folder
 * @param {number} mode
 */
function makeFolder(folder, mode) {
  if (existsSync(folder)) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder), mode);
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error; // another starter was faster
  }
}

/** @param {string} path */
function ownerOf(path) {
  try {
    return statSync(path).uid;
  } catch {
    return undefined;
  }
}

/**
 * A secret of this installation: made on first use, the same ever after. Two starters at once agree on one.
 * @param {string} file
 * @param {() => string} make
 */
export function storedSecret(file, make) {
  try {
    const secret = readFileSync(file, 'utf8').trim();
    if (secret !== '') return secret;
    throw new LaunchError(`${file} is empty: restore it from a backup; without it stored data cannot be read`);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error;
  }
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${make()}\n`, { mode: 0o600 });
  try {
    linkSync(draft, file); // unlike rename it never replaces what another starter has just made
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(file, 'utf8').trim();
}

export const randomPassword = () => randomBytes(24).toString('hex'); // needs no escaping in a URL

/**
 * Readers see the old content or the new, never a part; only the owner may read.
 * @param {string} file
 * @param {string} content
 */
export function writePrivately(file, content) {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, content, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, file);
}
