/** push-worker as a process of its own: facts come over NATS, jobs lie in Postgres, devices that are gone are removed over NATS. */
import { Module } from '@nestjs/common';
import { bootstrap, run } from '@parley/runtime/bootstrap';
import { readConfig } from '@parley/runtime/config';
import { PartsModule } from '@parley/runtime/parts';
import { RemoteCommandsModule } from '@parley/runtime/remote-commands';
import { PushWorkerModule } from './app.module.js';

await run('push-worker', async () => {
  const config = readConfig();
  @Module({ imports: [PartsModule.forRoot('bus', config), RemoteCommandsModule.of('registry'), PushWorkerModule] })
  class Service {}
  await bootstrap(Service, { name: 'push-worker', port: config.port, host: config.host });
});
