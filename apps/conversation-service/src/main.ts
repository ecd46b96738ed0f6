/** conversation-service as a process of its own: commands over NATS. */
import { Module } from '@nestjs/common';
import { CONVERSATION_COMMANDS } from '@parley/contracts/command-tokens';
import { serve } from '@parley/messaging/command-server';
import type { Connection } from '@parley/messaging/connection';
import { bootstrap, run } from '@parley/runtime/bootstrap';
import { readConfig } from '@parley/runtime/config';
import { NATS, PartsModule } from '@parley/runtime/parts';
import { RemoteCommandsModule } from '@parley/runtime/remote-commands';
import { ConversationServiceModule } from './app.module.js';

await run('conversation-service', async () => {
  const config = readConfig();
  @Module({ imports: [PartsModule.forRoot('ringing', config), RemoteCommandsModule.of('participant', 'registry'), ConversationServiceModule] })
  class Service {}
  await bootstrap(Service, {
    name: 'conversation-service', port: config.port, host: config.host,
    started: (app) => void serve(app.get<Connection>(NATS), 'conversation', app.get<object>(CONVERSATION_COMMANDS)),
  });
});
