/** WhatsApp: deliveries out, webhooks in. What Twilio tells about WhatsApp comes in by the webhooks of channel-sms. */
import { Module } from '@nestjs/common';
import { ChannelModule } from '@parley/runtime/channel-module';

@Module({ imports: [ChannelModule.of('whatsapp')] })
export class ChannelWhatsappModule {}
