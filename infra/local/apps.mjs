/** The programs of Parley as the launcher sees them: which there are, what environment they get, when they are ready. */
import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { REPOSITORY } from './home-folder.mjs';
import { LaunchError } from './launch-error.mjs';
import { ManagedProcess } from './managed-process.mjs';
import { HOST } from './ports.mjs';

/** Everything in one process: the default. */
export const ONE_PROCESS = ['parley'];

/** Each a process of its own, over NATS. */
export const SERVICES = [
  'conversation-service',
  'participant-service',
  'message-router',
  'webhook-worker',
  'push-worker',
  'retention-worker',
  'channel-sms',
  'channel-whatsapp',
  'channel-email',
  'channel-messenger',
  'carrier-simulator',
  'realtime-gateway',
  'api-gateway',
];

const NODE_MAJOR_MIN = 24;
/** A young generation of 8 MiB stays in the processor's cache and is collected in 2 ms; Node's own choice takes 5 ms and more memory (measured). */
const NODE_FLAGS = ['--max-semi-space-size=8'];
const READY_MS = 180_000;
const STOP_MS = 10_000;

/** Node 24 from node_modules where it exists for this system, else the one that runs the launcher. */
export function nodeProgram() {
  const own = join(REPOSITORY, 'node_modules', '.bin', 'node');
  if (existsSync(own)) return own;
  const { node } = process.versions;
  if (Number.parseInt(node) >= NODE_MAJOR_MIN) return process.execPath;
  throw new LaunchError(`the services need Node ${NODE_MAJOR_MIN}, this is Node ${node} and there is no package of it for ${process.platform}-${process.arch}: install Node ${NODE_MAJOR_MIN}`);
}

/**
 * @param {string} app
 * @param {string} program a file in its dist/
 */
export function builtFile(app, program) {
  const file = join(REPOSITORY, 'apps', app, 'dist', program);
  if (!existsSync(file)) throw new LaunchError(`apps/${app} is not built: run npm run build`);
  return file;
}

/**
 * What the apps share. `npm_*` variables of the npm that runs the launcher would only confuse them.
 * @param {NodeJS.ProcessEnv} env
 * @param {Record<string, string>} values
 * @returns {NodeJS.ProcessEnv}
 */
export function appEnvironment(env, values) {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('npm_') && name !== 'INIT_CWD');
  return { NODE_ENV: 'production', ...Object.fromEntries(kept), ...values };
}

/**
 * Where the REST API listens. Some shells keep the name of the machine in HOST, so only an address counts.
 * @param {NodeJS.ProcessEnv} env
 */
function listenAddress(env) {
  const wanted = env['HOST'] ?? '';
  return isIP(wanted) ? wanted : HOST;
}

/**
 * Where the apps reach each other by HTTP.
 * @param {Record<string, number>} ports by app
 */
export function appAddresses(ports) {
  const at = (/** @type {string} */ app) => `http://${HOST}:${ports[app] ?? ports['parley']}`;
  return {
    CHANNEL_SMS_URL: at('channel-sms'),
    CHANNEL_WHATSAPP_URL: at('channel-whatsapp'),
    CHANNEL_EMAIL_URL: at('channel-email'),
    CHANNEL_MESSENGER_URL: at('channel-messenger'),
    SIMULATOR_URL: at('carrier-simulator'),
    REALTIME_URL: at('realtime-gateway'),
    API_URL: at('api-gateway'),
  };
}

/**
 * @param {string} app
 * @param {{ home: string, port: number, env: NodeJS.ProcessEnv, name?: string }} options `name`: of one instance of several
 */
export function appProcess(app, { home, port, env, name = app }) {
  const main = builtFile(app, 'main.js');
  const facesOutside = app === 'parley' || app === 'api-gateway' || app === 'realtime-gateway';
  const own = { PORT: String(port), HOST: facesOutside ? listenAddress(env) : HOST };
  return new ManagedProcess({
    name,
    logFile: join(home, 'log', `${name}.log`),
    command: () => ({ file: nodeProgram(), args: [...NODE_FLAGS, main], env: { ...env, ...own }, cwd: REPOSITORY }),
    isReady: () => isHealthy(port),
    readyMs: READY_MS,
    stopSignal: 'SIGTERM',
    stopMs: STOP_MS,
    deathSignal: 'KILL', // Postgres goes down at the same moment: there is nothing left to finish
    explain: reasonInLog,
  });
}

/** @param {number} port */
async function isHealthy(port) {
  try {
    const response = await fetch(`http://${HOST}:${port}/health`, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}

/**
 * The last error line of a JSON log, or the line above the stack trace of a crash.
 * @param {string} log
 * @returns {string | undefined}
 */
export function reasonInLog(log) {
  const lines = log.split('\n').filter((line) => line.trim() !== '');
  const error = lines.map(errorInLine).findLast((text) => text !== undefined);
  return error ?? lines.find((line) => /^(\w*Error|\[?\w+ \[\w+\])\b.*:/.test(line)) ?? lines.at(-1);
}

/**
 * @param {string} line one line of a log
 * @returns {string | undefined} its message, when the line is JSON and reports an error
 */
export function errorInLine(line) {
  if (!line.startsWith('{')) return undefined;
  try {
    const { level, message, error } = JSON.parse(line);
    if (level !== 'error') return undefined;
    return error?.message ? `${message}: ${error.message}` : message;
  } catch {
    return undefined;
  }
}
