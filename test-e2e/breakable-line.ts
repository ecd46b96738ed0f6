/** A line to a server that can be cut as a network does it: no goodbye, what is on its way is lost, and nobody gets through while it is down. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class BreakableLine {
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;
  readonly url: string;
  private down = false;

  private constructor(server: Server, url: string) {
    this.server = server;
    this.url = url;
  }

  static async to(target: string): Promise<BreakableLine> {
    const { hostname, port, pathname } = new URL(target);
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const line = new BreakableLine(server, `ws://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`);
    server.on('connection', (client) => line.join(client, connect({ host: hostname, port: Number(port) })));
    return line;
  }

  /** How many sockets it ended, on either side. */
  cut(): number {
    this.down = true;
    const ended = this.sockets.size;
    for (const socket of this.sockets) socket.destroy();
    return ended;
  }

  mend(): void { this.down = false; }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(client: Socket, upstream: Socket): void {
    for (const socket of [client, upstream]) {
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    if (this.down) return void client.destroy();
    client.pipe(upstream).pipe(client);
  }
}
