/** A private nats-server with JetStream: loopback only, behind a password. Its store can be wiped at any time, nothing lives only there. */
import { rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { prepareFolder, randomPassword, storedSecret, writePrivately } from './home-folder.mjs';
import { ManagedProcess } from './managed-process.mjs';
import { findTool } from './native-tools.mjs';
import { freePort, HOST } from './ports.mjs';

const USER = 'parley';
/** A micro-batch of commands with bodies and attributes must fit. */
const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;

export class NatsServer extends ManagedProcess {
  /**
   * @param {import('./managed-process.mjs').ManagedProcessOptions} options
   * @param {{ port: number, store: string, password: string }} access
   */
  constructor(options, { port, store, password }) {
    super(options);
    /** The nats-server that runs, for tests that start more of them. */
    this.program = options.command().file;
    this.port = port;
    this.store = store;
    this.password = password;
  }

  get url() {
    return `nats://${USER}:${this.password}@${HOST}:${this.port}`;
  }

  /** Kills it, removes every stream and starts it again on the same port. */
  async wipe() {
    await this.kill();
    rmSync(this.store, { recursive: true, force: true });
    prepareFolder(this.store);
    await this.start();
  }
}

/**
 * @param {object} options
 * @param {string} options.home the store goes to `nats/` below it, the log to `log/nats.log`
 * @param {string} options.downloads
 * @param {(line: string) => void} [options.say]
 * @param {AbortSignal} [options.signal]
 * @returns {Promise<NatsServer>} running
 */
export async function startNats({ home, downloads, say = () => {}, signal }) {
  const tool = await findTool('nats', { downloads, say });
  const store = join(home, 'nats');
  prepareFolder(join(home, 'log'));
  prepareFolder(store);
  const port = await freePort();
  const password = storedSecret(join(home, 'nats.password'), randomPassword);
  const configuration = join(home, 'nats.conf');
  const settings = [
    `listen: "${HOST}:${port}"`,
    `max_payload: ${MAX_PAYLOAD_BYTES}`,
    `jetstream { store_dir: ${JSON.stringify(store)} }`,
    `authorization { user: ${USER}, password: "${password}" }`,
  ];
  writePrivately(configuration, `${settings.join('\n')}\n`);
  const server = new NatsServer(
    {
      name: 'NATS',
      logFile: join(home, 'log', 'nats.log'),
      command: () => ({ file: tool.file, args: ['-c', configuration], env: { ...process.env, ...tool.env }, cwd: home }),
      isReady: () => hasJetStream(port),
      readyMs: 60_000,
      stopSignal: 'SIGTERM',
      stopMs: 10_000,
      deathSignal: 'KILL',
      explain: (log) => log.match(/\[FTL\] (.*)/)?.[1] ?? log.match(/^nats-server: (.*)/m)?.[1],
    },
    { port, store, password },
  );
  await server.start(signal);
  return server;
}

/**
 * The server greets with `INFO {...}`, where it says whether JetStream is on.
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function hasJetStream(port) {
  return new Promise((resolve) => {
    const socket = createConnection({ host: HOST, port, timeout: 1_000 });
    let greeting = '';
    const end = (/** @type {boolean} */ ready) => {
      socket.destroy();
      resolve(ready);
    };
    socket.on('error', () => end(false));
    socket.on('timeout', () => end(false));
    socket.setEncoding('utf8').on('data', (text) => {
      greeting += text;
      if (greeting.includes('\r\n')) end(/"jetstream":\s*true/.test(greeting));
    });
  });
}
