/**
 * Finds the servers that are no npm packages: on PATH, among what an earlier start fetched, or else fetched now through
 * apt (see `apt-fetch.mjs`), which needs no root and installs nothing.
 */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { aptAvailable, fetchThroughApt, librariesBelow } from './apt-fetch.mjs';
import { shownPath } from './home-folder.mjs';
import { LaunchError } from './launch-error.mjs';

/**
 * @typedef {{ file: string, env: NodeJS.ProcessEnv }} Tool env: what it needs besides the usual environment
 * @typedef {'nats' | 'redis'} ToolName
 */

const TOOLS = {
  nats: { programs: ['nats-server'], packages: [['nats-server']], variable: 'NATS_URL', example: 'nats://host:4222' },
  redis: {
    programs: ['redis-server', 'valkey-server'],
    packages: [['redis-server', 'redis-tools'], ['valkey-server', 'valkey-tools']],
    variable: 'REDIS_URL',
    example: 'redis://host:6379',
  },
};

/** How to get them where apt is not: the first one whose program is here. */
const COMMANDS = [
  { manager: 'brew', nats: 'brew install nats-server', redis: 'brew install redis' },
  { manager: 'apk', nats: 'apk add nats-server', redis: 'apk add valkey' },
  { manager: 'pacman', nats: 'pacman -S nats-server', redis: 'pacman -S valkey' },
  { manager: 'dnf', nats: 'dnf install golang && go install github.com/nats-io/nats-server/v2@v2.10.29', redis: 'dnf install valkey' },
];

/** Debian keeps servers where a normal user's PATH does not look. */
const MORE_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/opt/homebrew/bin'];

/**
 * @param {ToolName} name
 * @param {{ downloads: string, say: (line: string) => void }} options downloads: where fetched packages are kept
 * @returns {Promise<Tool>}
 * @throws {LaunchError} with the command that gets it
 */
export async function findTool(name, { downloads, say }) {
  const { programs, packages } = TOOLS[name];
  const installed = onPath(programs);
  if (installed) return { file: installed, env: {} };
  if (!aptAvailable()) throw new LaunchError(howToGet(name));
  const folder = join(downloads, systemKey(), name);
  const fetched = fetchedTool(folder, programs);
  if (fetched) return fetched;
  say(`fetching ${programs[0]} through apt into ${shownPath(downloads)} (nothing is installed)`);
  try {
    await fetchThroughApt(packages, { folder, downloads });
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    throw new LaunchError(`${howToGet(name)} (fetching it failed: ${error.message})`);
  }
  const tool = fetchedTool(folder, programs);
  if (!tool) throw new LaunchError(`${howToGet(name)} (the fetched package holds no ${programs.join(' or ')})`);
  return tool;
}

/**
 * A program that tests talk to, got in the same way.
 * @param {string} program
 * @param {{ packages: string[], downloads: string, otherNames?: string[] }} options otherNames: as other systems call it
 * @returns {Promise<Tool | undefined>} undefined where neither PATH nor apt has it
 */
export async function findPeer(program, { packages, downloads, otherNames = [] }) {
  const installed = onPath([program, ...otherNames]);
  if (installed) return { file: installed, env: {} };
  const folder = join(downloads, systemKey(), /** @type {string} */ (packages[0]));
  const fetched = fetchedTool(folder, [program]);
  if (fetched || !aptAvailable()) return fetched;
  await fetchThroughApt([packages], { folder, downloads });
  return fetchedTool(folder, [program]);
}

/** @param {string[]} programs of which the first that is there is taken */
export function onPath(programs) {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean), ...MORE_FOLDERS];
  for (const program of programs) for (const folder of folders) if (isProgram(join(folder, program))) return join(folder, program);
  return undefined;
}

/**
 * @param {string} folder
 * @param {string[]} programs
 * @returns {Tool | undefined}
 */
function fetchedTool(folder, programs) {
  for (const program of programs) {
    for (const place of ['usr/bin', 'usr/sbin', 'bin', 'sbin']) {
      const file = join(folder, place, program);
      if (isProgram(file)) return { file, env: { LD_LIBRARY_PATH: librariesBelow(folder).join(delimiter) } };
    }
  }
  return undefined;
}

/** @param {string} file */
function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Fetched programs fit one release of one system, so a shared folder keeps them apart. */
function systemKey() {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const value = (/** @type {string} */ field) => release.match(new RegExp(`^${field}="?([\\w.-]+)`, 'm'))?.[1] ?? 'any';
  return `${value('ID')}-${value('VERSION_ID')}-${process.arch}`;
}

/** @param {ToolName} name */
function howToGet(name) {
  const { programs, packages, variable, example } = TOOLS[name];
  const command = aptAvailable()
    ? `sudo apt-get install ${packages[0]?.[0]}`
    : (COMMANDS.find(({ manager }) => onPath([manager]))?.[name] ?? `https://${name === 'nats' ? 'nats.io/download' : 'valkey.io/download'}`);
  return `${programs.join(' or ')} is missing: get it with: ${command} - or give a running one with ${variable}=${example}`;
}
