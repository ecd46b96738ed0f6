/** The built-in simulator carrier: Twilio's Messaging API towards Parley, handsets towards whoever tries things out. */
import { Inject, Module, type BeforeApplicationShutdown, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { createWorkPool, WORK_POOL } from '@parley/delivery/work-pool';
import { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import type { Config } from '@parley/runtime/config';
import { CONFIG } from '@parley/runtime/parts';
import { logger } from '@parley/telemetry/logger';
import { Callbacks } from './callbacks.js';
import { Callers } from './callers.js';
import { simulatorConfig, type SimulatorConfig } from './config.js';
import { HandsetsController } from './handsets.controller.js';
import { MessagesApiController } from './messages-api.controller.js';
import { SimulatorStore } from './simulator-store.js';
import { SIMULATOR_CONFIG } from './tokens.js';

const RETENTION_MILLIS = 600_000;
const log = logger('simulator');

@Module({
  controllers: [MessagesApiController, HandsetsController],
  providers: [
    { provide: WORK_POOL, inject: [CONFIG], useFactory: ({ databaseUrl }: Config) => createWorkPool(databaseUrl) },
    { provide: SIMULATOR_CONFIG, inject: [CONFIG], useFactory: (config: Config) => simulatorConfig(config) },
    { provide: Callers, inject: [Accounts], useFactory: (accounts: Accounts) => new Callers(accounts) },
    { provide: Callbacks, inject: [WORK_POOL, Accounts], useFactory: (pool: Pool, accounts: Accounts) => new Callbacks(pool, accounts) },
    {
      provide: SimulatorStore, inject: [WORK_POOL, SIMULATOR_CONFIG],
      useFactory: (pool: Pool, { webhooksUrl }: SimulatorConfig) => new SimulatorStore(pool, `${webhooksUrl}twilio/sms`),
    },
  ],
})
export class CarrierSimulatorModule implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  private retention: NodeJS.Timeout | undefined;

  constructor(
    @Inject(Callbacks) private readonly callbacks: Callbacks,
    @Inject(SimulatorStore) private readonly store: SimulatorStore,
    @Inject(WORK_POOL) private readonly workPool: Pool,
  ) {}

  onApplicationBootstrap(): void {
    this.callbacks.lookIn(0);
    this.retention = setInterval(() => void this.removeOld(), RETENTION_MILLIS).unref();
  }

  beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.retention);
    return this.callbacks.stop();
  }

  private async removeOld(): Promise<void> {
    await this.store.removeOld().catch((error: unknown) => log.warn('old messages not removed, trying again later', { error }));
  }

  onApplicationShutdown(): Promise<void> {
    return this.workPool.end();
  }
}
