/** Webhooks as lanes of work (libs/delivery/lane-worker.ts): of which facts, for whom, and how many at once. */
import { LaneWorker } from '@parley/delivery/lane-worker';
import { createWorkPool } from '@parley/delivery/work-pool';
import type { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import type { LogTail } from '@parley/event-store/log-tail';
import type { WebhookConfig } from './config.js';
import { Deliverer } from './deliverer.js';
import { concernsWebhooks, planJobs, plannedTypes } from './job-planner.js';
import { webhookJobs, type Claim, type End } from './job-table.js';

export type WorkerParts = {
  pool: Pool; databaseUrl: string; tail: LogTail; accounts: Pick<Accounts, 'find'>;
  /** Stable identity of this instance. */
  instance: string;
};

/** Nobody waits for a webhook so closely that the checkpoint should move for every fact. */
const GATHER_MILLIS = 15;

export class WebhookWorker extends LaneWorker<Claim, End> {
  constructor({ pool, databaseUrl, tail, accounts, instance }: WorkerParts, { retryMillis, sweepMillis, timeoutMillis, privateAllowed }: WebhookConfig) {
    const deliverer = new Deliverer({ accounts, target: { timeoutMillis, privateAllowed }, retryMillis });
    super({
      facts: { name: 'webhook-worker', pool, tail, owner: instance, types: plannedTypes, concerns: concernsWebhooks, gatherMillis: GATHER_MILLIS },
      plan: planJobs, jobs: webhookJobs, workPool: createWorkPool(databaseUrl), accountMax: 64, hostMax: 16, sweepMillis,
      deliver: (claim, signal) => deliverer.deliver(claim, signal),
    });
  }
}
