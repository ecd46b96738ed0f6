/** SMS and MMS: deliveries out, webhooks in. WhatsApp through Twilio comes in by the same webhooks. */
import { Inject, Module, type BeforeApplicationShutdown, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { CONVERSATION_COMMANDS, ROUTER_COMMANDS } from '@parley/contracts/command-tokens';
import type { ConversationCommands, RouterCommands } from '@parley/contracts/commands';
import { Carriers, SIMULATOR } from '@parley/delivery/carriers';
import { DeliveryWorker } from '@parley/delivery/delivery-worker';
import { Inbox } from '@parley/delivery/inbox';
import { InboxStore } from '@parley/delivery/inbox-store';
import { Receipts } from '@parley/delivery/receipts';
import { createWorkPool, WORK_POOL } from '@parley/delivery/work-pool';
import { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import { SecretBox } from '@parley/event-store/secret-box';
import { configuredStorage } from '@parley/media/configured-storage';
import { CARRIER_LINK_SECONDS, SignedUrls } from '@parley/media/signed-url';
import type { Connection } from '@parley/messaging/connection';
import type { Config } from '@parley/runtime/config';
import { CONFIG, NATS } from '@parley/runtime/parts';
import { privateTargetsAllowed } from '@parley/webhooks/target-address';
import { SimulatorSms } from './carriers/simulator/simulator-sms.adapter.js';
import { TwilioSms } from './carriers/twilio/twilio-sms.adapter.js';
import { channelConfig } from './config.js';
import { InboundMedia } from './inbound-media.js';
import { InboundEvents } from './inbound-events.js';
import { TwilioWebhooksController } from './twilio-webhooks.controller.js';

@Module({
  controllers: [TwilioWebhooksController],
  providers: [
    { provide: WORK_POOL, inject: [CONFIG], useFactory: ({ databaseUrl }: Config) => createWorkPool(databaseUrl) },
    {
      provide: Carriers,
      inject: [CONFIG, WORK_POOL, Accounts, SecretBox],
      useFactory(config: Config, pool: Pool, accounts: Accounts, box: SecretBox) {
        const { simulatorUrl, twilioUrl } = channelConfig(config);
        const types = { [SIMULATOR]: { adapter: SimulatorSms, baseUrl: simulatorUrl }, twilio: { adapter: TwilioSms, baseUrl: twilioUrl } };
        return new Carriers(types, config.publicUrl, accounts, pool, box);
      },
    },
    {
      provide: DeliveryWorker,
      inject: [CONFIG, WORK_POOL, NATS, Carriers, CONVERSATION_COMMANDS],
      useFactory(config: Config, pool: Pool, nats: Connection, carriers: Carriers, conversations: ConversationCommands) {
        const { carrierTimeoutMillis: timeoutMillis, senderConcurrency: concurrency, unanswered } = channelConfig(config);
        const urls = new SignedUrls(config.publicUrl, config.kek);
        return new DeliveryWorker({
          channel: 'sms', pool, nats, owner: config.instance, carriers, conversations, timeoutMillis, concurrency, unanswered,
          files: { urlOf: (sid) => urls.urlOf(sid, CARRIER_LINK_SECONDS) },
        });
      },
    },
    {
      provide: InboundMedia,
      inject: [CONFIG, WORK_POOL, Carriers],
      useFactory: (config: Config, pool: Pool, carriers: Carriers) => new InboundMedia(
        pool, configuredStorage(), carriers, { bytesMax: channelConfig(config).inboundMediaBytesMax, privateAllowed: privateTargetsAllowed() },
      ),
    },
    {
      provide: Inbox,
      inject: [CONFIG, WORK_POOL, ROUTER_COMMANDS, CONVERSATION_COMMANDS],
      useFactory: (config: Config, pool: Pool, router: RouterCommands, conversations: ConversationCommands) =>
        new Inbox(new InboxStore(pool, config.instance), new InboundEvents(pool, router, new Receipts(pool, conversations))),
    },
  ],
})
export class ChannelSmsModule implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    @Inject(DeliveryWorker) private readonly worker: DeliveryWorker,
    @Inject(Inbox) private readonly inbox: Inbox,
    @Inject(InboundMedia) private readonly media: InboundMedia,
    @Inject(WORK_POOL) private readonly workPool: Pool,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.media.start();
    await Promise.all([this.worker.start(), this.inbox.start()]);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.worker.stop(), this.inbox.stop(), this.media.stop()]);
  }

  onApplicationShutdown(): Promise<void> {
    return this.workPool.end();
  }
}
