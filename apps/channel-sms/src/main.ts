/** channel-sms as a process of its own: jobs and commands go over NATS, webhooks come in by HTTP. */
import { Module } from '@nestjs/common';
import { bootstrap, run } from '@parley/runtime/bootstrap';
import { readConfig } from '@parley/runtime/config';
import { PartsModule } from '@parley/runtime/parts';
import { RemoteCommandsModule } from '@parley/runtime/remote-commands';
import { ChannelSmsModule } from './app.module.js';

await run('channel-sms', async () => {
  const config = readConfig();
  @Module({ imports: [PartsModule.forRoot('none', config), RemoteCommandsModule.of('conversation', 'router'), ChannelSmsModule] })
  class Service {}
  await bootstrap(Service, { name: 'channel-sms', port: config.port, host: config.host });
});
