/** message-router as a process of its own: facts come over NATS, its commands and those it calls go over NATS. */
import { Module } from '@nestjs/common';
import { ROUTER_COMMANDS } from '@parley/contracts/command-tokens';
import { serve } from '@parley/messaging/command-server';
import type { Connection } from '@parley/messaging/connection';
import { bootstrap, run } from '@parley/runtime/bootstrap';
import { readConfig } from '@parley/runtime/config';
import { NATS, PartsModule } from '@parley/runtime/parts';
import { RemoteCommandsModule } from '@parley/runtime/remote-commands';
import { MessageRouterModule } from './app.module.js';

await run('message-router', async () => {
  const config = readConfig();
  @Module({ imports: [PartsModule.forRoot('bus', config), RemoteCommandsModule.of('conversation', 'participant', 'registry'), MessageRouterModule] })
  class Service {}
  await bootstrap(Service, {
    name: 'message-router', port: config.port, host: config.host,
    started: (app) => void serve(app.get<Connection>(NATS), 'router', app.get<object>(ROUTER_COMMANDS)),
  });
});
