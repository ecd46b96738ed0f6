/** The REST API: reads go to the read models directly, writes are one command each. */
import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Connections, CONNECTION_CHANGED } from '@parley/delivery/connections';
import { MessagingServices } from '@parley/delivery/messaging-services';
import { RoutingPolicies } from '@parley/delivery/routing-policies';
import { Senders } from '@parley/delivery/senders';
import { AccountRegistry } from '@parley/event-store/account-registry';
import { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import { SecretBox } from '@parley/event-store/secret-box';
import { configuredStorage } from '@parley/media/configured-storage';
import type { MediaStorage } from '@parley/media/media-storage';
import { MediaStore } from '@parley/media/media-store';
import { SignedUrls } from '@parley/media/signed-url';
import type { Config } from '@parley/runtime/config';
import type { Connection } from '@parley/messaging/connection';
import { CONFIG, NATS, POOL, REDIS } from '@parley/runtime/parts';
import { logger } from '@parley/telemetry/logger';
import { privateTargetsAllowed } from '@parley/webhooks/target-address';
import type { Redis } from 'ioredis';
import { AccountAccess } from './account-access.js';
import { AccountKeysController } from './account-keys.controller.js';
import { AccountsController } from './accounts.controller.js';
import { AddressesController } from './addresses.controller.js';
import { ApiKeysController } from './api-keys.controller.js';
import { AuthTokensController } from './auth-tokens.controller.js';
import { Authentication } from './authentication.js';
import { BindingRules } from './binding-rules.js';
import { BindingsController } from './bindings.controller.js';
import { CarrierConnectionsController } from './carrier-connections.controller.js';
import { ChannelMetadataController } from './channel-metadata.controller.js';
import { gatewayConfig, type GatewayConfig } from './config.js';
import { ConfigurationController } from './configuration.controller.js';
import { ContentController } from './content.controller.js';
import { ConversationLookup } from './conversation-lookup.js';
import { ConversationWebhooksController } from './conversation-webhooks.controller.js';
import { ConversationWithParticipantsController } from './conversation-with-participants.controller.js';
import { ConversationsController } from './conversations.controller.js';
import { CredentialsController } from './credentials.controller.js';
import { DevicesController } from './devices.controller.js';
import { MediaController } from './media.controller.js';
import { MessageContents } from './message-content.js';
import { MemberPermissions } from './member-permissions.js';
import { Hooks } from './hooks.js';
import { MessagesController } from './messages.controller.js';
import { MessagingServicesController } from './messaging-services.controller.js';
import { Once } from './once.js';
import { OptOutsController } from './opt-outs.controller.js';
import { ParticipantConversationsController } from './participant-conversations.controller.js';
import { ParticipantsController } from './participants.controller.js';
import { QueuesController } from './queues.controller.js';
import { RateLimit } from './rate-limit.js';
import { Reads } from './reads.js';
import { ReceiptsController } from './receipts.controller.js';
import { GoneServices } from './gone-services.js';
import { Repetitions } from './repetitions.js';
import { ServiceConfigurationController } from './service-configuration.controller.js';
import { RolesController } from './roles.controller.js';
import { RoutingPoliciesController } from './routing-policies.controller.js';
import { SendersController } from './senders.controller.js';
import { ServiceLookup } from './service-lookup.js';
import { ServicesController } from './services.controller.js';
import { GATEWAY_CONFIG, MEDIA_STORAGE } from './tokens.js';
import { UserConversationsController } from './user-conversations.controller.js';
import { UserLookup } from './user-lookup.js';
import { UsersController } from './users.controller.js';
import { WebhookConfigurationController } from './webhook-configuration.controller.js';
import { WebhookTargets } from './webhook-targets.js';

@Module({
  controllers: [
    AccountsController, AccountKeysController, AuthTokensController, ApiKeysController,
    UsersController, UserConversationsController, ParticipantConversationsController, RolesController,
    ConversationsController, ConversationWithParticipantsController, MessagesController, ChannelMetadataController, MediaController, ContentController, ParticipantsController, ReceiptsController, AddressesController,
    ConfigurationController, ServicesController, ServiceConfigurationController, CredentialsController, BindingsController, DevicesController, WebhookConfigurationController, ConversationWebhooksController,
    CarrierConnectionsController, SendersController, MessagingServicesController, OptOutsController, QueuesController, RoutingPoliciesController,
  ],
  providers: [
    AccountAccess, Authentication, BindingRules, MessageContents, ConversationLookup, GoneServices, Repetitions, ServiceLookup, UserLookup, MemberPermissions, WebhookTargets, Hooks, Once,
    {
      provide: Connections, inject: [POOL, SecretBox, NATS],
      useFactory: (pool: Pool, box: SecretBox, { nats }: Connection) => new Connections({
        pool, box, privateAllowed: privateTargetsAllowed(), tell: (sid) => tell(() => nats.publish(CONNECTION_CHANGED, sid)),
      }),
    },
    { provide: RoutingPolicies, inject: [POOL], useFactory: (pool: Pool) => new RoutingPolicies(pool) },
    { provide: Senders, inject: [POOL], useFactory: (pool: Pool) => new Senders(pool) },
    { provide: MessagingServices, inject: [POOL], useFactory: (pool: Pool) => new MessagingServices(pool) },
    {
      provide: AccountRegistry, inject: [POOL, SecretBox, Accounts],
      useFactory: (pool: Pool, box: SecretBox, accounts: Accounts) => new AccountRegistry(pool, box, accounts),
    },
    { provide: GATEWAY_CONFIG, inject: [CONFIG], useFactory: (config: Config) => gatewayConfig(config) },
    { provide: MEDIA_STORAGE, useFactory: () => configuredStorage() },
    {
      provide: MediaStore, inject: [POOL, MEDIA_STORAGE, GATEWAY_CONFIG],
      useFactory: (pool: Pool, storage: MediaStorage, config: GatewayConfig) => new MediaStore(pool, storage, config.mediaUnattachedSeconds),
    },
    { provide: SignedUrls, inject: [CONFIG], useFactory: ({ publicUrl, kek }: Config) => new SignedUrls(publicUrl, kek) },
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

/** Who misses it learns of the change all the same, a little later. */
function tell(publish: () => void): void {
  try {
    publish();
  } catch (error) {
    logger('api-gateway').debug('a change of a connection is not told', { error });
  }
}
