/** Files follow the log: attached with their message, removed with it or with its conversation, or when nobody sent them. */
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { Pool } from '@parley/event-store/database';
import { LogConsumer } from '@parley/event-store/log-consumer';
import type { LogTail } from '@parley/event-store/log-tail';
import { configuredStorage } from '@parley/media/configured-storage';
import { concernsMedia, keepMedia, MediaKeeper, mediaTypes } from '@parley/media/media-keeper';
import type { Config } from '@parley/runtime/config';
import { CONFIG, LOG_TAIL, POOL } from '@parley/runtime/parts';
import { logger } from '@parley/telemetry/logger';

const log = logger('media');

@Injectable()
export class MediaAttachments implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly consumer: LogConsumer;
  private readonly keeper: MediaKeeper;

  constructor(@Inject(POOL) pool: Pool, @Inject(LOG_TAIL) tail: LogTail, @Inject(CONFIG) config: Config) {
    this.consumer = new LogConsumer({
      name: 'media', pool, tail, owner: config.instance, types: mediaTypes, concerns: concernsMedia, gatherMillis: 50, handle: keepMedia,
      onError: (error) => log.warn('keeping files with their messages failed, trying again', { error }),
    });
    this.keeper = new MediaKeeper(pool, configuredStorage(), (error) => log.warn('removing files failed, trying again', { error }));
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.consumer.start();
    this.keeper.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.consumer.stop(), this.keeper.stop()]);
  }
}
