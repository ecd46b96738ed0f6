/**
 * Fetches Debian or Ubuntu packages through the system's own package sources and unpacks them into a folder of ours.
 * Needs no root and changes nothing on the system. Where the system has no package lists (container images, or lists that
 * name files the mirror no longer has), lists of our own are made next to the downloads.
 */
import { execFile, spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { prepareFolder } from './home-folder.mjs';
import { LaunchError } from './launch-error.mjs';

const TIMEOUT_MS = 180_000;
/** Mixing another C library with the system's loader crashes: a package that needs a newer one is of no use here. */
const NEVER = /^(libc6|libc-bin|libc6-.*)$/;

const OPTIONS = [
  ['APT::Sandbox::User', 'root'], // as root, apt would download as a user that cannot enter our folder
  ['Debug::NoLocking', '1'],
  ['Acquire::Languages', 'none'],
  ['Acquire::Retries', '2'],
  ['Acquire::http::Timeout', '20'],
  ['Acquire::https::Timeout', '20'],
].flatMap(([name, value]) => ['-o', `${name}=${value}`]);

export function aptAvailable() {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return ['apt-get', 'dpkg-deb'].every((program) =>
    folders.some((folder) => {
      try {
        accessSync(join(folder, program), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    }),
  );
}

/** One at a time: apt costs a core for a second, and both tools may need the same lists. @type {Promise<unknown>} */
let queue = Promise.resolve();

/**
 * @param {string[][]} choices package names that belong together; the first choice that this system knows is taken
 * @param {{ folder: string, downloads: string }} options folder: appears when everything in it is complete
 * @returns {Promise<void>}
 */
export function fetchThroughApt(choices, options) {
  const turn = queue.then(() => alone(options.downloads, () => fetchNow(choices, options)));
  queue = turn.catch(() => {});
  return turn;
}

/**
 * Tests fetch from several processes, and apt's own locks are for the system's folders. The lock ends with whoever holds it.
 * @param {string} downloads
 * @param {() => Promise<void>} work
 */
async function alone(downloads, work) {
  prepareFolder(downloads, 0o755);
  const lock = spawn('flock', [join(downloads, 'apt.lock'), 'sh', '-c', 'echo; cat >/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'] });
  lock.stdin.on('error', () => {});
  // Where there is no flock, as before: nothing is lost but order.
  await new Promise((resolve) => lock.once('error', resolve).once('exit', resolve).stdout.once('data', resolve));
  try {
    await work();
  } finally {
    lock.stdin.end();
  }
}

/**
 * @param {string[][]} choices
 * @param {{ folder: string, downloads: string }} options
 */
async function fetchNow(choices, { folder, downloads }) {
  if (existsSync(folder)) return; // another process was faster
  prepareFolder(dirname(folder), 0o755);
  const draft = mkdtempSync(`${folder}.new-`);
  try {
    const debs = join(draft, 'debs');
    const root = join(draft, 'root');
    mkdirSync(debs);
    mkdirSync(root);
    let reason = '';
    for (const options of [async () => OPTIONS, () => ownLists(downloads)]) {
      const got = await download(choices, await options(), debs).catch((error) => void (reason = error.message));
      if (got) break;
    }
    const files = readdirSync(debs).filter((name) => name.endsWith('.deb'));
    if (files.length === 0) throw new LaunchError(reason || 'apt fetched nothing');
    for (const file of files) await run('dpkg-deb', ['-x', join(debs, file), root]);
    try {
      renameSync(root, folder);
    } catch (error) {
      if (!['EEXIST', 'ENOTEMPTY'].includes(/** @type {NodeJS.ErrnoException} */ (error).code ?? '')) throw error; // another starter was faster
    }
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/**
 * @param {string[][]} choices
 * @param {string[]} options
 * @param {string} debs
 * @returns {Promise<true>}
 */
async function download(choices, options, debs) {
  let reason = new LaunchError('no package sources');
  for (const packages of choices) {
    try {
      // A simulated installation names every library that this system lacks.
      const plan = await run('apt-get', [...options, 'install', '--simulate', '--no-install-recommends', ...packages]);
      const missing = [...plan.matchAll(/^Inst (\S+)/gm)].map(([, name]) => /** @type {string} */ (name));
      const wanted = [...new Set([...packages, ...missing])].filter((name) => !NEVER.test(name));
      await run('apt-get', [...options, 'download', ...wanted], debs);
      return true;
    } catch (error) {
      if (!(error instanceof LaunchError)) throw error;
      for (const name of readdirSync(debs)) rmSync(join(debs, name), { recursive: true, force: true });
      reason = error;
    }
  }
  throw reason;
}

/**
 * Reads the system's package sources into lists below our downloads.
 * @param {string} downloads
 * @returns {Promise<string[]>} the options that make apt use them
 */
async function ownLists(downloads) {
  const folder = join(downloads, 'apt');
  for (const name of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(folder, name), { recursive: true });
  const hooks = join(folder, 'no-hooks.conf'); // the system's hooks tidy up the system's lists, not ours
  writeFileSync(hooks, '#clear APT::Update::Pre-Invoke;\n#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n');
  const options = ['-c', hooks, ...OPTIONS, '-o', `Dir::State::lists=${folder}/lists`, '-o', `Dir::Cache=${folder}/cache`];
  await run('apt-get', [...options, 'update']).catch(() => {}); // one source of many may be down: see what the others give
  return options;
}

/**
 * @param {string} program
 * @param {string[]} args
 * @param {string} [cwd]
 * @returns {Promise<string>} its output
 */
function run(program, args, cwd) {
  const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd, env, timeout: TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const line = stderr.split('\n').find((text) => text.startsWith('E: ')) ?? stderr.trim().split('\n').at(-1);
      reject(new LaunchError(line || error.message));
    });
  });
}

/**
 * The folders with shared libraries in an unpacked package.
 * @param {string} folder
 * @returns {string[]}
 */
export function librariesBelow(folder) {
  return ['usr/lib', 'lib'].flatMap((place) => {
    const lib = join(folder, place);
    if (!statSync(lib, { throwIfNoEntry: false })?.isDirectory()) return [];
    const triplets = readdirSync(lib).filter((name) => name.includes('-linux-gnu'));
    return [...triplets.map((name) => join(lib, name)), lib];
  });
}
