/**
 * api-gateway as a process of its own: commands go over NATS, and so that one public URL serves everything, what carriers,
 * the simulator's users and websocket clients ask for is passed on to the processes that have it.
 */
import proxy from '@fastify/http-proxy';
import { Module } from '@nestjs/common';
import { bootstrap, run, type Fastify } from '@parley/runtime/bootstrap';
import { readConfig } from '@parley/runtime/config';
import { PartsModule } from '@parley/runtime/parts';
import { RemoteCommandsModule } from '@parley/runtime/remote-commands';
import type { FastifyRequest } from 'fastify';
import { ApiGatewayModule } from './app.module.js';
import { configureGateway } from './configure-gateway.js';

/** Bodies go on as they came: signatures are over them. */
const passOn = async (fastify: Fastify, prefix: string, upstream: string | undefined) => {
  if (!upstream) return;
  await fastify.register(async (scope) => {
    scope.removeContentTypeParser('application/x-www-form-urlencoded');
    await scope.register(proxy, { upstream, prefix, rewritePrefix: prefix });
  });
};

/** The proxy would keep the credentials to itself; its types do not know this option. */
const withCredentials = {
  rewriteRequestHeaders: (headers: object, { headers: { authorization } }: FastifyRequest) => ({ ...headers, ...(authorization && { authorization }) }),
} as object;
const passOnWebsocket = async (fastify: Fastify, prefix: string, upstream: string | undefined) => {
  if (upstream) await fastify.register(proxy, { upstream, prefix, rewritePrefix: prefix, websocket: true, wsClientOptions: withCredentials });
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
      await passOnWebsocket(fastify, '/v1/stream', process.env['REALTIME_URL']);
    },
  });
});
