/**
 * Runs a program as somebody other than root, for programs that refuse root (Postgres). Two ways, the first that works:
 * - a user namespace in which root has another number: files stay root's, nothing else changes;
 * - the user `nobody`, where containers forbid namespaces. It keeps the right to enter any folder, because a clone in
 *   root's home would be closed to it, and gets the data folder as its own.
 */
import { spawnSync } from 'node:child_process';
import { chownSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LaunchError } from './launch-error.mjs';

/**
 * @typedef {{ prefix: string[], giveTo: (path: string) => void }} OtherUser
 * prefix: goes before the program and its arguments; giveTo: makes a file or a whole folder belong to that user.
 */

/** @type {OtherUser | undefined} */
let found;

/** @returns {OtherUser} */
export function asOtherUser() {
  found ??= find();
  return found;
}

/** @returns {OtherUser} */
function find() {
  if (process.getuid?.() !== 0) return { prefix: [], giveTo: () => {} };
  const { uid, gid } = unprivilegedUser();
  const namespace = ['unshare', `--map-user=${uid}`, `--map-group=${gid}`, '--'];
  if (works(namespace)) return { prefix: namespace, giveTo: (path) => own(path, 0, 0) };
  const capability = ['--inh-caps=-all,+dac_override', '--ambient-caps=-all,+dac_override'];
  const nobody = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...capability, '--'];
  if (works(nobody)) return { prefix: nobody, giveTo: (path) => own(path, uid, gid) };
  throw new LaunchError(
    'Postgres refuses to run as root and this system lets it change to no other user: start Parley as a normal user, or give a database with DATABASE_URL',
  );
}

/** Postgres looks its own user up, so it must be one that exists. */
function unprivilegedUser() {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid }) => uid > 0);
  const user = users.find(({ name }) => name === 'nobody') ?? users[0];
  if (!user) throw new LaunchError('Postgres refuses to run as root and there is no other user here: add one, or give a database with DATABASE_URL');
  return user;
}

/** @param {string[]} prefix */
function works(prefix) {
  return spawnSync(/** @type {string} */ (prefix[0]), [...prefix.slice(1), 'true'], { stdio: 'ignore', cwd: '/' }).status === 0;
}

/**
 * @param {string} path
 * @param {number} uid
 * @param {number} gid
 */
function own(path, uid, gid) {
  const stat = lstatSync(path);
  if (stat.uid === uid) return; // a folder is given away as a whole, so its top tells
  if (stat.isDirectory()) for (const name of readdirSync(path)) own(join(path, name), uid, gid);
  if (!stat.isSymbolicLink()) chownSync(path, uid, gid);
}
