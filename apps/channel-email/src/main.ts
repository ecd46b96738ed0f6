/** channel-email as a process of its own: jobs and commands go over NATS. */
import { Module } from '@nestjs/common';
import { bootstrap, run } from '@parley/runtime/bootstrap';
import { readConfig } from '@parley/runtime/config';
import { PartsModule } from '@parley/runtime/parts';
import { RemoteCommandsModule } from '@parley/runtime/remote-commands';
import { ChannelEmailModule } from './app.module.js';

await run('channel-email', async () => {
  const config = readConfig();
  @Module({ imports: [PartsModule.forRoot('none', config), RemoteCommandsModule.of('conversation', 'router'), ChannelEmailModule] })
  class Service {}
  await bootstrap(Service, { name: 'channel-email', port: config.port, host: config.host });
});
