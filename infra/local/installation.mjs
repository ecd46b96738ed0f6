/**
 * A whole Parley on this machine: the servers it needs (given or private), the database set up, its apps running. Used by
 * `npm start`, and directly by the black-box tests, the benchmark and the chaos run, which restart and kill its parts.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { appAddresses, appEnvironment, appProcess, ONE_PROCESS, SERVICES } from './apps.mjs';
import { checkDatabase, checkReachable, keysDatabaseBeside } from './given-servers.mjs';
import { downloadsFolder, homeFolder, prepareFolder, REPOSITORY, storedSecret, writePrivately } from './home-folder.mjs';
import { takeLock } from './installation-lock.mjs';
import { startNats } from './nats.mjs';
import { chooseRestPort, freePorts, HOST } from './ports.mjs';
import { startPostgres } from './postgres.mjs';
import { startRedis } from './redis.mjs';
import { runSetup } from './setup-command.mjs';
import { keepRunning } from './supervisor.mjs';

/**
 * What run.json holds.
 * @typedef {import('./setup-command.mjs').FirstAccount & {
 *   version: string, restUrl: string, wsUrl: string, clientWsUrl: string, webhookUrl: string, mediaUrl: string, simulatorUrl: string,
 *   tokenUrl?: string, tokenPassword?: string,
 *   databaseUrl: string, keysDatabaseUrl: string, natsUrl: string, redisUrl: string, pids: Record<string, number>,
 * }} RunInfo
 *
 * @typedef {object} Servers undefined: given by the caller, not ours
 * @property {import('./postgres.mjs').PostgresServer} [postgres]
 * @property {import('./nats.mjs').NatsServer} [nats]
 * @property {import('./redis.mjs').RedisServer} [redis]
 *
 * @typedef {object} Installation
 * @property {string} home
 * @property {RunInfo} info also in run.json while it runs
 * @property {Servers} servers
 * @property {Record<string, import('./managed-process.mjs').ManagedProcess>} apps by name: `parley`, or one per service
 * @property {Promise<string>} failed resolves with the reason when supervision gives up
 * @property {() => void} saveInfo after a process was restarted: puts the new process numbers into info and run.json
 * @property {(app: string) => Promise<Instance>} addInstance starts one more process of a service, beside those that run; by its name among `apps`
 * @property {() => Promise<void>} stop everything; data stays
 *
 * @typedef {{ name: string, url: string, process: import('./managed-process.mjs').ManagedProcess }} Instance
 */

/**
 * @param {object} [options]
 * @param {string} [options.home] default: PARLEY_HOME or `.parley/`
 * @param {number} [options.port] REST port, 0 = any; default: PORT, or 8080 or the next free one
 * @param {boolean} [options.services] one process per service instead of one for all
 * @param {NodeJS.ProcessEnv} [options.env] on top of the environment of this process; reaches the apps
 * @param {boolean} [options.supervise] start again what ends by itself; leave it off to kill parts in a test
 * @param {(line: string) => void} [options.say] progress, for a person
 * @param {AbortSignal} [options.signal] calls a start off
 * @returns {Promise<Installation>} ready: every app answers /health
 * @throws {import('./launch-error.mjs').LaunchError} nothing is left running then
 */
export async function startInstallation({ home: givenHome, port, services = false, env: givenEnv = {}, supervise = false, say = () => {}, signal } = {}) {
  const env = { ...process.env, ...givenEnv };
  const home = givenHome ?? homeFolder(env);
  prepareFolder(home);
  prepareFolder(join(home, 'log'));
  const release = takeLock(home);
  const runFile = join(home, 'run.json');
  const ending = new AbortController();
  /** @type {Servers} */
  const servers = {};
  /** @type {Installation['apps']} */
  const apps = {};

  const stop = async () => {
    ending.abort();
    rmSync(runFile, { force: true }); // first, so nobody believes in what is about to end
    await Promise.all(Object.values(apps).map((app) => app.stop()));
    await Promise.all([servers.nats?.stop(), servers.redis?.stop(), servers.postgres?.stop()]);
    release();
  };

  try {
    rmSync(runFile, { force: true });
    const restPort = await chooseRestPort(port === undefined ? env['PORT'] : String(port), say);
    const urls = await startServers({ home, env, servers, say, signal });
    const names = services ? SERVICES : ONE_PROCESS;
    const ports = await appPorts(names, restPort);
    const restUrl = `http://${HOST}:${restPort}`;
    const publicUrl = env['PUBLIC_URL'] || restUrl;
    const kek = env['PARLEY_KEK'] || storedSecret(join(home, 'kek'), () => randomBytes(32).toString('base64'));
    const tokenPassword = env['DEVELOPMENT_TOKEN_PASSWORD'] || createHmac('sha256', kek).update('development tokens').digest('base64url').slice(0, 24);
    const appEnv = appEnvironment(env, {
      ...urls,
      ...appAddresses(ports),
      PUBLIC_URL: publicUrl,
      WEBHOOK_PRIVATE_TARGETS: env['WEBHOOK_PRIVATE_TARGETS'] || 'allow', // people try webhooks on their own machine first
      PARLEY_HOME: home,
      NODE_COMPILE_CACHE: env['NODE_COMPILE_CACHE'] || join(homeFolder(env), 'compile-cache'), // a fifth off every start
      PARLEY_KEK: kek,
      DEVELOPMENT_TOKEN_PASSWORD: tokenPassword,
    });
    const account = await runSetup({ ...appEnv, PORT: String(restPort) }, signal);
    for (const name of names) apps[name] = appProcess(name, { home, port: /** @type {number} */ (ports[name]), env: appEnv });
    await allOrNone(Object.values(apps).map((app) => app.start(signal)));

    const info = {
      version: /** @type {string} */ (JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')).version),
      restUrl,
      wsUrl: `ws://${HOST}:${ports['realtime-gateway'] ?? restPort}/v1/stream`,
      clientWsUrl: `ws://${HOST}:${ports['realtime-gateway'] ?? restPort}/v3/wsconnect`,
      webhookUrl: `${publicUrl}/webhooks`,
      mediaUrl: restUrl, // `/v1/Services/IS…/Media` is served by the REST API
      simulatorUrl: `${restUrl}/simulator`,
      ...(tokenPassword !== 'off' && { tokenUrl: `${restUrl}/development/token`, tokenPassword }),
      // For people and other tools: by TCP.
      databaseUrl: servers.postgres?.url('parley') ?? urls.DATABASE_URL,
      keysDatabaseUrl: (!env['KEYS_DATABASE_URL'] && servers.postgres?.url('parley_keys')) || urls.KEYS_DATABASE_URL,
      natsUrl: urls.NATS_URL,
      redisUrl: urls.REDIS_URL,
      ...account,
      pids: {},
    };
    const parts = { ...servers, ...apps };
    const saveInfo = () => {
      if (ending.signal.aborted) return;
      info.pids = { launcher: process.pid, ...Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.pid])) };
      writePrivately(runFile, `${JSON.stringify(info, null, 2)}\n`);
    };
    saveInfo();
    /** @type {Promise<string>} */
    const failed = new Promise((resolve) => {
      if (!supervise) return;
      for (const part of Object.values(parts)) keepRunning(part, { say, restarted: saveInfo, giveUp: resolve, signal: ending.signal });
    });
    /** @param {string} app */
    const addInstance = async (app) => {
      const [port = 0] = await freePorts(1);
      const name = `${app}-${Object.keys(apps).filter((each) => each.startsWith(app)).length + 1}`;
      const process = (apps[name] = appProcess(app, { home, port, env: appEnv, name }));
      await process.start(signal);
      return { name, url: `http://${HOST}:${port}`, process };
    };
    return { home, info, servers, apps, failed, saveInfo, addInstance, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * @param {{ home: string, env: NodeJS.ProcessEnv, servers: Servers, say: (line: string) => void, signal?: AbortSignal }} options
 * servers: filled with those that were started, also when another one fails
 */
async function startServers({ home, env, servers, say, signal }) {
  const { DATABASE_URL, KEYS_DATABASE_URL, NATS_URL, REDIS_URL } = env;
  if (DATABASE_URL) await checkDatabase('DATABASE_URL', DATABASE_URL);
  if (KEYS_DATABASE_URL) await checkDatabase('KEYS_DATABASE_URL', KEYS_DATABASE_URL);
  if (NATS_URL) await checkReachable('NATS_URL', NATS_URL, { protocols: ['nats:', 'tls:'], defaultPort: 4222 });
  if (REDIS_URL) await checkReachable('REDIS_URL', REDIS_URL, { protocols: ['redis:', 'rediss:'], defaultPort: 6379 });

  const downloads = downloadsFolder(env);
  const postgres = async () => {
    if (DATABASE_URL) return { DATABASE_URL, KEYS_DATABASE_URL: KEYS_DATABASE_URL || (await keysDatabaseBeside(DATABASE_URL)) };
    const server = (servers.postgres = await startPostgres({ home, signal }));
    await server.createDatabases(['parley', 'parley_keys']);
    return { DATABASE_URL: server.localUrl('parley'), KEYS_DATABASE_URL: KEYS_DATABASE_URL || server.localUrl('parley_keys') };
  };
  const nats = async () => NATS_URL || (servers.nats = await startNats({ home, downloads, say, signal })).url;
  const redis = async () => REDIS_URL || (servers.redis = await startRedis({ home, downloads, say, signal })).url;
  const [databases, natsUrl, redisUrl] = await allOrNone([postgres(), nats(), redis()]);
  return { ...databases, NATS_URL: natsUrl, REDIS_URL: redisUrl };
}

/**
 * Like Promise.all, but a failure is passed on only when the others have come to an end too, so that they can be stopped.
 * @template {unknown[]} T
 * @param {[...{ [K in keyof T]: Promise<T[K]> }]} promises
 * @returns {Promise<T>}
 */
async function allOrNone(promises) {
  await Promise.allSettled(promises);
  return /** @type {Promise<T>} */ (Promise.all(promises));
}

/**
 * @param {string[]} names
 * @param {number} restPort
 * @returns {Promise<Record<string, number>>}
 */
async function appPorts(names, restPort) {
  const others = names.filter((name) => name !== 'parley' && name !== 'api-gateway');
  const ports = (await freePorts(others.length + 1)).filter((port) => port !== restPort);
  const rest = names.includes('parley') ? 'parley' : 'api-gateway';
  return { [rest]: restPort, ...Object.fromEntries(others.map((name, i) => [name, /** @type {number} */ (ports[i])])) };
}
