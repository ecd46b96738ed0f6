/**
 * Facts a consumer could not handle, and the later facts of the same conversation behind them, in order. Retried with
 * backoff from 5 s to 10 min; `npm run parley -- parked` lists them.
 */
import type { LogEvent } from '@parley/domain/event';
import { transaction, type Connection, type Pool } from './database.js';
import type { LogTail } from './log-tail.js';

const RETRY_CHECK_MILLIS = 2000;

export class ParkedEvents {
  private readonly conversations = new Set<string>();
  private nextCheck = 0;

  constructor(
    private readonly consumer: string,
    private readonly pool: Pool,
    private readonly tail: LogTail,
  ) {}

  holds = (event: LogEvent): boolean => this.conversations.size > 0 && this.conversations.has(event.conversation ?? event.stream);

  async load(partition: number): Promise<void> {
    const { rows } = await this.pool.query<{ conversation: string }>(
      'select distinct conversation from log.parked where consumer = $1 and shard >> 2 = $2', [this.consumer, partition],
    );
    for (const { conversation } of rows) this.conversations.add(conversation);
  }

  async park(tx: Connection, event: LogEvent, error: unknown): Promise<void> {
    const conversation = event.conversation ?? event.stream;
    await tx.query(
      `insert into log.parked (consumer, shard, position, conversation, error, next_at)
       values ($1, $2, $3, $4, $5, now() + interval '5 seconds') on conflict do nothing`,
      [this.consumer, event.shard, event.position, conversation, String(error).slice(0, 2000)],
    );
    this.conversations.add(conversation);
  }

  /** Handles what is due, oldest first per conversation; a conversation whose first fact fails again waits longer. */
  async retry(
    handle: (tx: Connection, events: LogEvent[]) => Promise<void>, onCommitted?: (events: LogEvent[]) => void,
  ): Promise<void> {
    if (this.conversations.size === 0 || performance.now() < this.nextCheck) return;
    this.nextCheck = performance.now() + RETRY_CHECK_MILLIS;
    for (const conversation of [...this.conversations]) {
      while (await this.retryFirst(conversation, handle, onCommitted)) {
        // the next one of this conversation may go on now
      }
    }
  }

  private async retryFirst(
    conversation: string, handle: (tx: Connection, events: LogEvent[]) => Promise<void>, onCommitted?: (events: LogEvent[]) => void,
  ): Promise<boolean> {
    const { rows } = await this.pool.query<{ shard: number; position: number; due: boolean }>(
      `select shard, position, next_at <= now() as due from log.parked where consumer = $1 and conversation = $2
        order by position limit 1`, [this.consumer, conversation],
    );
    const first = rows[0];
    if (!first) {
      this.conversations.delete(conversation);
      return false;
    }
    if (!first.due) return false;
    const [event] = await this.tail.read(first.shard, first.position - 1, 1);
    try {
      await transaction(this.pool, async (tx) => {
        const { rowCount } = await tx.query(
          'delete from log.parked where consumer = $1 and shard = $2 and position = $3', [this.consumer, first.shard, first.position],
        );
        if (event?.unreadable !== undefined) throw new Error(event.unreadable);
        if (rowCount === 1 && event && !event.erased) await handle(tx, [event]);
      });
      if (event) onCommitted?.([event]);
      // Those behind it need not wait for their own backoff.
      await this.pool.query(
        'update log.parked set next_at = now() where consumer = $1 and conversation = $2', [this.consumer, conversation],
      );
      return true;
    } catch (error) {
      await this.pool.query(
        `update log.parked set attempts = attempts + 1, error = $4,
                next_at = now() + least(interval '5 seconds' * power(2, attempts), interval '10 minutes')
          where consumer = $1 and shard = $2 and position = $3`,
        [this.consumer, first.shard, first.position, String(error).slice(0, 2000)],
      );
      return false;
    }
  }
}
