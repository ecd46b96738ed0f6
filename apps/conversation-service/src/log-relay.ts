/** Carries the log to the EVENTS stream, and keeps idempotency keys from growing without end. */
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { Pool } from '@parley/event-store/database';
import type { LogTail } from '@parley/event-store/log-tail';
import { Relay } from '@parley/event-store/relay';
import type { Connection } from '@parley/messaging/connection';
import { EventPublisher } from '@parley/messaging/event-publisher';
import type { Config } from '@parley/runtime/config';
import { CONFIG, LOG_TAIL, NATS, NEWS_OF_THE_LOG, POOL, type NewsOfTheLog } from '@parley/runtime/parts';
import { logger } from '@parley/telemetry/logger';
import { metrics } from '@parley/telemetry/metrics';

const EXPIRY_CHECK_MILLIS = 60_000;
const EXPIRED_BATCH = 1000;
/** In one process nobody in the house waits for the bus; between processes the websockets do. */
const GATHER_ALONE_MILLIS = 15;
const GATHER_MILLIS = 2;
const log = logger('relay');

@Injectable()
export class LogRelay implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly relay: Relay;
  private expiry: NodeJS.Timeout | undefined;
  /** Raised after a restore or a move: message ids of the public stream must not repeat those of before. */
  private epochs: number[] = [];

  constructor(
    @Inject(POOL) private readonly pool: Pool,
    @Inject(LOG_TAIL) tail: LogTail,
    @Inject(NATS) nats: Connection,
    @Inject(CONFIG) config: Config,
    @Inject(NEWS_OF_THE_LOG) news: NewsOfTheLog,
  ) {
    const publisher = new EventPublisher(nats, { epochOf: (shard) => this.epochs[shard] ?? 1 });
    this.relay = new Relay({
      pool, tail, owner: config.instance, gatherMillis: news === 'local' ? GATHER_ALONE_MILLIS : GATHER_MILLIS, publish: (events) => publisher.publish(events),
      onError: (error) => log.warn('publishing failed, trying again', { error }),
    });
    metrics.gauge('parley_relay_lag_events', 'Facts stored but not yet on the bus', () => this.relay.lag());
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.loadEpochs();
    await this.relay.start();
    this.expiry = setInterval(() => {
      void this.expireKeys();
      this.loadEpochs().catch((error: unknown) => log.warn('reading the epochs failed, trying again', { error }));
    }, EXPIRY_CHECK_MILLIS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.expiry);
    await this.relay.stop();
  }

  private async loadEpochs(): Promise<void> {
    const { rows } = await this.pool.query<{ epoch: number }>('select epoch from log.shard order by shard');
    this.epochs = rows.map(({ epoch }) => epoch);
  }

  private async expireKeys(): Promise<void> {
    try {
      for (let removed = EXPIRED_BATCH; removed === EXPIRED_BATCH; ) {
        const { rowCount } = await this.pool.query(
          `delete from log.command where ctid in (select ctid from log.command where expires_at < now() order by expires_at limit $1)`,
          [EXPIRED_BATCH],
        );
        removed = rowCount ?? 0;
      }
    } catch (error) {
      log.warn('removing expired idempotency keys failed', { error });
    }
  }
}
