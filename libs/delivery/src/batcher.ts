/**
 * Does together what was asked for separately: while one batch is under way, the next collects. No timer unless asked for,
 * so nothing waits when there is nothing to wait for.
 */
import { DomainError } from '@parley/domain/domain-error';

export type BatcherOptions = {
  /** Items of one batch at most. */
  batchMax?: number;
  /** Items that may wait; more are refused as `overloaded`. */
  waitingMax?: number;
  /** Waits so long before each batch, for work that nobody waits for. */
  pauseMillis?: number;
};
type Waiting<I, O> = { item: I; resolve(result: O): void; reject(error: unknown): void };

export class Batcher<I, O> {
  private waiting: Waiting<I, O>[] = [];
  private busy = false;

  constructor(
    /** One result per item, in their order; what it throws is every caller's. */
    private readonly work: (items: I[]) => Promise<O[]>,
    private readonly options: BatcherOptions = {},
  ) {}

  do(item: I): Promise<O> {
    if (this.waiting.length >= (this.options.waitingMax ?? 10_000)) return Promise.reject(new DomainError('overloaded'));
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.busy || this.waiting.length === 0) return;
    this.busy = true;
    // Not a microtask: every socket of this turn is read first, so what came together travels together.
    if (this.options.pauseMillis) setTimeout(() => void this.run(), this.options.pauseMillis);
    else setImmediate(() => void this.run());
  }

  private async run(): Promise<void> {
    const batch = this.waiting.splice(0, this.options.batchMax ?? 100);
    try {
      const results = await this.work(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, i) => resolve(results[i]!));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    this.busy = false;
    this.schedule();
  }
}
