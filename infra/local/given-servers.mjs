/** Servers that the person gave by DATABASE_URL, NATS_URL and REDIS_URL: asked once before anything starts, so a wrong one is a clear line. */
import { createConnection } from 'node:net';
import { connectDatabase, databasePlace } from './database.mjs';
import { LaunchError } from './launch-error.mjs';

/**
 * @param {string} variable
 * @param {string} value
 * @param {string[]} protocols
 */
function parseUrl(variable, value, protocols) {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url && protocols.includes(url.protocol)) return url;
  throw new LaunchError(`${variable} is no usable address: it begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')} and a host`);
}

/**
 * @param {string} variable the variable it came from
 * @param {string} value
 */
export async function checkDatabase(variable, value) {
  parseUrl(variable, value, ['postgres:', 'postgresql:']);
  try {
    await (await connectDatabase(value)).end();
  } catch (error) {
    throw databaseProblem(variable, value, error);
  }
}

/**
 * The data keys live in a database of their own. Without KEYS_DATABASE_URL it is `<name>_keys` on the same server, made
 * when it is missing.
 * @param {string} databaseUrl
 * @returns {Promise<string>} its URL
 */
export async function keysDatabaseBeside(databaseUrl) {
  const url = new URL(databaseUrl);
  const name = `${decodeURIComponent(url.pathname.slice(1)) || 'parley'}_keys`;
  url.pathname = `/${encodeURIComponent(name)}`;
  try {
    await (await connectDatabase(url.href)).end();
    return url.href;
  } catch (error) {
    if (codeOf(error) !== '3D000') throw databaseProblem('DATABASE_URL', url.href, error);
  }
  const client = await connectDatabase(databaseUrl);
  try {
    await client.query(`create database "${name.replaceAll('"', '""')}"`);
  } catch (error) {
    if (codeOf(error) !== '42P04') {
      throw new LaunchError(`the database ${name} for the data keys is missing and cannot be created (${messageOf(error)}): create it, or set KEYS_DATABASE_URL`);
    }
  } finally {
    await client.end();
  }
  return url.href;
}

/**
 * @param {string} variable
 * @param {string} value
 * @param {unknown} error
 */
function databaseProblem(variable, value, error) {
  const place = databasePlace(value);
  const advice = {
    '3D000': 'create the database first (createdb)',
    '28P01': 'check user and password',
    '28000': 'check user and password, and the access rules of the server (pg_hba.conf)',
  }[codeOf(error)];
  return new LaunchError(
    `cannot use the database at ${place} (${messageOf(error)}): ${advice ?? `start it, correct ${variable}, or leave ${variable} out for a private one`}`,
  );
}

/**
 * Only whether somebody listens: what they say is the services' business.
 * @param {string} variable
 * @param {string} value one or several addresses with commas
 * @param {{ protocols: string[], defaultPort: number }} expected
 */
export async function checkReachable(variable, value, { protocols, defaultPort }) {
  const urls = value.split(',').map((part) => parseUrl(variable, part.trim(), protocols));
  for (const url of urls) if (await connects(url.hostname, Number(url.port || defaultPort))) return;
  const places = urls.map((url) => `${url.hostname}:${url.port || defaultPort}`).join(', ');
  throw new LaunchError(`nothing answers at ${places}: start it, correct ${variable}, or leave ${variable} out for a private one`);
}

/**
 * @param {string} host
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function connects(host, port) {
  return new Promise((resolve) => {
    const socket = createConnection({ host: host.replace(/^\[|\]$/g, ''), port, timeout: 5_000 });
    const end = (/** @type {boolean} */ answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('connect', () => end(true));
    socket.on('error', () => end(false));
    socket.on('timeout', () => end(false));
  });
}

/** @param {unknown} error */
const codeOf = (error) => /** @type {{ code?: string }} */ (error).code ?? '';

/** @param {unknown} error a refused connection to a name with several addresses has an empty message of its own */
const messageOf = (error) => (error instanceof Error && error.message) || codeOf(error) || String(error);
