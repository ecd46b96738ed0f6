import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { WebsocketConnection } from './websocket-connection.ts';

let server: Server;
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

/** A server that says these bytes after the handshake, cut into pieces of this size. */
async function serving(bytes: Buffer, piece: number, answer = 'HTTP/1.1 101 Switching Protocols\r\n\r\n'): Promise<string> {
  server = createServer((socket) => {
    sockets.push(socket);
    socket.once('data', async () => {
      const all = Buffer.concat([Buffer.from(answer), bytes]);
      for (let at = 0; at < all.length; at += piece) {
        socket.write(all.subarray(at, at + piece));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/v1/stream`;
}

function frame(text: string): Buffer {
  const payload = Buffer.from(text);
  if (payload.length < 126) return Buffer.concat([Buffer.from([0x81, payload.length]), payload]);
  const header = Buffer.from([0x81, 126, 0, 0]);
  header.writeUInt16BE(payload.length, 2);
  return Buffer.concat([header, payload]);
}

const until = async (condition: () => boolean) => {
  for (const deadline = Date.now() + 30_000; !condition(); ) {
    if (Date.now() > deadline) throw new Error('not within 30 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

const texts = Array.from({ length: 40 }, (_, i) => `${i} ${'ä'.repeat(i * 7)}`);

for (const piece of [1, 7, 64, 100_000]) {
  it(`reads the same frames when they come in pieces of ${piece} bytes`, async () => {
    const url = await serving(Buffer.concat(texts.map(frame)), piece);
    const got: string[] = [];
    const connection = new WebsocketConnection({ url, onMessage: (data, start, end) => got.push(data.toString('utf8', start, end)) });
    await connection.open();
    await until(() => got.length === texts.length);
    expect(got).toEqual(texts);
    connection.destroy();
  });
}

it('tells why the server closed', async () => {
  const url = await serving(Buffer.concat([Buffer.from([0x88, 5]), Buffer.from([0x0f, 0xa8]), Buffer.from('lag')]), 100);
  const ended: unknown[] = [];
  const connection = new WebsocketConnection({ url, onMessage: () => {}, onEnd: (code, reason) => ended.push(code, reason) });
  await connection.open();
  await until(() => ended.length > 0);
  expect(ended).toEqual([4008, 'lag']);
});

it('says what a server answers that does not want a websocket', async () => {
  const url = await serving(Buffer.from('{"code":20003}'), 100, 'HTTP/1.1 401 Unauthorized\r\n\r\n');
  await expect(new WebsocketConnection({ url, onMessage: () => {} }).open()).rejects.toThrow('401');
});
