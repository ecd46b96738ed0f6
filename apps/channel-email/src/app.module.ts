/** Email: deliveries out, mail in by webhooks, from mailboxes and by listeners of our own. */
import { Module } from '@nestjs/common';
import { ChannelModule } from '@parley/runtime/channel-module';

@Module({ imports: [ChannelModule.of('email')] })
export class ChannelEmailModule {}
