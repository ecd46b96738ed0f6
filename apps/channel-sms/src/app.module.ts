/** SMS and MMS: deliveries out, webhooks in. WhatsApp through Twilio comes in by the same webhooks. */
import { Module } from '@nestjs/common';
import { ChannelModule } from '@parley/runtime/channel-module';

@Module({ imports: [ChannelModule.of('sms')] })
export class ChannelSmsModule {}
