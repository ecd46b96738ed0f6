/** WhatsApp: deliveries out. What Twilio tells about WhatsApp comes in by the webhooks of channel-sms. */
import { Inject, Module, type BeforeApplicationShutdown, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { CONVERSATION_COMMANDS } from '@parley/contracts/command-tokens';
import type { ConversationCommands } from '@parley/contracts/commands';
import { Carriers, SIMULATOR } from '@parley/delivery/carriers';
import { DeliveryWorker } from '@parley/delivery/delivery-worker';
import { createWorkPool, WORK_POOL } from '@parley/delivery/work-pool';
import { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import { SecretBox } from '@parley/event-store/secret-box';
import { CARRIER_LINK_SECONDS, SignedUrls } from '@parley/media/signed-url';
import type { Connection } from '@parley/messaging/connection';
import type { Config } from '@parley/runtime/config';
import { CONFIG, NATS } from '@parley/runtime/parts';
import { SimulatorWhatsapp } from './carriers/simulator/simulator-whatsapp.adapter.js';
import { TwilioWhatsapp } from './carriers/twilio/twilio-whatsapp.adapter.js';
import { channelConfig } from './config.js';

@Module({
  providers: [
    { provide: WORK_POOL, inject: [CONFIG], useFactory: ({ databaseUrl }: Config) => createWorkPool(databaseUrl) },
    {
      provide: DeliveryWorker,
      inject: [CONFIG, WORK_POOL, NATS, Accounts, SecretBox, CONVERSATION_COMMANDS],
      useFactory(config: Config, pool: Pool, nats: Connection, accounts: Accounts, box: SecretBox, conversations: ConversationCommands) {
        const { simulatorUrl, twilioUrl, carrierTimeoutMillis: timeoutMillis, senderConcurrency: concurrency, unanswered } = channelConfig(config);
        const types = {
          [SIMULATOR]: { adapter: SimulatorWhatsapp, baseUrl: simulatorUrl }, twilio: { adapter: TwilioWhatsapp, baseUrl: twilioUrl },
        };
        const urls = new SignedUrls(config.publicUrl, config.kek);
        return new DeliveryWorker({
          channel: 'whatsapp', pool, nats, owner: config.instance, carriers: new Carriers(types, config.publicUrl, accounts, pool, box),
          conversations, timeoutMillis, concurrency, unanswered, files: { urlOf: (sid) => urls.urlOf(sid, CARRIER_LINK_SECONDS) },
        });
      },
    },
  ],
})
export class ChannelWhatsappModule implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    @Inject(DeliveryWorker) private readonly worker: DeliveryWorker,
    @Inject(WORK_POOL) private readonly workPool: Pool,
  ) {}

  onApplicationBootstrap(): Promise<void> {
    return this.worker.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.worker.stop();
  }

  onApplicationShutdown(): Promise<void> {
    return this.workPool.end();
  }
}
