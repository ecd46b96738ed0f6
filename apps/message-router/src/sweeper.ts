/**
 * Drives on what nobody drives: lanes whose job got lost or whose pause is over, attempts and receipts whose process died;
 * and removes what is old. Two sweepers at once only do double work.
 */
import { DueLanes } from '@parley/delivery/due-lanes';
import { jobSubject } from '@parley/delivery/lane';
import type { Receipts } from '@parley/delivery/receipts';
import { removeOldWork } from '@parley/delivery/retention';
import type { Pool } from '@parley/event-store/database';
import type { WorkQueue } from '@parley/messaging/work-queue';
import { logger } from '@parley/telemetry/logger';

const CLEANING_MILLIS = 600_000;
const log = logger('sweeper');

export class Sweeper {
  private readonly dueLanes: DueLanes;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private cleanedAt = 0;
  private stopped = false;

  constructor(
    private readonly pool: Pool,
    private readonly queue: Pick<WorkQueue, 'publish'>,
    private readonly receipts: Receipts,
    private readonly intervalMillis: number,
  ) {
    this.dueLanes = new DueLanes(pool);
  }

  start(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.running = this.sweep().then(() => this.start());
    }, this.intervalMillis);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private async sweep(): Promise<void> {
    await this.attempt('due deliveries', async () => {
      for (const lane of await this.dueLanes.next()) this.queue.publish(jobSubject(lane), lane);
    });
    await this.attempt('missing receipts', () => this.receipts.sweep());
    if (Date.now() - this.cleanedAt < CLEANING_MILLIS) return;
    this.cleanedAt = Date.now();
    await this.attempt('old work', () => removeOldWork(this.pool));
  }

  private async attempt(what: string, work: () => Promise<unknown>): Promise<void> {
    await work().catch((error: unknown) => log.warn('sweep failed, trying again', { what, error }));
  }
}
