/** What happens by the clock: conversations become inactive and closed. */
import { Inject, Module, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { CONVERSATION_COMMANDS } from '@parley/contracts/command-tokens';
import type { ConversationCommands } from '@parley/contracts/commands';
import type { Pool } from '@parley/event-store/database';
import { LogConsumer } from '@parley/event-store/log-consumer';
import type { LogTail } from '@parley/event-store/log-tail';
import type { Config } from '@parley/runtime/config';
import { CONFIG, LOG_TAIL, POOL } from '@parley/runtime/parts';
import { logger } from '@parley/telemetry/logger';
import { metrics } from '@parley/telemetry/metrics';
import { retentionConfig } from './config.js';
import { concernsTimers, TimerBook, timerTypes } from './timer-book.js';
import { TimerSweeper } from './timer-sweeper.js';

/** A timer runs a minute at least: nobody waits for its row. */
const GATHER_MILLIS = 50;
const log = logger('retention-worker');

@Module({})
export class RetentionWorkerModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly consumer: LogConsumer;
  private readonly sweeper: TimerSweeper;

  constructor(
    @Inject(POOL) pool: Pool,
    @Inject(LOG_TAIL) tail: LogTail,
    @Inject(CONFIG) config: Config,
    @Inject(CONVERSATION_COMMANDS) conversations: ConversationCommands,
  ) {
    const book = new TimerBook(pool);
    this.consumer = new LogConsumer({
      name: 'timers', pool, tail, owner: config.instance, types: timerTypes, concerns: concernsTimers, gatherMillis: GATHER_MILLIS,
      handle: (tx, events) => book.note(tx, events),
      onError: (error) => log.warn('noting timers failed, trying again', { error }),
    });
    this.sweeper = new TimerSweeper(book, conversations, retentionConfig().timerMillis);
    metrics.gauge('parley_timers_lag_events', 'Facts stored whose timers are not yet noted', () => this.consumer.lag());
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.consumer.start();
    this.sweeper.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.consumer.stop(), this.sweeper.stop()]);
  }
}
