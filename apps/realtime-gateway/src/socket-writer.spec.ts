import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { Outbox } from './outbox.js';
import { SocketWriter } from './socket-writer.js';

it('nobody waits until a client has read that has hung up: neither while its last bytes go out, nor afterwards', async () => {
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  const [socket] = (await once(server, 'connection')) as [Socket];
  const websocket = { OPEN: 1, readyState: 1 };
  let gone = 0;
  const writer = new SocketWriter({
    websocket: websocket as WebSocket, socket, outbox: new Outbox(), lagBytesMax: 100_000_000, onLag: () => { throw new Error('lagged'); }, onGone: () => (gone += 1),
  });
  for (let n = 0; n < 100; n++) writer.add(Buffer.alloc(262_144));
  writer.flush();
  expect(writer.backlog).toBeGreaterThan(1_000_000);
  websocket.readyState = 2; // as `ws` does when the client's end arrives
  socket.end();
  expect([writer.backlog, await writer.drained(30_000)]).toEqual([0, true]);
  expect(gone).toBe(1);
  socket.destroy();
  expect(writer.backlog).toBe(0);
  client.destroy();
  server.close();
});
