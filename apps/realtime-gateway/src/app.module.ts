/** Our own websocket protocol at `/v1/stream`, on the HTTP server this module's application listens with. */
import { Controller, Get, Inject, Module, Res, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { PARTICIPANT_COMMANDS } from '@parley/contracts/command-tokens';
import type { ParticipantCommands } from '@parley/contracts/commands';
import { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import type { LogTail } from '@parley/event-store/log-tail';
import { LOG_TAIL, POOL, REDIS } from '@parley/runtime/parts';
import { Presence } from '@parley/runtime/presence';
import type { Redis } from 'ioredis';
import type { Server } from 'node:http';
import { attachRealtime, type Realtime } from './attach-realtime.js';
import { Welcome } from './welcome.js';

/** Of Fastify's reply, what is needed here. */
type Reply = { code(status: number): Reply; header(name: string, value: string): Reply; send(body: object): Reply };

@Controller('v1/stream')
class StreamController {
  /** For those who come without an upgrade. */
  @Get()
  upgrade(@Res() reply: Reply): void {
    const body = { code: 20001, message: 'This is a websocket (docs/websocket.md)', more_info: 'https://www.twilio.com/docs/errors/20001', status: 426 };
    void reply.code(426).header('Upgrade', 'websocket').send(body);
  }
}

@Module({ controllers: [StreamController] })
export class RealtimeGatewayModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private realtime: Realtime | undefined;
  private presence: Presence | undefined;

  constructor(
    @Inject(HttpAdapterHost) private readonly http: HttpAdapterHost,
    @Inject(LOG_TAIL) private readonly tail: LogTail,
    @Inject(POOL) private readonly pool: Pool,
    @Inject(Accounts) private readonly accounts: Accounts,
    @Inject(REDIS) private readonly redis: Redis,
    @Inject(PARTICIPANT_COMMANDS) private readonly participants: ParticipantCommands,
  ) {}

  onApplicationBootstrap(): void {
    const { tail, pool, accounts } = this;
    const presence = (this.presence = new Presence(this.redis));
    const welcome = new Welcome(this.participants);
    this.realtime = attachRealtime(this.http.httpAdapter.getHttpServer() as Server, {
      tail, pool, accounts, presence, welcome: (member) => welcome.greet(member),
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.realtime?.close();
    await this.presence?.stop();
  }
}
