/** participant-service as a process of its own: commands over NATS. */
import { Module } from '@nestjs/common';
import { PARTICIPANT_COMMANDS, REGISTRY_COMMANDS } from '@parley/contracts/command-tokens';
import { serve } from '@parley/messaging/command-server';
import type { Connection } from '@parley/messaging/connection';
import { bootstrap, run } from '@parley/runtime/bootstrap';
import { readConfig } from '@parley/runtime/config';
import { NATS, PartsModule } from '@parley/runtime/parts';
import { ParticipantServiceModule } from './app.module.js';

await run('participant-service', async () => {
  const config = readConfig();
  @Module({ imports: [PartsModule.forRoot('none', config), ParticipantServiceModule] })
  class Service {}
  await bootstrap(Service, {
    name: 'participant-service', port: config.port, host: config.host,
    started(app) {
      const nats = app.get<Connection>(NATS);
      void serve(nats, 'participant', app.get<object>(PARTICIPANT_COMMANDS));
      void serve(nats, 'registry', app.get<object>(REGISTRY_COMMANDS));
    },
  });
});
