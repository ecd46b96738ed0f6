/**
 * The process's connection to NATS. It reconnects for ever: NATS is a carrier of wake-ups and of copies, never of the
 * truth, so its absence is waited out, not died of. Everything sent while it is down is lost and healed by its sender.
 */
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { logger } from '@parley/telemetry/logger';
import type { Socket } from 'node:net';

export type ConnectionOptions = {
  /** `nats://[user:password@|token@]host:port`, several separated by commas; `tls://` asks for TLS. */
  url: string;
  /** Shown by the server's monitoring. */
  name: string;
  /** How long the first connection may take before `open` throws; default 30 s. */
  firstConnectMs?: number;
  /** How often the server is asked whether it is there; after three without an answer the connection is given up. Default 5 s. */
  pingMs?: number;
};

const RETRY_MS = 100;
const log = logger('nats');

export class Connection {
  private up = true;
  private closing = false;
  private readonly reconnected = new Set<() => void>();
  private readonly disconnected = new Set<() => void>();
  private readonly closers = new Set<() => void | Promise<void>>();

  private constructor(readonly nats: NatsConnection, private readonly server: string) {
    void this.watch();
  }

  /** Throws with the address and the reason when NATS cannot be reached in time. */
  static async open({ url, name, firstConnectMs = 30_000, pingMs = 5_000 }: ConnectionOptions): Promise<Connection> {
    const { servers, shown, ...credentials } = parseUrl(url);
    const until = Date.now() + firstConnectMs;
    for (let attempt = 1; ; attempt++) {
      try {
        const nats = await connect({
          servers, name, ...credentials,
          maxReconnectAttempts: -1, reconnectTimeWait: RETRY_MS, reconnectJitter: RETRY_MS, ignoreAuthErrorAbort: true,
          timeout: 5_000, pingInterval: pingMs, maxPingOut: 2, noAsyncTraces: true,
        });
        return new Connection(nats, shown);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (Date.now() >= until) throw new Error(`cannot connect to NATS at ${shown}: ${reason}`, { cause: error });
        if (attempt % 10 === 1) log.warn('waiting for NATS', { server: shown, reason });
        await new Promise((resolve) => setTimeout(resolve, Math.min(1_000, 50 * attempt)));
      }
    }
  }

  /** False between a loss of the connection and the next success. */
  get connected(): boolean { return this.up; }

  onReconnect(callback: () => void): () => void {
    this.reconnected.add(callback);
    return () => this.reconnected.delete(callback);
  }

  onDisconnect(callback: () => void): () => void {
    this.disconnected.add(callback);
    return () => this.disconnected.delete(callback);
  }

  /** Runs before the connection is closed, so that its users can finish what they hold. */
  onClose(callback: () => void | Promise<void>): () => void {
    this.closers.add(callback);
    return () => this.closers.delete(callback);
  }

  /** Lets users finish, flushes what was sent, then closes. Safe to call twice. */
  async close(): Promise<void> {
    if (this.closing) return void (await this.nats.closed());
    this.closing = true;
    await Promise.allSettled([...this.closers].map(async (closer) => closer()));
    if (this.up) await Promise.race([this.nats.flush().catch(() => {}), new Promise((done) => setTimeout(done, 1_000).unref())]);
    await this.nats.close();
  }

  private async watch(): Promise<void> {
    void this.nats.closed().then((error) => {
      this.up = false;
      if (!this.closing) log.error('connection closed for good', { server: this.server, error });
    });
    for await (const status of this.nats.status()) {
      switch (status.type) {
        case 'disconnect':
          if (this.up && !this.closing) log.warn('connection lost, reconnecting', { server: this.server });
          this.up = false;
          for (const callback of this.disconnected) callback();
          break;
        case 'reconnect':
          this.up = true;
          log.info('connected again', { server: status.server });
          for (const callback of this.reconnected) callback();
          break;
        case 'staleConnection':
          log.warn('the server answers nothing, giving the connection up', { server: this.server });
          cut(this.nats);
          break;
        case 'error':
          log.warn('server reported an error', { server: this.server, error: status.error });
          break;
        case 'slowConsumer':
          log.warn('slow consumer', { pending: status.pending });
          break;
      }
    }
  }
}

/**
 * The client library (3.4.0) gives a silent connection up only when all it wrote to it is gone, and to a dead network, or a
 * server that stopped, that is never: until the system's own limit of a quarter of an hour all we do would go there.
 */
function cut(nats: NatsConnection): void {
  (nats as unknown as { protocol?: { transport?: { socket?: Socket } } }).protocol?.transport?.socket?.destroy();
}

/** The client library takes addresses and credentials apart; a log line must not show the latter. */
function parseUrl(text: string) {
  const urls = text.split(',').map((part) => new URL(part.includes('://') ? part.trim() : `nats://${part.trim()}`));
  const servers = urls.map((url) => `${url.hostname}:${url.port || 4222}`);
  const { username, password, protocol } = urls[0]!;
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
  return {
    servers, shown: servers.join(','),
    ...(pass ? { user, pass } : user ? { token: user } : {}),
    ...(protocol === 'tls:' ? { tls: {} } : {}),
  };
}
