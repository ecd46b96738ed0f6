/** Clients that keep a connection and say too little, too slowly, too much, or do not listen. */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';

const head = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n`;
/** A masked text frame of `size` bytes. */
function frame(size: number): Buffer {
  const start = Buffer.alloc(8);
  start[0] = 0x81;
  start[1] = 0xfe;
  start.writeUInt16BE(size, 2);
  return Buffer.concat([start, Buffer.alloc(size, 'x')]);
}
const over = (socket: Socket): Promise<number> => new Promise((resolve) => {
  const began = Date.now();
  socket.on('error', () => {}); // followed by close
  socket.once('close', () => resolve(Date.now() - began));
  socket.resume();
});

/** Each resolves with the milliseconds until the server had enough. */
export const slowLoris = {
  halfHandshake(port: number, path: string): Promise<number> {
    const socket = connect(port, '127.0.0.1', () => socket.write(head(path)));
    return over(socket);
  },
  halfFrame(port: number, path: string): Promise<number> {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${head(path)}\r\n`));
    socket.once('data', () => socket.write(frame(1_000).subarray(0, 500)));
    return over(socket);
  },
  async bytePerSecond(port: number, path: string): Promise<number> {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${head(path)}\r\n`));
    const bytes = frame(1_000);
    const ended = over(socket);
    let open = true;
    void ended.then(() => (open = false));
    for (let at = 0; open && at < bytes.length; at++) {
      socket.write(bytes.subarray(at, at + 1));
      await Promise.race([pause(1_000), ended]);
    }
    return ended;
  },
};

/** Sends as fast as the line takes it, for so long. Resolves with the close code; 0: it is still open. */
export async function flood(socket: WebSocket, messages: readonly (string | Buffer)[], millis: number): Promise<number> {
  let closed: number | undefined;
  socket.on('close', (code) => (closed = code));
  const end = Date.now() + millis;
  while (closed === undefined && Date.now() < end) {
    for (const message of messages) if (socket.readyState === socket.OPEN) socket.send(message);
    await new Promise((resolve) => { setImmediate(resolve); });
    while (closed === undefined && socket.bufferedAmount > 1_048_576 && Date.now() < end) await pause(5);
  }
  const code = closed ?? 0;
  socket.terminate();
  return code;
}
