/** Every service in one process: commands are calls, facts reach their consumers without a hop. */
import { Module } from '@nestjs/common';
import { ApiGatewayModule } from '@parley/api-gateway/app.module';
import { configureGateway } from '@parley/api-gateway/configure-gateway';
import { CarrierSimulatorModule } from '@parley/carrier-simulator/app.module';
import { ChannelEmailModule } from '@parley/channel-email/app.module';
import { ChannelMessengerModule } from '@parley/channel-messenger/app.module';
import { ChannelSmsModule } from '@parley/channel-sms/app.module';
import { ChannelWhatsappModule } from '@parley/channel-whatsapp/app.module';
import { ConversationServiceModule } from '@parley/conversation-service/app.module';
import { MessageRouterModule } from '@parley/message-router/app.module';
import { ParticipantServiceModule } from '@parley/participant-service/app.module';
import { PushWorkerModule } from '@parley/push-worker/app.module';
import { RealtimeGatewayModule } from '@parley/realtime-gateway/app.module';
import { RetentionWorkerModule } from '@parley/retention-worker/app.module';
import { WebhookWorkerModule } from '@parley/webhook-worker/app.module';
import { bootstrap, run } from '@parley/runtime/bootstrap';
import { readConfig } from '@parley/runtime/config';
import { PartsModule } from '@parley/runtime/parts';

await run('parley', async () => {
  const config = readConfig();
  @Module({
    imports: [
      PartsModule.forRoot('local', config), ConversationServiceModule, ParticipantServiceModule, MessageRouterModule, WebhookWorkerModule, PushWorkerModule,
      ChannelSmsModule, ChannelWhatsappModule, ChannelEmailModule, ChannelMessengerModule, CarrierSimulatorModule, ApiGatewayModule, RealtimeGatewayModule, RetentionWorkerModule,
    ],
  })
  class Parley {}
  await bootstrap(Parley, { name: 'parley', port: config.port, host: config.host, configure: configureGateway });
});
