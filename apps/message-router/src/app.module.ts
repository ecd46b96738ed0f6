/** Messages out: one delivery per recipient. Messages in: to their conversation. And the sweepers behind both. */
import {
  Global, Inject, Module, type BeforeApplicationShutdown, type OnApplicationBootstrap, type OnApplicationShutdown,
} from '@nestjs/common';
import { CONVERSATION_COMMANDS, PARTICIPANT_COMMANDS, REGISTRY_COMMANDS, ROUTER_COMMANDS } from '@parley/contracts/command-tokens';
import type { ConversationCommands, ParticipantCommands, RegistryCommands, RouterCommands } from '@parley/contracts/commands';
import { DELIVER_QUEUE, jobSubject } from '@parley/delivery/lane';
import { Receipts } from '@parley/delivery/receipts';
import { createWorkPool, WORK_POOL } from '@parley/delivery/work-pool';
import { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import { LogConsumer } from '@parley/event-store/log-consumer';
import type { LogTail } from '@parley/event-store/log-tail';
import type { Connection } from '@parley/messaging/connection';
import { WorkQueue } from '@parley/messaging/work-queue';
import type { Config } from '@parley/runtime/config';
import { CONFIG, LOG_TAIL, NATS, POOL } from '@parley/runtime/parts';
import { logger } from '@parley/telemetry/logger';
import { metrics } from '@parley/telemetry/metrics';
import { AddressBook } from './address-book.js';
import { routerConfig } from './config.js';
import { concernsDeliveries, lanesOf, planDeliveries, plannedTypes } from './delivery-planner.js';
import { GroupBook } from './group-book.js';
import { GroupReports } from './group-reports.js';
import { InboundHooks } from './inbound-hooks.js';
import { InboundRouter } from './inbound-router.js';
import { MailBook } from './mail-book.js';
import { OverdueReports } from './overdue-reports.js';
import { Sweeper } from './sweeper.js';

const log = logger('message-router');

@Global()
@Module({
  providers: [
    {
      provide: ROUTER_COMMANDS,
      inject: [WORK_POOL, GroupReports, Accounts, CONVERSATION_COMMANDS, PARTICIPANT_COMMANDS, REGISTRY_COMMANDS],
      useFactory: (
        pool: Pool, reports: GroupReports, accounts: Accounts, conversations: ConversationCommands, participants: ParticipantCommands, registry: RegistryCommands,
      ) => new InboundRouter(new AddressBook(pool), accounts, conversations, participants, registry, new InboundHooks(pool, accounts), new MailBook(pool), new GroupBook(pool, reports)),
    },
    { provide: GroupReports, inject: [WORK_POOL], useFactory: (pool: Pool) => new GroupReports(pool, routerConfig().groupReportWaitMillis) },
    { provide: WORK_POOL, inject: [CONFIG], useFactory: ({ databaseUrl }: Config) => createWorkPool(databaseUrl) },
    { provide: WorkQueue, inject: [NATS], useFactory: (nats: Connection) => WorkQueue.open(nats, DELIVER_QUEUE) },
  ],
  exports: [ROUTER_COMMANDS],
})
export class MessageRouterModule implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly planner: LogConsumer;
  private readonly sweeper: Sweeper;
  private readonly overdueReports: OverdueReports;

  constructor(
    @Inject(POOL) pool: Pool,
    @Inject(WORK_POOL) private readonly workPool: Pool,
    @Inject(LOG_TAIL) tail: LogTail,
    @Inject(CONFIG) config: Config,
    @Inject(CONVERSATION_COMMANDS) conversations: ConversationCommands,
    @Inject(ROUTER_COMMANDS) router: RouterCommands,
    queue: WorkQueue,
  ) {
    const { deadlineSeconds, sweepMillis } = routerConfig();
    this.planner = new LogConsumer({
      name: 'message-router', pool, tail, owner: config.instance, types: plannedTypes, concerns: concernsDeliveries,
      handle: (tx, events) => planDeliveries(tx, events, deadlineSeconds),
      onCommitted: (events) => { for (const lane of lanesOf(events)) queue.publish(jobSubject(lane), lane); },
      onError: (error) => log.warn('planning deliveries failed, trying again', { error }),
    });
    this.sweeper = new Sweeper(workPool, queue, new Receipts(workPool, conversations), sweepMillis);
    this.overdueReports = new OverdueReports(workPool, router, sweepMillis);
    metrics.gauge('parley_router_lag_events', 'Facts stored but not yet planned for delivery', () => this.planner.lag());
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.planner.start();
    this.sweeper.start();
    this.overdueReports.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.planner.stop(), this.sweeper.stop(), this.overdueReports.stop()]);
  }

  onApplicationShutdown(): Promise<void> {
    return this.workPool.end();
  }
}
