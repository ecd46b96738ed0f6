/**
 * Connections to Postgres as this project uses them: UTC, times and big integers as the text and numbers the API needs,
 * and an error listener on every client: an idle connection that breaks must never end the process.
 */
import pg from 'pg';

export type Pool = pg.Pool;
export type Connection = pg.PoolClient;

const int8 = 20;
const timestamptz = 1184;

const types: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    // Positions and counts stay far below 2^53; times are cut from the text, a Date would cost more than the query.
    if (oid === int8) return Number;
    if (oid === timestamptz) return (text: string) => text;
    return pg.types.getTypeParser(oid, format as 'text') as (text: string) => unknown;
  },
} as pg.CustomTypesConfig;

export type PoolOptions = {
  /** Connections at most. */
  max?: number;
  applicationName?: string;
  /** A request waits this long for a free connection, then fails. Default 8 s. */
  connectionTimeoutMillis?: number;
  /** Server settings of these connections, beside those all have. */
  settings?: Readonly<Record<string, string>>;
  /** Clients send a query while others are still being answered; for clients that many requests share. */
  pipeline?: boolean;
};

/**
 * For the connections that append: plans by index whatever the statistics say, made once. Who holds the head of a shard and says nothing
 * more, as a host that is gone without a word, keeps everybody else from it no longer than 10 s.
 */
export const appendSettings: Readonly<Record<string, string>> = {
  idle_in_transaction_session_timeout: '10s', plan_cache_mode: 'force_generic_plan', enable_seqscan: 'off', enable_hashjoin: 'off', enable_mergejoin: 'off', enable_bitmapscan: 'off', jit: 'off',
};

/** A pool whose clients speak UTC and survive a database restart: broken clients are dropped, the next query reconnects. */
export function createPool(url: string, options: PoolOptions = {}): Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max ?? 8,
    application_name: options.applicationName ?? 'parley',
    connectionTimeoutMillis: options.connectionTimeoutMillis ?? 8000,
    keepAlive: true,
    ...(options.pipeline && { pipeline: true }),
    options: Object.entries({ timezone: 'UTC', synchronous_commit: 'on', ...options.settings }).map(([name, value]) => `-c ${name}=${value}`).join(' '),
    types,
  });
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** `2026-11-22 19:02:23.123+00` as Postgres writes it -> `2026-11-22T19:02:23Z`, the API's form (seconds). */
export const apiTime = (text: string): string => `${text.slice(0, 10)}T${text.slice(11, 19)}Z`;

/** The same with milliseconds, as events carry it. */
export function isoTime(text: string): string {
  const plus = text.lastIndexOf('+');
  const fraction = text.slice(20, plus).padEnd(3, '0').slice(0, 3);
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction}Z`;
}

/** Postgres is gone, starting, or ended our connection: the same work may be tried again. */
export function isConnectionError(error: unknown): boolean {
  const { code, message, syscall } = error as { code?: unknown; message?: unknown; syscall?: unknown };
  if (code === 'ENOENT' && syscall === 'connect') return true; // its Unix socket is gone
  if (typeof code === 'string' && (/^(08|57P0[123]$|25P03$)/.test(code) || /^E(CONN|PIPE|AI_|TIMEDOUT|HOSTUNREACH)/.test(code))) return true;
  return typeof message === 'string' && /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|not queryable/.test(message);
}

/** Runs `work` in one transaction; rolls back when it throws. */
export async function transaction<T>(pool: Pool, work: (tx: Connection) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client);
    // COMMIT of an aborted transaction resolves; only its tag tells (measured).
    const { command } = await client.query('commit');
    if (command !== 'COMMIT') throw new Error(`transaction ended with ${command}`);
    return result;
  } catch (error) {
    await client.query('rollback').catch((cause: Error) => (broken = cause));
    throw error;
  } finally {
    client.release(broken);
  }
}
