/** retention-worker as a process of its own: facts come over NATS, the commands it calls go over NATS. */
import { Module } from '@nestjs/common';
import { bootstrap, run } from '@parley/runtime/bootstrap';
import { readConfig } from '@parley/runtime/config';
import { PartsModule } from '@parley/runtime/parts';
import { RemoteCommandsModule } from '@parley/runtime/remote-commands';
import { RetentionWorkerModule } from './app.module.js';

await run('retention-worker', async () => {
  const config = readConfig();
  @Module({ imports: [PartsModule.forRoot('bus', config), RemoteCommandsModule.of('conversation'), RetentionWorkerModule] })
  class Service {}
  await bootstrap(Service, { name: 'retention-worker', port: config.port, host: config.host });
});
