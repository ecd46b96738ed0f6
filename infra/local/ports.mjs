/** Loopback ports: which are free, and which one the REST API gets. */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { LaunchError } from './launch-error.mjs';

export const HOST = '127.0.0.1';
const DEFAULT_PORT = 8080;
const FIRST_PORT = 20_000;

/**
 * @param {number} port 0 = any
 * @returns {Promise<import('node:net').Server | undefined>} listening; undefined when the port cannot be had
 */
function listen(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ host: HOST, port, exclusive: true }, () => resolve(server));
  });
}

/** @param {number} port */
async function isFree(port) {
  const server = await listen(port);
  server?.close();
  return server !== undefined;
}

/**
 * Different free ports, held together until all are known.
 * @param {number} count
 * @returns {Promise<number[]>}
 */
export async function freePorts(count) {
  const servers = [];
  for (let attempt = 0; servers.length < count && attempt < 100 + 10 * count; attempt++) {
    const server = await listen(randomPort());
    if (server) servers.push(server);
  }
  const ports = servers.map((server) => /** @type {import('node:net').AddressInfo} */ (server.address()).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  if (ports.length < count) throw new LaunchError(`no free port on ${HOST}: check the limits of this machine and its loopback interface`);
  return ports;
}

/** The system's choice where there is no room for ours. */
function randomPort() {
  const [first, last] = portsBetween();
  return last - first >= 1_000 || process.env['PARLEY_PORTS'] ? randomInt(first, last + 1) : 0;
}

/**
 * Between choosing a port and listening on it, seconds pass. The system gives the ports of its own range to any outgoing
 * connection meanwhile, so ours come from below that range. PARLEY_PORTS (`first-last`) chooses others.
 * @returns {[number, number]}
 */
export function portsBetween() {
  const given = process.env['PARLEY_PORTS'];
  if (!given) return [FIRST_PORT, Math.min(firstOutgoingPort(), 32_768) - 1];
  const [first = 0, last = 0] = /^\d{1,5}-\d{1,5}$/.test(given) ? given.split('-').map(Number) : [];
  if (first < 1 || last > 65_535 || first >= last) throw new LaunchError(`PARLEY_PORTS=${given} are no ports: give the first and the last one, as 20000-32767`);
  return [first, last];
}

function firstOutgoingPort() {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s/)[0]);
  } catch {
    return 49_152; // macOS, BSD
  }
}

/** @returns {Promise<number>} */
export async function freePort() {
  const [port] = await freePorts(1);
  return /** @type {number} */ (port);
}

/**
 * `PORT` fixes the port; 0 takes any free one; without it 8080, or the next free one with a word about it.
 * @param {string | undefined} wanted the value of PORT
 * @param {(line: string) => void} say
 */
export async function chooseRestPort(wanted, say) {
  if (wanted === undefined || wanted === '') {
    for (let port = DEFAULT_PORT; port < DEFAULT_PORT + 100; port++) {
      if (!(await isFree(port))) continue;
      if (port !== DEFAULT_PORT) say(`port ${DEFAULT_PORT} is taken, using ${port} (set PORT to choose one)`);
      return port;
    }
    throw new LaunchError(`ports ${DEFAULT_PORT} to ${DEFAULT_PORT + 99} are all taken: set PORT to a free one, or PORT=0 for any`);
  }
  const port = Number(wanted);
  if (!/^\d+$/.test(wanted) || port > 65535) {
    throw new LaunchError(`PORT=${wanted} is not a port: use a number from 0 to 65535 (0 = any free one)`);
  }
  if (port === 0) return freePort();
  if (!(await isFree(port))) {
    throw new LaunchError(`port ${port} is taken or not allowed: stop what uses it, or set PORT to another one (PORT=0 for any free one)`);
  }
  return port;
}
