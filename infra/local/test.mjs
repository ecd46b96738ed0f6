/**
 * `npm test [-- paths and options of jest]`: all specs on real servers of their own, which are gone afterwards. Specs find them
 * by TEST_DATABASE_URL (a superuser: each spec makes its own databases), TEST_NATS_URL and TEST_REDIS_URL. TEST_HOMES: a folder for
 * what installations of tests share.
 * Ends with `N passed, N failed`.
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { spawn } from 'node:child_process';
import { nodeProgram } from './apps.mjs';
import { tiedToLauncher } from './child-process.mjs';
import { downloadsFolder, REPOSITORY } from './home-folder.mjs';
import { describeFailure } from './launch-error.mjs';
import { startNats } from './nats.mjs';
import { watchParents } from './parent-chain.mjs';
import { startPostgres } from './postgres.mjs';
import { startRedis } from './redis.mjs';

/** How long jest may take to end once it has written its results. */
const LINGER_MS = 10_000;

const ending = new AbortController();
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => ending.abort());
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
watchParents(() => ending.abort());

const home = mkdtempSync(join(tmpdir(), 'parley-test-'));
/** @type {import('./managed-process.mjs').ManagedProcess[]} */
const servers = [];
let exitCode = 1;
try {
  const environment = await startServers(ending.signal);
  exitCode = await runJest(process.argv.slice(2), environment, ending.signal);
} catch (error) {
  if (!ending.signal.aborted) console.error(`parley: ${describeFailure(error)}`);
} finally {
  await Promise.all(servers.map((server) => server.kill()));
  const result = readResult();
  rmSync(home, { recursive: true, force: true });
  console.log(`${result.passed} passed, ${result.failed} failed`);
  process.exit(exitCode || (result.failed > 0 ? 1 : 0));
}

/** @param {AbortSignal} signal */
async function startServers(signal) {
  const options = { home, signal, downloads: downloadsFolder(process.env), say: console.log };
  /** @param {Promise<import('./managed-process.mjs').ManagedProcess>} start */
  const keep = async (start) => void servers.push(await start);
  const postgres = startPostgres({ ...options, settings: { max_connections: '300' } }); // several installations and specs at once
  const nats = startNats(options);
  const redis = startRedis(options);
  const outcomes = await Promise.allSettled([keep(postgres), keep(nats), keep(redis)]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  const { program, url } = await nats;
  return {
    TEST_DATABASE_URL: (await postgres).superuserUrl,
    TEST_NATS_URL: url,
    TEST_NATS_SERVER: program,
    TEST_REDIS_URL: (await redis).url,
    TEST_HOMES: join(home, 'homes'),
    PARLEY_DOWNLOADS: options.downloads,
    PATH: [process.env['PATH'], dirname(program)].join(delimiter),
  };
}

/**
 * @param {string[]} args
 * @param {Record<string, string>} environment
 * @param {AbortSignal} signal
 * @returns {Promise<number>} its exit code
 */
function runJest(args, environment, signal) {
  const jest = join(REPOSITORY, 'node_modules', 'jest', 'bin', 'jest.js');
  const line = tiedToLauncher([nodeProgram(), jest, '--json', `--outputFile=${resultFile()}`, ...args]);
  const env = {
    ...process.env,
    ...environment,
    NODE_OPTIONS: [process.env['NODE_OPTIONS'], '--experimental-vm-modules', '--disable-warning=ExperimentalWarning'].filter(Boolean).join(' '),
  };
  return new Promise((resolve, reject) => {
    // What jest shows people goes to stderr; its stdout is the same JSON as in the file.
    const child = spawn(/** @type {string} */ (line[0]), line.slice(1), { cwd: REPOSITORY, env, stdio: ['inherit', 'ignore', 'inherit'] });
    signal.addEventListener('abort', () => child.kill('SIGTERM'));
    const watch = setInterval(() => {
      const written = statSync(resultFile(), { throwIfNoEntry: false })?.mtimeMs;
      if (written === undefined || Date.now() - written < LINGER_MS) return;
      clearInterval(watch);
      console.error('parley: all specs have run, but one of them left something open: jest was ended');
      child.kill('SIGKILL');
      resolve(0); // what the specs found decides
    }, 1_000);
    child.on('error', reject);
    child.on('exit', (code) => {
      clearInterval(watch);
      resolve(code ?? 1);
    });
  });
}

function resultFile() {
  return join(home, 'result.json');
}

/** A file that could not run at all counts as one failure. */
function readResult() {
  try {
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(readFileSync(resultFile(), 'utf8'));
    return { passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites };
  } catch {
    return { passed: 0, failed: 1 };
  }
}
