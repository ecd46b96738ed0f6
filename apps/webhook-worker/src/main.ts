/** webhook-worker as a process of its own: facts come over NATS, jobs lie in Postgres. */
import { Module } from '@nestjs/common';
import { bootstrap, run } from '@parley/runtime/bootstrap';
import { readConfig } from '@parley/runtime/config';
import { PartsModule } from '@parley/runtime/parts';
import { WebhookWorkerModule } from './app.module.js';

await run('webhook-worker', async () => {
  const config = readConfig();
  @Module({ imports: [PartsModule.forRoot('bus', config), WebhookWorkerModule] })
  class Service {}
  await bootstrap(Service, { name: 'webhook-worker', port: config.port, host: config.host });
});
