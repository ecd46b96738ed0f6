/** The parts of the worker put together: facts become jobs, jobs become calls, a sweep finds what nobody rang for. */
import { createWorkPool } from '@parley/delivery/work-pool';
import type { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import { LogConsumer } from '@parley/event-store/log-consumer';
import type { LogTail } from '@parley/event-store/log-tail';
import { logger } from '@parley/telemetry/logger';
import type { WebhookConfig } from './config.js';
import { Dispatcher } from './dispatcher.js';
import { concernsWebhooks, planJobs, plannedTypes, type JobPlace } from './job-planner.js';
import { JobStore } from './job-store.js';

export type WorkerParts = {
  pool: Pool; databaseUrl: string; tail: LogTail; accounts: Pick<Accounts, 'find'>;
  /** Stable identity of this instance. */
  instance: string;
};

/** Nobody waits for a webhook so closely that the checkpoint should move for every fact. */
const GATHER_MILLIS = 15;
const REMOVE_MILLIS = 600_000;
const log = logger('webhook-worker');

export class WebhookWorker {
  private readonly planner: LogConsumer;
  private readonly dispatcher: Dispatcher;
  private readonly store: JobStore;
  private readonly workPool: Pool;
  /** Lanes of the transaction under way; told of when it is committed. */
  private planned: JobPlace[] = [];
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> = Promise.resolve();
  private removedAt = 0;
  private stopped = false;

  constructor({ pool, databaseUrl, tail, accounts, instance }: WorkerParts, private readonly config: WebhookConfig) {
    this.workPool = createWorkPool(databaseUrl);
    this.store = new JobStore(this.workPool, instance);
    const { retryMillis, timeoutMillis, privateAllowed } = config;
    this.dispatcher = new Dispatcher({ store: this.store, accounts, target: { timeoutMillis, privateAllowed }, retryMillis });
    this.planner = new LogConsumer({
      name: 'webhook-worker', pool, tail, owner: instance, types: plannedTypes, concerns: concernsWebhooks, gatherMillis: GATHER_MILLIS,
      handle: async (tx, events) => { this.planned = await planJobs(tx, events); },
      onCommitted: () => { for (const place of this.planned.splice(0)) this.dispatcher.wake(place); },
      onError: (error) => log.warn('planning webhooks failed, trying again', { error }),
    });
  }

  async start(): Promise<void> {
    await this.store.takeBack().catch((error: unknown) => log.warn('what was in hand comes again when its lease ends', { error }));
    await this.planner.start();
    this.sweepIn(0);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await Promise.all([this.planner.stop(), this.sweeping]);
    await this.dispatcher.stop();
  }

  /** After `stop`. */
  end(): Promise<void> {
    return this.workPool.end();
  }

  lag(): number {
    return this.planner.lag();
  }

  private sweepIn(millis: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.sweeping = this.sweep()
        .catch((error: unknown) => log.warn('looking for due webhooks failed', { error }))
        .then(() => this.sweepIn(this.config.sweepMillis));
    }, millis);
  }

  private async sweep(): Promise<void> {
    for (const place of await this.store.dueLanes()) this.dispatcher.wake(place);
    if (Date.now() - this.removedAt < REMOVE_MILLIS) return;
    this.removedAt = Date.now();
    await this.store.removeOld();
  }
}
