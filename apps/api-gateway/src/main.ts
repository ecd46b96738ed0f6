/**
 * api-gateway as a process of its own: commands go over NATS, and so that one public URL serves everything, what carriers,
 * the simulator's users and websocket clients ask for is passed on to the processes that have it.
 */
import { Module } from '@nestjs/common';
import { carriers } from '@parley/channel/carriers/catalogue';
import { bootstrap, run } from '@parley/runtime/bootstrap';
import { ConfigError, readConfig } from '@parley/runtime/config';
import { PartsModule } from '@parley/runtime/parts';
import { RemoteCommandsModule } from '@parley/runtime/remote-commands';
import { ApiGatewayModule } from './app.module.js';
import { configureGateway } from './configure-gateway.js';
import { passOn } from './pass-on.js';
import { pipeStream } from './stream-pipe.js';

await run('api-gateway', async () => {
  const config = readConfig();
  @Module({ imports: [PartsModule.forRoot('none', config), RemoteCommandsModule.of('conversation', 'participant', 'registry'), ApiGatewayModule] })
  class Service {}
  await bootstrap(Service, {
    name: 'api-gateway', port: config.port, host: config.host,
    async configure(fastify, app) {
      configureGateway(fastify, app);
      // The app of a carrier's first channel takes its webhooks; who is no carrier is told so by the oldest of them.
      for (const { name, channels } of carriers) await passOn(fastify, `/webhooks/${name}`, process.env[`CHANNEL_${channels[0].toUpperCase()}_URL`]);
      await passOn(fastify, '/webhooks', process.env['CHANNEL_SMS_URL']);
      await passOn(fastify, '/simulator', process.env['SIMULATOR_URL']);
      const realtime = process.env['REALTIME_URL'];
      if (!realtime) return;
      if (!URL.canParse(realtime) || new URL(realtime).protocol !== 'http:') throw new ConfigError('REALTIME_URL must be http://host:port');
      const stream = pipeStream(fastify.server, new URL(realtime));
      fastify.addHook('preClose', async () => stream.close());
    },
  });
});
