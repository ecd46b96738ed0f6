/** carrier-simulator as a process of its own; it knows Parley by HTTP only, like any carrier. */
import { Module } from '@nestjs/common';
import { bootstrap, run } from '@parley/runtime/bootstrap';
import { readConfig } from '@parley/runtime/config';
import { PartsModule } from '@parley/runtime/parts';
import { CarrierSimulatorModule } from './app.module.js';

await run('carrier-simulator', async () => {
  const config = readConfig();
  @Module({ imports: [PartsModule.forRoot('none', config), CarrierSimulatorModule] })
  class Service {}
  await bootstrap(Service, { name: 'carrier-simulator', port: config.port, host: config.host });
});
