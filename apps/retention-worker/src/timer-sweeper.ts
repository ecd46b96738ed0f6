/**
 * Changes the state of conversations whose timer has run out. It only asks: whether the time has really come is decided with
 * the conversation's other facts, so a message that is stored first keeps it active, and two of us change nothing twice.
 */
import type { ConversationCommands } from '@parley/contracts/commands';
import { DomainError } from '@parley/domain/domain-error';
import { logger } from '@parley/telemetry/logger';
import type { RunningTimer, TimerBook } from './timer-book.js';

const BATCH = 200;
const AT_ONCE = 16;
const log = logger('timers');

export class TimerSweeper {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly book: TimerBook,
    private readonly conversations: Pick<ConversationCommands, 'applyTimers'>,
    private readonly intervalMillis: number,
  ) {}

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

  /** All that is due now. What fails comes again when its lease ends. */
  async sweep(): Promise<void> {
    try {
      for (let taken = BATCH; taken === BATCH && !this.stopped; ) {
        const timers = await this.book.take(BATCH);
        taken = timers.length;
        if (taken > 0) await this.apply(timers);
      }
    } catch (error) {
      log.warn('looking for timers failed, trying again', { error });
    }
  }

  private async apply(timers: RunningTimer[]): Promise<void> {
    const due = await this.book.due(timers);
    const failed = new Set<RunningTimer>();
    const queue = due.values();
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (const timer of queue) if (!(await this.ask(timer))) failed.add(timer);
    }));
    await this.book.settle(timers.filter((timer) => !failed.has(timer)));
  }

  private async ask({ account, sid }: RunningTimer): Promise<boolean> {
    try {
      // Webhooks are always told of timers (API reference 4.2).
      await this.conversations.applyTimers({ account, webhook: { source: 'API' } }, sid);
      return true;
    } catch (error) {
      if (error instanceof DomainError && (error.code === 'conversation_not_found' || error.code === 'conversation_closed')) return true;
      log.warn('a timer could not be applied, trying again', { error, conversation: sid });
      return false;
    }
  }
}
