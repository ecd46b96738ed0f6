/**
 * Empties deleted services. The service itself is gone when the caller is answered; its row in registry.deleted_service,
 * written once by the fact, makes sure that what it held goes too, whoever is restarted in between.
 */
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { CONVERSATION_COMMANDS, PARTICIPANT_COMMANDS, REGISTRY_COMMANDS } from '@parley/contracts/command-tokens';
import type { ConversationCommands, ParticipantCommands, RegistryCommands } from '@parley/contracts/commands';
import type { LogEvent } from '@parley/domain/event';
import type { Connection, Pool } from '@parley/event-store/database';
import { LogConsumer } from '@parley/event-store/log-consumer';
import type { LogTail } from '@parley/event-store/log-tail';
import type { Config } from '@parley/runtime/config';
import { CONFIG, LOG_TAIL, POOL } from '@parley/runtime/parts';
import { logger } from '@parley/telemetry/logger';
import { ServiceRemains, type DeletedService } from './service-remains.js';

const SWEEP_MILLIS = 5000;
/** What was being made in the service when it was deleted has arrived by then. */
const LATECOMERS = '1 minute';
const log = logger('deleted-services');
const troubled = (error: unknown) => log.warn('emptying a deleted service failed, trying again', { error });

@Injectable()
export class DeletedServices implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly consumer: LogConsumer;
  private readonly remains: ServiceRemains;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private again = false;
  private stopped = false;

  constructor(
    @Inject(POOL) private readonly pool: Pool,
    @Inject(LOG_TAIL) tail: LogTail,
    @Inject(CONFIG) config: Config,
    @Inject(CONVERSATION_COMMANDS) conversations: ConversationCommands,
    @Inject(PARTICIPANT_COMMANDS) participants: ParticipantCommands,
    @Inject(REGISTRY_COMMANDS) registry: RegistryCommands,
  ) {
    this.remains = new ServiceRemains(pool, conversations, participants, registry);
    this.consumer = new LogConsumer({
      name: 'deleted-services', pool, tail, owner: config.instance, types: ['ServiceDeleted'], handle: note,
      onCommitted: () => this.sweep(), onError: (error) => log.warn('noting a deleted service failed, trying again', { error }),
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.consumer.start();
    this.timer = setInterval(() => this.sweep(), SWEEP_MILLIS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    this.remains.stop();
    clearInterval(this.timer);
    await this.consumer.stop();
    await this.running;
  }

  /** One sweep at a time; asked for during one, another follows. Two instances at once only do double work. */
  private sweep(): void {
    if (this.stopped) return;
    this.again = this.running !== undefined;
    this.running ??= this.emptyAll()
      .catch(troubled)
      .finally(() => {
        this.running = undefined;
        if (this.again) this.sweep();
      });
  }

  private async emptyAll(): Promise<void> {
    const { rows } = await this.pool.query<DeletedService & { settled: boolean }>(
      `select sid, account, deleted_at < now() - interval '${LATECOMERS}' as settled from registry.deleted_service order by deleted_at`,
    );
    const settled = new Set(rows.filter((row) => row.settled).map(({ sid }) => sid));
    await this.remains.empty(rows, async ({ sid }, left) => {
      if (left === 'stuck') log.warn('something of a deleted service cannot be removed, trying again', { service: sid });
      if (left === 'empty' && settled.has(sid)) await this.pool.query('delete from registry.deleted_service where sid = $1', [sid]);
    }, troubled);
  }
}

async function note(tx: Connection, events: LogEvent[]): Promise<void> {
  for (const { account, data } of events)
    await tx.query('insert into registry.deleted_service (sid, account, deleted_at) values ($1, $2, now()) on conflict do nothing', [data['sid'], account]);
}
