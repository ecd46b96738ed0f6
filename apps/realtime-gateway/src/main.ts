/** realtime-gateway as a process of its own: facts come over NATS, the past from Postgres. */
import { Module } from '@nestjs/common';
import { bootstrap, run } from '@parley/runtime/bootstrap';
import { readConfig } from '@parley/runtime/config';
import { PartsModule } from '@parley/runtime/parts';
import { RemoteCommandsModule } from '@parley/runtime/remote-commands';
import { RealtimeGatewayModule } from './app.module.js';

await run('realtime-gateway', async () => {
  const config = readConfig();
  @Module({ imports: [PartsModule.forRoot('bus', config), RemoteCommandsModule.of('participant'), RealtimeGatewayModule] })
  class Service {}
  await bootstrap(Service, { name: 'realtime-gateway', port: config.port, host: config.host });
});
