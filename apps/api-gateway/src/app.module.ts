/** The REST API: reads go to the read models directly, writes are one command each. */
import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Config } from '@parley/runtime/config';
import { CONFIG, REDIS } from '@parley/runtime/parts';
import type { Redis } from 'ioredis';
import { AddressesController } from './addresses.controller.js';
import { Authentication } from './authentication.js';
import { BindingRules } from './binding-rules.js';
import { BindingsController } from './bindings.controller.js';
import { gatewayConfig, type GatewayConfig } from './config.js';
import { ConfigurationController } from './configuration.controller.js';
import { ConversationLookup } from './conversation-lookup.js';
import { ConversationWebhooksController } from './conversation-webhooks.controller.js';
import { ConversationsController } from './conversations.controller.js';
import { CredentialsController } from './credentials.controller.js';
import { MessagesController } from './messages.controller.js';
import { ParticipantConversationsController } from './participant-conversations.controller.js';
import { ParticipantsController } from './participants.controller.js';
import { RateLimit } from './rate-limit.js';
import { Reads } from './reads.js';
import { ReceiptsController } from './receipts.controller.js';
import { Repetitions } from './repetitions.js';
import { ServiceConfigurationController } from './service-configuration.controller.js';
import { RolesController } from './roles.controller.js';
import { ServiceLookup } from './service-lookup.js';
import { ServicesController } from './services.controller.js';
import { GATEWAY_CONFIG } from './tokens.js';
import { UserConversationsController } from './user-conversations.controller.js';
import { UserLookup } from './user-lookup.js';
import { UsersController } from './users.controller.js';
import { WebhookConfigurationController } from './webhook-configuration.controller.js';
import { WebhookTargets } from './webhook-targets.js';

@Module({
  controllers: [
    UsersController, UserConversationsController, ParticipantConversationsController, RolesController,
    ConversationsController, MessagesController, ParticipantsController, ReceiptsController, AddressesController,
    ConfigurationController, ServicesController, ServiceConfigurationController, CredentialsController, BindingsController, WebhookConfigurationController, ConversationWebhooksController,
  ],
  providers: [
    Authentication, BindingRules, ConversationLookup, Repetitions, ServiceLookup, UserLookup, WebhookTargets,
    { provide: GATEWAY_CONFIG, inject: [CONFIG], useFactory: (config: Config) => gatewayConfig(config) },
    { provide: Reads, inject: [GATEWAY_CONFIG], useFactory: (config: GatewayConfig) => new Reads(config) },
    {
      provide: RateLimit, inject: [GATEWAY_CONFIG, REDIS],
      useFactory: ({ rateLimitRps }: GatewayConfig, redis: Redis) => new RateLimit(rateLimitRps, redis),
    },
  ],
})
export class ApiGatewayModule implements OnApplicationShutdown {
  constructor(@Inject(Reads) private readonly reads: Reads) {}

  async onApplicationShutdown(): Promise<void> {
    await this.reads.end();
  }
}
