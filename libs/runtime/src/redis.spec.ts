/** A Redis that says nothing any more holds nobody up, and is used again once it answers. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connectRedis } from './redis.js';

/** Before the tests' Redis: what is sent while it is `silent` goes nowhere, and nothing comes back. */
class Line {
  silent = false;
  private readonly sockets = new Set<Socket>();
  private constructor(private readonly server: Server) {}

  static async open(): Promise<Line> {
    const { hostname, port, password } = new URL(process.env['TEST_REDIS_URL']!);
    const server = createServer((here) => {
      const there = connect(Number(port), hostname);
      for (const [from, to] of [[here, there], [there, here]] as const) {
        line.sockets.add(from);
        from.on('data', (bytes) => { if (!line.silent) to.write(bytes); });
        from.on('close', () => to.destroy());
        from.on('error', () => {});
      }
    });
    const line = new Line(server);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    line.url = `redis://${password ? `:${password}@` : ''}127.0.0.1:${(server.address() as AddressInfo).port}`;
    return line;
  }
  url = '';

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

it('gives up on a Redis that does not answer, asks it nothing until it does, then goes on', async () => {
  const line = await Line.open();
  const redis = connectRedis(line.url);
  await new Promise((resolve) => { redis.once('ready', resolve); });
  await redis.ping();
  line.silent = true;
  const asked = Array.from({ length: 3 }, () => redis.ping().then(() => 'answered', () => 'given up'));
  expect(await Promise.all(asked)).toEqual(['given up', 'given up', 'given up']);
  await expect(redis.ping()).rejects.toThrow();
  line.silent = false;
  await new Promise((resolve) => { redis.once('ready', resolve); });
  expect(await redis.ping()).toBe('PONG');
  redis.disconnect();
  line.close();
});
