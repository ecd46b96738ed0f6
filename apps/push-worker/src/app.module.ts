/** Push notifications: what happened in a conversation is told to the devices of its chat members, as their service configured it. */
import { Inject, Module, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { REGISTRY_COMMANDS } from '@parley/contracts/command-tokens';
import type { RegistryCommands } from '@parley/contracts/commands';
import { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import type { LogTail } from '@parley/event-store/log-tail';
import { SecretBox } from '@parley/event-store/secret-box';
import type { Config } from '@parley/runtime/config';
import { CONFIG, LOG_TAIL, POOL } from '@parley/runtime/parts';
import { metrics } from '@parley/telemetry/metrics';
import { pushConfig } from './config.js';
import { PushWorker } from './push-worker.js';

@Module({})
export class PushWorkerModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly worker: PushWorker;

  constructor(
    @Inject(POOL) pool: Pool, @Inject(LOG_TAIL) tail: LogTail, @Inject(CONFIG) { databaseUrl, instance }: Config,
    @Inject(Accounts) accounts: Accounts, @Inject(SecretBox) box: SecretBox, @Inject(REGISTRY_COMMANDS) registry: RegistryCommands,
  ) {
    this.worker = new PushWorker({ pool, databaseUrl, tail, accounts, box, registry, instance }, pushConfig());
    metrics.gauge('parley_push_lag_events', 'Facts stored but not yet planned for push', () => this.worker.lag());
  }

  onApplicationBootstrap(): Promise<void> {
    return this.worker.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.worker.stop();
  }
}
