/** A private redis-server (or valkey-server): loopback only, in memory only, behind a password. It may be flushed at any time. */
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { prepareFolder, randomPassword, storedSecret, writePrivately } from './home-folder.mjs';
import { ManagedProcess } from './managed-process.mjs';
import { findTool } from './native-tools.mjs';
import { freePort, HOST } from './ports.mjs';

export class RedisServer extends ManagedProcess {
  /**
   * @param {import('./managed-process.mjs').ManagedProcessOptions} options
   * @param {{ port: number, password: string }} access
   */
  constructor(options, { port, password }) {
    super(options);
    this.port = port;
    this.password = password;
  }

  get url() {
    return `redis://:${this.password}@${HOST}:${this.port}`;
  }
}

/**
 * @param {object} options
 * @param {string} options.home its working folder is `redis/` below it, the log `log/redis.log`
 * @param {string} options.downloads
 * @param {(line: string) => void} [options.say]
 * @param {AbortSignal} [options.signal]
 * @returns {Promise<RedisServer>} running
 */
export async function startRedis({ home, downloads, say = () => {}, signal }) {
  const tool = await findTool('redis', { downloads, say });
  const folder = join(home, 'redis');
  prepareFolder(join(home, 'log'));
  prepareFolder(folder);
  const password = storedSecret(join(home, 'redis.password'), randomPassword);
  const port = await freePort();
  const configuration = join(home, 'redis.conf');
  const settings = [
    `bind ${HOST}`,
    `port ${port}`,
    `dir ${JSON.stringify(folder)}`,
    `requirepass ${password}`,
    'daemonize no',
    'appendonly no',
    'save ""',
    'maxmemory 256mb',
    'maxmemory-policy allkeys-lru', // bounded; what falls out is rebuilt from Postgres
  ];
  writePrivately(configuration, `${settings.join('\n')}\n`);
  const server = new RedisServer(
    {
      name: 'Redis',
      logFile: join(home, 'log', 'redis.log'),
      command: () => ({ file: tool.file, args: [configuration], env: { ...process.env, ...tool.env }, cwd: folder }),
      isReady: () => answers(port, password),
      readyMs: 60_000,
      stopSignal: 'SIGTERM',
      stopMs: 5_000,
      deathSignal: 'KILL',
      explain: (log) => log.trim().split('\n').findLast((line) => line.includes('#') || line.includes('error')),
    },
    { port, password },
  );
  await server.start(signal);
  return server;
}

/**
 * @param {number} port
 * @param {string} password
 * @returns {Promise<boolean>}
 */
function answers(port, password) {
  return new Promise((resolve) => {
    const socket = createConnection({ host: HOST, port, timeout: 1_000 }, () => socket.write(`AUTH ${password}\r\nPING\r\n`));
    let reply = '';
    const end = (/** @type {boolean} */ ready) => {
      socket.destroy();
      resolve(ready);
    };
    socket.on('error', () => end(false));
    socket.on('timeout', () => end(false));
    socket.setEncoding('utf8').on('data', (text) => {
      reply += text;
      if (reply.includes('+PONG')) end(true);
    });
  });
}
