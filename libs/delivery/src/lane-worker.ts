/**
 * A worker whose jobs wait in lanes: facts become jobs, jobs become calls, a sweep finds what nobody rang for. What a job is and
 * what comes of a call, it is told (webhook-worker, push-worker).
 */
import type { LogEvent } from '@parley/domain/event';
import type { Connection, Pool } from '@parley/event-store/database';
import { LogConsumer, type LogConsumerOptions } from '@parley/event-store/log-consumer';
import { logger, type Logger } from '@parley/telemetry/logger';
import { LanePool, type LaneEnd, type LanePlace } from './lane-pool.js';
import { LaneStore, type JobClaim, type JobEnd, type JobTable } from './lane-store.js';

export type LaneWorkerOptions<Claim, End> = {
  /** Which facts; its name is the worker's. */
  facts: Omit<LogConsumerOptions, 'handle' | 'onCommitted' | 'onError'>;
  /** Writes their jobs; returns the lanes that have something new to do. */
  plan(tx: Connection, events: LogEvent[]): Promise<LanePlace[]>;
  jobs: JobTable;
  /** Where the jobs are worked on (work-pool.ts); ended with the worker. */
  workPool: Pool;
  /** Calls under way for one account, and of those to one host. */
  accountMax: number;
  hostMax: number;
  /** One attempt; it is to be cut off when `signal` fires. What it throws leaves the job as it is until the lease ends. */
  deliver(claim: Claim, signal: AbortSignal): Promise<End>;
  sweepMillis: number;
  /** Beside the removal of old jobs, now and then. */
  upkeep?(stopping: AbortSignal): Promise<void>;
};

const UPKEEP_MILLIS = 600_000;

export class LaneWorker<Claim extends JobClaim, End extends JobEnd> {
  private readonly log: Logger;
  private readonly planner: LogConsumer;
  private readonly store: LaneStore<Claim, End>;
  private readonly lanes: LanePool;
  /** Lanes of the transaction under way; told of when it is committed. */
  private planned: LanePlace[] = [];
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> = Promise.resolve();
  private tidiedAt = 0;
  private readonly stopping = new AbortController();

  constructor(private readonly options: LaneWorkerOptions<Claim, End>) {
    const { facts, plan, jobs, workPool, accountMax, hostMax } = options;
    const log = (this.log = logger(facts.name));
    this.store = new LaneStore(workPool, jobs, facts.owner);
    this.lanes = new LanePool({
      accountMax, hostMax, work: (place) => this.work(place),
      failed: ({ account }, error) => log.warn('lane not worked on, the sweeper brings it again', { account, error }),
    });
    this.planner = new LogConsumer({
      ...facts,
      handle: async (tx, events) => { this.planned = await plan(tx, events); },
      onCommitted: () => this.wake(this.planned.splice(0)),
      onError: (error) => log.warn('planning jobs failed, trying again', { error }),
    });
  }

  async start(): Promise<void> {
    await this.store.takeBack().catch((error: unknown) => this.log.warn('what was in hand comes again when its lease ends', { error }));
    await this.planner.start();
    this.sweepIn(0);
  }

  /** Gives calls under way a moment; resolves when nothing is done any more. */
  async stop(): Promise<void> {
    this.stopping.abort();
    clearTimeout(this.timer);
    await Promise.all([this.planner.stop(), this.sweeping]);
    await this.lanes.stop();
    await this.options.workPool.end();
  }

  /** Facts stored but not yet planned. */
  lag(): number {
    return this.planner.lag();
  }

  private wake(places: LanePlace[]): void {
    for (const place of places) this.lanes.wake(place);
  }

  private async work(place: LanePlace): Promise<LaneEnd> {
    const claim = await this.store.claim(place.lane);
    if (!claim) return { more: false };
    const end = await this.options.deliver(claim, this.lanes.signal);
    if (end.holdMillis !== undefined) this.lanes.hold(place, end.holdMillis);
    await this.store.settle(claim, end);
    return { more: end.state !== 'queued', againInMillis: end.uncounted ? undefined : end.dueInMillis };
  }

  private sweepIn(millis: number): void {
    if (this.stopping.signal.aborted) return;
    this.timer = setTimeout(() => {
      this.sweeping = this.sweep()
        .catch((error: unknown) => this.log.warn('looking for due jobs failed', { error }))
        .then(() => this.sweepIn(this.options.sweepMillis));
    }, millis);
  }

  private async sweep(): Promise<void> {
    this.wake(await this.store.dueLanes());
    if (Date.now() - this.tidiedAt < UPKEEP_MILLIS) return;
    this.tidiedAt = Date.now();
    await this.store.removeOld();
    await this.options.upkeep?.(this.stopping.signal);
  }
}
