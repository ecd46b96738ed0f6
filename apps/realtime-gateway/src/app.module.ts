/** Our own websocket protocol at `/v1/stream`, on the HTTP server this module's application listens with. */
import { Controller, Get, Inject, Module, Res, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import type { LogTail } from '@parley/event-store/log-tail';
import { LOG_TAIL, POOL } from '@parley/runtime/parts';
import type { Server } from 'node:http';
import { attachRealtime, type Realtime } from './attach-realtime.js';

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

  constructor(
    @Inject(HttpAdapterHost) private readonly http: HttpAdapterHost,
    @Inject(LOG_TAIL) private readonly tail: LogTail,
    @Inject(POOL) private readonly pool: Pool,
    @Inject(Accounts) private readonly accounts: Accounts,
  ) {}

  onApplicationBootstrap(): void {
    const { tail, pool, accounts } = this;
    this.realtime = attachRealtime(this.http.httpAdapter.getHttpServer() as Server, { tail, pool, accounts });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.realtime?.close();
  }
}
