/** Messenger: deliveries out, webhooks in. */
import { Module } from '@nestjs/common';
import { ChannelModule } from '@parley/runtime/channel-module';

@Module({ imports: [ChannelModule.of('messenger')] })
export class ChannelMessengerModule {}
