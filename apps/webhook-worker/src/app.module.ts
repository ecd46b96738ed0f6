/** Webhooks after the fact: what happened is told to the targets that accounts, services and conversations configured. */
import { Inject, Module, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import type { LogTail } from '@parley/event-store/log-tail';
import type { Config } from '@parley/runtime/config';
import { CONFIG, LOG_TAIL, POOL } from '@parley/runtime/parts';
import { metrics } from '@parley/telemetry/metrics';
import { webhookConfig } from './config.js';
import { WebhookWorker } from './webhook-worker.js';

@Module({})
export class WebhookWorkerModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly worker: WebhookWorker;

  constructor(
    @Inject(POOL) pool: Pool, @Inject(LOG_TAIL) tail: LogTail, @Inject(CONFIG) { databaseUrl, instance }: Config,
    @Inject(Accounts) accounts: Accounts,
  ) {
    this.worker = new WebhookWorker({ pool, databaseUrl, tail, accounts, instance }, webhookConfig());
    metrics.gauge('parley_webhook_lag_events', 'Facts stored but not yet planned for webhooks', () => this.worker.lag());
  }

  onApplicationBootstrap(): Promise<void> {
    return this.worker.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.worker.stop();
  }
}
