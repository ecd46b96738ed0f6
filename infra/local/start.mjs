/** `npm start`: runs Parley in this terminal until Ctrl-C, or with --detach in the background until `npm stop`. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { showErrors } from './error-lines.mjs';
import { homeFolder, prepareFolder, shownPath } from './home-folder.mjs';
import { startInstallation } from './installation.mjs';
import { describeFailure, LaunchError } from './launch-error.mjs';
import { watchParents } from './parent-chain.mjs';
import { welcome } from './welcome.mjs';

const HELP = `npm start                 run Parley in this terminal; Ctrl-C stops it
npm start -- --services   each service as a process of its own, over NATS
npm start -- --detach     return when it is ready; npm stop ends it

Environment: PORT (REST port; default 8080 or the next free one, 0 = any free one), PARLEY_HOME (folder for data, logs and
keys; default .parley), DATABASE_URL, KEYS_DATABASE_URL, NATS_URL, REDIS_URL (use these instead of private servers),
PUBLIC_URL (under which carriers reach the webhooks), DEVELOPMENT_TOKEN_PASSWORD (of the token endpoint for development; default: one
of its own, off = no such endpoint),
WEBHOOK_PRIVATE_TARGETS=refuse (no webhooks of yours to private addresses; default here: allow), PARLEY_DOWNLOADS (a shared folder for fetched packages),
PARLEY_PORTS=20000-32767 (where the private servers and parts listen).`;

/** Talks to the `npm start -- --detach` that waits for us. @typedef {{ line?: string, ready?: string, failed?: string }} Report */

const background = process.send !== undefined && process.argv.includes('--background');
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {}); // the terminal may go before we do

try {
  const { services, detach, help } = readArguments();
  if (help) console.log(HELP);
  else if (detach) await startDetached(services);
  else await run(services);
} catch (error) {
  fail(error);
}

function readArguments() {
  try {
    const boolean = { type: /** @type {const} */ ('boolean') };
    const options = { services: boolean, detach: boolean, background: boolean, help: { ...boolean, short: 'h' } };
    return parseArgs({ options, strict: true }).values;
  } catch (error) {
    throw new LaunchError(`${error instanceof Error ? error.message.split('.')[0] : error}: see npm start -- --help`);
  }
}

/** @param {boolean} [services] */
async function run(services) {
  const began = performance.now();
  const ending = new AbortController();
  let why = '';
  const end = (/** @type {string} */ reason) => {
    why ||= reason;
    ending.abort();
  };
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => end(signal));
  const ended = new Promise((resolve) => ending.signal.addEventListener('abort', resolve));
  if (background) process.once('disconnect', () => end('the npm start that waited for it was ended'));
  else watchParents(end);

  let installation;
  try {
    installation = await startInstallation({ services, supervise: true, say, signal: ending.signal });
  } catch (error) {
    if (!ending.signal.aborted) throw error;
    return say(`stopped before it was ready: ${why}`);
  }
  const parts = [...Object.values(installation.servers), ...Object.values(installation.apps)];
  const hideErrors = showErrors(parts.map((part) => part.logFile), say);
  const text = welcome(installation, (performance.now() - began) / 1000);
  console.log(text);
  if (background) {
    process.removeAllListeners('disconnect');
    report({ ready: text });
    if (process.connected) process.disconnect();
  }

  const broken = await Promise.race([ended, installation.failed]);
  say(typeof broken === 'string' ? `stopping: ${broken}` : `stopping (${why})`);
  hideErrors();
  await installation.stop();
  say(`stopped; the data is kept in ${shownPath(installation.home)}`);
  process.exit(typeof broken === 'string' ? 1 : 0);
}

/**
 * Starts a launcher in a session of its own and repeats what it says until it is ready or has failed.
 * @param {boolean} [services]
 */
async function startDetached(services) {
  const home = homeFolder(process.env);
  prepareFolder(join(home, 'log'));
  const log = openSync(join(home, 'log', 'launcher.log'), 'a', 0o600);
  const script = fileURLToPath(import.meta.url);
  const args = [script, '--background', ...(services ? ['--services'] : [])];
  const launcher = spawn(process.execPath, args, { detached: true, stdio: ['ignore', log, log, 'ipc'] });
  closeSync(log);
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => launcher.kill('SIGTERM'));
  watchParents(() => launcher.kill('SIGTERM'));
  await new Promise((resolve, reject) => {
    launcher.on('error', reject);
    launcher.on('exit', () => reject(new LaunchError(`it was stopped before it was ready: see ${shownPath(join(home, 'log', 'launcher.log'))}`)));
    launcher.on('message', (/** @type {Report} */ { line, ready, failed }) => {
      if (line !== undefined) console.log(line);
      if (failed !== undefined) reject(new LaunchError(failed));
      if (ready === undefined) return;
      console.log(`${ready}\nIt runs in the background; npm stop ends it.\n`);
      resolve(undefined);
    });
  });
  process.exit(0);
}

/** @param {string} text */
function say(text) {
  const line = `parley: ${text}`;
  console.log(background ? `${new Date().toISOString()} ${line}` : line);
  report({ line });
}

/** @param {Report} message */
function report(message) {
  if (background && process.connected) process.send?.(message, undefined, undefined, () => {});
}

/** @param {unknown} error */
function fail(error) {
  const text = describeFailure(error);
  console.error(`parley: ${text}`);
  if (!background || !process.connected) process.exit(1);
  process.send?.({ failed: text }, undefined, undefined, () => process.exit(1));
}
