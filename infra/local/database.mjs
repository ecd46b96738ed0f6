/** The launcher's few questions to a database. `pg` is loaded late: this module is read before dependencies are installed. */
import { LaunchError } from './launch-error.mjs';

/**
 * @param {string} url
 * @returns {Promise<import('pg').Client>} connected; the caller ends it
 */
export async function connectDatabase(url) {
  const { default: pg } = await import('pg').catch(() => {
    throw new LaunchError('the dependencies are not installed: run npm ci');
  });
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, application_name: 'parley-launcher' });
  client.on('error', () => {}); // a server that goes away later is reported by the next query
  try {
    await client.connect();
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
  return client;
}

/**
 * Where a database is, without its password.
 * @param {string} url
 */
export function databasePlace(url) {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname || 'localhost'}:${port || 5432}${pathname}`;
}
