/** A channel app as a Nest module: its ChannelService, started and stopped with the app, and the routes of its webhooks. */
import { Inject, Module, type BeforeApplicationShutdown, type DynamicModule, type OnApplicationBootstrap, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { CarrierChannel } from '@parley/channel/inbound-event';
import { CONVERSATION_COMMANDS, ROUTER_COMMANDS } from '@parley/contracts/command-tokens';
import type { ConversationCommands, RouterCommands } from '@parley/contracts/commands';
import { carriersOf, ChannelService } from '@parley/delivery/channel-service';
import { webhookRoutes } from '@parley/delivery/webhook-routes';
import { createWorkPool, WORK_POOL } from '@parley/delivery/work-pool';
import { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import { SecretBox } from '@parley/event-store/secret-box';
import { configuredStorage } from '@parley/media/configured-storage';
import { mediaKey } from '@parley/media/media-storage';
import { CARRIER_LINK_SECONDS, SignedUrls } from '@parley/media/signed-url';
import type { Connection } from '@parley/messaging/connection';
import { privateTargetsAllowed } from '@parley/webhooks/target-address';
import type { FastifyInstance } from 'fastify';
import type { Redis } from 'ioredis';
import { channelConfig } from './channel-config.js';
import type { Config } from './config.js';
import { CONFIG, NATS, REDIS } from './parts.js';

const CHANNEL = Symbol('Channel');

@Module({})
export class ChannelModule implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    @Inject(CHANNEL) private readonly channel: CarrierChannel,
    @Inject(ChannelService) private readonly service: ChannelService,
    @Inject(WORK_POOL) private readonly workPool: Pool,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(HttpAdapterHost) private readonly http: HttpAdapterHost,
  ) {}

  /** To be imported by the app's own module, once for each channel. */
  static of(channel: CarrierChannel): DynamicModule {
    // A class of its own: in one process every channel has its module.
    @Module({})
    class OneChannelModule extends ChannelModule {}
    return {
      module: OneChannelModule,
      providers: [
        { provide: CHANNEL, useValue: channel },
        { provide: WORK_POOL, inject: [CONFIG], useFactory: ({ databaseUrl }: Config) => createWorkPool(databaseUrl) },
        {
          provide: ChannelService,
          inject: [CONFIG, WORK_POOL, NATS, REDIS, Accounts, SecretBox, CONVERSATION_COMMANDS, ROUTER_COMMANDS],
          useFactory(config: Config, pool: Pool, nats: Connection, redis: Redis, accounts: Accounts, box: SecretBox, conversations: ConversationCommands, router: RouterCommands) {
            const urls = new SignedUrls(config.publicUrl, config.kek);
            const storage = configuredStorage();
            const { webhookBytesMax: _, ...settings } = channelConfig(config);
            return new ChannelService({
              channel, pool, nats, redis, accounts, box, storage, conversations, router, instance: config.instance, publicUrl: config.publicUrl, ...settings,
              privateAllowed: privateTargetsAllowed(),
              files: {
                urlOf: (sid) => urls.urlOf(sid, CARRIER_LINK_SECONDS),
                open: (account, sid) => () => storage.read(mediaKey(account, sid)),
              },
            });
          },
        },
      ],
      exports: [ChannelService],
    };
  }

  onModuleInit(): void {
    webhookRoutes(this.http.httpAdapter.getInstance<FastifyInstance>(), {
      service: this.service, carriers: carriersOf(this.channel), publicUrl: this.config.publicUrl, bytesMax: channelConfig(this.config).webhookBytesMax,
    });
  }

  onApplicationBootstrap(): Promise<void> {
    return this.service.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.service.stop();
  }

  onApplicationShutdown(): Promise<void> {
    return this.workPool.end();
  }
}
