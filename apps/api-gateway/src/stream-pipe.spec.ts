import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { pipeStream, type StreamPipe } from './stream-pipe.js';

const MEGABYTE = 1_048_576;
let [gateway, realtime]: Server[] = [];
let pipe: StreamPipe;
let clients: Socket[] = [];
/** What the realtime-gateway was asked, and by which socket. */
let asked: Promise<{ request: IncomingMessage; socket: Socket }>;

const listening = async (server: Server) => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};
beforeEach(async () => {
  clients = [];
  [gateway, realtime] = [createServer(), createServer()];
  asked = new Promise((resolve) => realtime!.once('upgrade', (request: IncomingMessage, socket: Socket) => {
    socket.on('error', () => socket.destroy());
    resolve({ request, socket });
  }));
  const port = await listening(realtime);
  pipe = pipeStream(gateway, new URL(`http://127.0.0.1:${port}`));
  await listening(gateway);
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  (await Promise.race([asked, undefined]))?.socket.destroy();
  pipe.close();
  await Promise.all([gateway!, realtime!].map((server) => new Promise((resolve) => server.close(resolve))));
});

function upgrade(path: string, more = ''): Socket {
  const client = connect((gateway!.address() as AddressInfo).port, '127.0.0.1');
  clients.push(client.on('error', () => undefined));
  client.write(`GET ${path} HTTP/1.1\r\nHost: parley.test\r\nAuthorization: Basic eDp5\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${more}`);
  return client;
}
async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 60_000; !condition(); await new Promise((resolve) => setTimeout(resolve, 5)))
    if (Date.now() > end) throw new Error(`still not so: ${condition.toString()}`);
}
async function everything(client: Socket): Promise<string> {
  let text = '';
  for await (const chunk of client) text += String(chunk);
  return text;
}

describe('a websocket through the gateway', () => {
  it('arrives as it was sent, and bytes go both ways', async () => {
    const client = upgrade('/v1/stream?token=x', 'early');
    const { request, socket } = await asked;
    expect(request).toMatchObject({ url: '/v1/stream?token=x', headers: { host: 'parley.test', authorization: 'Basic eDp5', upgrade: 'websocket' } });
    socket.pipe(socket);
    client.write('late');
    client.end();
    expect(await everything(client)).toMatch(/late$/);
  });
  it('is told what was said before the other side ended', async () => {
    const client = upgrade('/v1/stream');
    (await asked).socket.end('refused');
    expect(await everything(client)).toBe('refused');
  });
  it('that is not read holds back the sender, not the gateway’s memory', async () => {
    const client = upgrade('/v1/stream');
    client.pause();
    const { socket } = await asked;
    for (let n = 0; n < 64; n++) socket.write(Buffer.alloc(MEGABYTE));
    let [left, steadySince] = [0, Date.now()];
    await until(() => {
      if (left !== socket.writableLength) [left, steadySince] = [socket.writableLength, Date.now()];
      return Date.now() - steadySince > 300;
    });
    expect(left).toBeGreaterThan(32 * MEGABYTE);
    let read = 0;
    client.on('data', (chunk: Buffer) => (read += chunk.length)).resume();
    await until(() => read === 64 * MEGABYTE);
  });
  it('that is reset ends its upstream connection, and the other way round', async () => {
    const client = upgrade('/v1/stream');
    const { socket } = await asked;
    socket.resume();
    client.resetAndDestroy();
    await until(() => socket.destroyed || socket.readableEnded);
    socket.destroy();
    asked = new Promise((resolve) => realtime!.once('upgrade', (request: IncomingMessage, second: Socket) => resolve({ request, socket: second })));
    const other = upgrade('/v1/stream');
    (await asked).socket.resetAndDestroy();
    other.resume();
    await until(() => other.closed);
  });
  it('is 404 at another path, and the connection is closed', async () => {
    expect(await everything(upgrade('/v1/other'))).toMatch(/^HTTP\/1\.1 404 [^]*"code":20404/);
  });
  it('is 503 while the realtime-gateway is away', async () => {
    await new Promise((resolve) => realtime!.close(resolve));
    expect(await everything(upgrade('/v1/stream'))).toMatch(/^HTTP\/1\.1 503 [^]*"code":20503/);
  });
});
