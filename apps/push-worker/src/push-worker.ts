/** The parts of the worker put together: facts become jobs, jobs become notifications, a sweep finds what nobody rang for. */
import type { RegistryCommands } from '@parley/contracts/commands';
import type { LanePlace } from '@parley/delivery/lane-pool';
import { createWorkPool } from '@parley/delivery/work-pool';
import type { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import { LogConsumer } from '@parley/event-store/log-consumer';
import type { LogTail } from '@parley/event-store/log-tail';
import type { SecretBox } from '@parley/event-store/secret-box';
import { logger } from '@parley/telemetry/logger';
import type { PushConfig } from './config.js';
import { Credentials } from './credentials.js';
import { Dispatcher } from './dispatcher.js';
import { JobStore } from './job-store.js';
import { concernsPush, planPushes, pushedTypes, sift } from './push-planner.js';

export type WorkerParts = {
  pool: Pool; databaseUrl: string; tail: LogTail; accounts: Pick<Accounts, 'find'>; box: SecretBox; registry: Pick<RegistryCommands, 'remove'>;
  /** Stable identity of this instance. */
  instance: string;
};

/** Nobody waits for a notification so closely that the checkpoint should move for every fact. */
const GATHER_MILLIS = 25;
const UPKEEP_MILLIS = 600_000;
const log = logger('push-worker');

export class PushWorker {
  private readonly planner: LogConsumer;
  private readonly dispatcher: Dispatcher;
  private readonly store: JobStore;
  private readonly credentials: Credentials;
  private readonly workPool: Pool;
  private readonly registry: Pick<RegistryCommands, 'remove'>;
  /** Lanes of the transaction under way; told of when it is committed. */
  private planned: LanePlace[] = [];
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> = Promise.resolve();
  private tidiedAt = 0;
  private stopped = false;

  constructor({ pool, databaseUrl, tail, accounts, box, registry, instance }: WorkerParts, private readonly config: PushConfig) {
    const { retryMillis, timeoutMillis, lifetimeSeconds, addresses } = config;
    this.registry = registry;
    this.workPool = createWorkPool(databaseUrl);
    this.store = new JobStore(this.workPool, instance);
    this.credentials = new Credentials(this.workPool, box, addresses);
    this.dispatcher = new Dispatcher({ store: this.store, credentials: this.credentials, accounts, registry, retryMillis, timeoutMillis });
    this.planner = new LogConsumer({
      name: 'push-worker', pool, tail, owner: instance, types: pushedTypes, concerns: concernsPush(lifetimeSeconds * 1000), gatherMillis: GATHER_MILLIS,
      sift: (events) => sift(pool, events),
      handle: async (tx, events) => { this.planned = await planPushes(tx, events, lifetimeSeconds); },
      onCommitted: () => { for (const place of this.planned.splice(0)) this.dispatcher.wake(place); },
      onError: (error) => log.warn('planning notifications failed, trying again', { error }),
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
    this.credentials.close();
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
        .catch((error: unknown) => log.warn('looking for due notifications failed', { error }))
        .then(() => this.sweepIn(this.config.sweepMillis));
    }, millis);
  }

  private async sweep(): Promise<void> {
    for (const place of await this.store.dueLanes()) this.dispatcher.wake(place);
    if (Date.now() - this.tidiedAt < UPKEEP_MILLIS) return;
    this.tidiedAt = Date.now();
    await this.store.removeOld();
    for (const { account, sid, ...seen } of await this.store.silentDevices(this.config.deviceDays)) {
      if (this.stopped) return;
      await this.registry.remove({ account }, 'PushBinding', sid, seen).catch((error: unknown) => log.debug('a silent device is not removed', { sid, error }));
    }
  }
}
