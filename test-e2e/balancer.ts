/** One address before several instances of a service, as a load balancer: connections go round among those that say they are ready. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const READY_MILLIS = 2_000;

export class Balancer {
  private readonly sockets = new Set<Socket>();
  private next = 0;

  private constructor(private readonly server: Server, private readonly instances: readonly string[]) {}

  /** `instances`: origins. */
  static async before(instances: readonly string[]): Promise<Balancer> {
    const server = createServer({ pauseOnConnect: true });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const balancer = new Balancer(server, instances);
    server.on('connection', (client) => void balancer.join(client));
    return balancer;
  }

  get host(): string { return `127.0.0.1:${(this.server.address() as AddressInfo).port}`; }

  static async isReady(instance: string): Promise<boolean> {
    const signal = AbortSignal.timeout(READY_MILLIS);
    return fetch(`${instance}/health`, { signal }).then(({ ok }) => ok, () => false);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async join(client: Socket): Promise<void> {
    this.keep(client);
    const { instances } = this;
    const first = this.next++;
    for (let n = 0; n < instances.length; n++) {
      const instance = instances[(first + n) % instances.length]!;
      if (!(await Balancer.isReady(instance))) continue;
      const { hostname, port } = new URL(instance);
      const upstream = connect({ host: hostname, port: Number(port) });
      this.keep(upstream);
      client.on('close', () => upstream.destroy());
      upstream.on('close', () => client.destroy());
      client.pipe(upstream).pipe(client);
      return;
    }
    client.destroy();
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.sockets.delete(socket));
  }
}
