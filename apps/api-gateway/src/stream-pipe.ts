/**
 * Websockets of `/v1/stream` and `/v3/wsconnect` on their way to the realtime-gateway: bytes from socket to socket, so that a client who reads
 * slowly slows down his own upstream connection and costs no memory here.
 */
import { ApiError } from '@parley/contracts/error-catalogue';
import { logger } from '@parley/telemetry/logger';
import type { IncomingMessage, Server } from 'node:http';
import { connect, type Socket } from 'node:net';

const streamPaths = new Set(['/v1/stream', '/v3/wsconnect']);
const CONNECT_MILLIS = 5_000;
/** A client that does not read gets so long for what was said before the upstream connection ended. */
const LINGER_MILLIS = 5_000;
const log = logger('stream-pipe');
export type StreamPipe = { /** Cuts off everybody. */ close(): void };

/** `upstream`: `http://host:port` of the realtime-gateway. Upgrades to other paths are answered 404. */
export function pipeStream(server: Server, upstream: URL, connectMillis = CONNECT_MILLIS): StreamPipe {
  const sockets = new Set<Socket>();
  server.on('upgrade', (request: IncomingMessage, client: Socket, head: Buffer) => {
    client.on('error', () => client.destroy());
    if (!streamPaths.has(request.url?.split('?', 1)[0] ?? '')) return refuse(client, 404, new ApiError(20404));
    sockets.add(client);
    client.once('close', () => sockets.delete(client));
    pipe(request, client, head, upstream, connectMillis);
  });
  return { close: () => { for (const socket of sockets) socket.destroy(); } };
}

function pipe(request: IncomingMessage, client: Socket, head: Buffer, { hostname, port }: URL, connectMillis: number): void {
  const upstream = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80), noDelay: true });
  const patience = setTimeout(() => upstream.destroy(new Error('not connected in time')), connectMillis);
  let connected = false;
  client.setTimeout(0);
  client.setNoDelay(true);
  upstream.once('connect', () => {
    connected = true;
    clearTimeout(patience);
    upstream.write(headOf(request), 'latin1');
    if (head.length > 0) upstream.write(head);
    client.pipe(upstream);
    upstream.pipe(client);
  });
  upstream.on('error', (error) => {
    if (connected) return;
    log.warn('the realtime-gateway cannot be reached', { error });
    refuse(client, 503, new ApiError(20503));
  });
  upstream.once('close', () => {
    clearTimeout(patience);
    client.destroySoon();
    setTimeout(() => client.destroy(), LINGER_MILLIS).unref();
  });
  client.once('close', () => upstream.destroy());
}

/** As the client sent it: credentials, Host and Origin are judged by the realtime-gateway. */
function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  let lines = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) lines += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return `${lines}\r\n`;
}

function refuse(client: Socket, status: number, error: ApiError): void {
  const body = JSON.stringify(error);
  client.end(`HTTP/1.1 ${status} ${status === 404 ? 'Not Found' : 'Service Unavailable'}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${
    Buffer.byteLength(body)}\r\n${status === 503 ? 'Retry-After: 1\r\n' : ''}Connection: close\r\n\r\n${body}`, () => client.destroy());
}
