/** Floods of requests that cannot be answered, because the table they need is locked: what the server holds then is what it may hold at most. */
import type { WebSocket } from 'ws';
import { connectDatabase } from '../../infra/local/database.mjs';
import { decodeWire, encodeWire } from '../sdk-wire.js';

/** Nobody reads or writes conversations until it is called. */
export async function lockConversations(databaseUrl: string): Promise<() => Promise<void>> {
  const client = await connectDatabase(databaseUrl);
  await client.query('begin');
  await client.query('lock table model.conversation in access exclusive mode');
  return () => client.end();
}

export type Flood = { message: string | Buffer; count: number; /** Answered at once, after everything before it was taken. */ last: string | Buffer; isLast(data: Buffer): boolean };

/** On our own protocol: messages with a parameter that nobody reads and that is held all the same. */
export const floodOfOurs = (conversation: string, count: number, bytes: number): Flood => ({
  count, message: JSON.stringify({ type: 'request', id: 1, method: 'POST', path: `/v1/Conversations/${conversation}/Messages`, body: { Body: 'x', Padding: 'x'.repeat(bytes) } }),
  last: '{"type":"ping"}', isLast: (data) => data.includes('"pong"'),
});

/** On the SDK's: an object of the conversation, again and again, with a parameter that nobody reads. */
export const floodOfSdk = (conversation: string, count: number, bytes: number): Flood => ({
  count, message: encodeWire({ method: 'message', id: 'm', active_grant: 'ip_messaging', http_request: { host: 'x', path: `/v3/Documents/${conversation}.channel`, method: 'GET', params: { padding: 'x'.repeat(bytes) }, headers: {} } }),
  last: encodeWire({ method: 'ping', id: 'last' }), isLast: (data) => decodeWire(data).header['id'] === 'last',
});

/** No faster than the line takes it. Resolves with the close code; 0: it is open and all was taken. */
export async function sendAll(socket: WebSocket, { message, count, last, isLast }: Flood): Promise<number> {
  const ended = new Promise<number>((resolve) => {
    socket.once('close', resolve);
    socket.on('message', (data: Buffer) => { if (isLast(data)) resolve(0); });
  });
  for (let n = 0; n < count && socket.readyState === socket.OPEN; n++) await new Promise<void>((sent) => { socket.send(message, () => sent()); });
  if (socket.readyState === socket.OPEN) socket.send(last);
  return ended;
}
