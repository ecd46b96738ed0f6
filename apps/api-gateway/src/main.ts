/**
 * api-gateway as a process of its own: commands go over NATS, and so that one public URL serves everything, what carriers
 * and the simulator's users call is passed on to the processes that have it.
 */
import proxy from '@fastify/http-proxy';
import { Module } from '@nestjs/common';
import { bootstrap, run, type Fastify } from '@parley/runtime/bootstrap';
import { readConfig } from '@parley/runtime/config';
import { PartsModule } from '@parley/runtime/parts';
import { RemoteCommandsModule } from '@parley/runtime/remote-commands';
import { ApiGatewayModule } from './app.module.js';
import { configureGateway } from './configure-gateway.js';

const passOn = async (fastify: Fastify, prefix: string, upstream: string | undefined) => {
  if (upstream) await fastify.register(proxy, { upstream, prefix, rewritePrefix: prefix });
};

await run('api-gateway', async () => {
  const config = readConfig();
  @Module({ imports: [PartsModule.forRoot('none', config), RemoteCommandsModule.of('conversation', 'participant'), ApiGatewayModule] })
  class Service {}
  await bootstrap(Service, {
    name: 'api-gateway', port: config.port, host: config.host,
    async configure(fastify, app) {
      configureGateway(fastify, app);
      await passOn(fastify, '/webhooks', process.env['CHANNEL_SMS_URL']);
      await passOn(fastify, '/simulator', process.env['SIMULATOR_URL']);
    },
  });
});
