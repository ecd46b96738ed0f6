/** Our own websocket protocol at `/v1/stream` and the official client SDK's at `/v3/wsconnect`, on the HTTP server this module's application listens with. */
import { Controller, Get, Inject, Module, Res, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { PARTICIPANT_COMMANDS } from '@parley/contracts/command-tokens';
import type { ParticipantCommands } from '@parley/contracts/commands';
import type { Principal } from '@parley/event-store/access-token';
import { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import type { LogTail } from '@parley/event-store/log-tail';
import type { Connection } from '@parley/messaging/connection';
import type { Config } from '@parley/runtime/config';
import { CONFIG, LOG_TAIL, NATS, POOL, REDIS } from '@parley/runtime/parts';
import { Presence } from '@parley/runtime/presence';
import type { Redis } from 'ioredis';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { attachRealtime, type Realtime } from './attach-realtime.js';
import { ClientGateway } from './client-sdk/client-gateway.js';
import { presenceLeaseMillis, realtimeLimits } from './limits.js';
import { RestUpstream } from './rest-upstream.js';
import { Signals } from './signals.js';
import { Welcome } from './welcome.js';

/** Of Fastify's reply, what is needed here. */
type Reply = { code(status: number): Reply; header(name: string, value: string): Reply; send(body: object): Reply };

@Controller(['v1/stream', 'v3/wsconnect'])
class StreamController {
  /** For those who come without an upgrade. */
  @Get()
  upgrade(@Res() reply: Reply): void {
    const body = { code: 20001, message: 'This is a websocket (docs/websocket.md, docs/client-sdk.md)', more_info: 'https://www.twilio.com/docs/errors/20001', status: 426 };
    void reply.code(426).header('Upgrade', 'websocket').send(body);
  }
}

@Module({ controllers: [StreamController] })
export class RealtimeGatewayModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private realtime: Realtime | undefined;
  private presence: Presence | undefined;
  private signals: Signals | undefined;
  private rest: RestUpstream | undefined;

  constructor(
    @Inject(HttpAdapterHost) private readonly http: HttpAdapterHost,
    @Inject(LOG_TAIL) private readonly tail: LogTail,
    @Inject(POOL) private readonly pool: Pool,
    @Inject(Accounts) private readonly accounts: Accounts,
    @Inject(REDIS) private readonly redis: Redis,
    @Inject(NATS) private readonly nats: Connection,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(PARTICIPANT_COMMANDS) private readonly participants: ParticipantCommands,
  ) {}

  onApplicationBootstrap(): void {
    const { tail, pool, accounts, redis } = this;
    const welcome = new Welcome(this.participants);
    const server = this.http.httpAdapter.getHttpServer() as Server;
    const greet = (member: Principal) => welcome.greet(member);
    const signals = (this.signals = new Signals(this.nats));
    const presence = (this.presence = new Presence(redis, (scope, identities) => signals.reachability(scope, identities), presenceLeaseMillis()));
    const rest = (this.rest = new RestUpstream(() => apiUrl(server)));
    const client = new ClientGateway({
      tail, pool, accounts, signals, rest, redis, presence, limits: realtimeLimits(), publicUrl: this.config.publicUrl, welcome: (member, missing) => welcome.greet(member, missing),
    });
    this.realtime = attachRealtime(server, { tail, pool, accounts, redis, presence, signals, rest, welcome: greet, client });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.realtime?.close();
    this.signals?.close();
    this.rest?.close();
    await this.presence?.stop();
  }
}

/** Where api-gateway listens: API_URL, or this very server when all services share it. */
function apiUrl(server: Server): string {
  const given = process.env['API_URL'];
  if (given) return given.replace(/\/+$/, '');
  const { address, port, family } = server.address() as AddressInfo;
  const everywhere: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };
  return `http://${everywhere[address] ?? (family === 'IPv6' ? `[${address}]` : address)}:${port}`;
}
