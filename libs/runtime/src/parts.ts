/**
 * The parts every service stands on, as Nest providers. How this process learns of new facts is the one difference between
 * the topologies: `local` (it appends itself, all in one process), `ringing` (it appends, and others ring a bell), `bus`
 * (NATS brings them), `none` (it only appends, and rings).
 */
import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { Accounts } from '@parley/event-store/accounts';
import { appendSettings, createPool, type Pool } from '@parley/event-store/database';
import { DataKeys } from '@parley/event-store/data-keys';
import { GroupCommit } from '@parley/event-store/group-commit';
import { LogReader } from '@parley/event-store/log-reader';
import { LogTail } from '@parley/event-store/log-tail';
import { SecretBox } from '@parley/event-store/secret-box';
import { Streams } from '@parley/event-store/streams';
import { Connection } from '@parley/messaging/connection';
import { subscribeEvents } from '@parley/messaging/event-subscriber';
import { logger } from '@parley/telemetry/logger';
import type { Redis } from 'ioredis';
import { readConfig, type Config } from './config.js';
import { connectRedis } from './redis.js';

export const CONFIG = Symbol('Config');
export const POOL = Symbol('Pool');
export const APPEND_POOL = Symbol('AppendPool');
export const KEYS_POOL = Symbol('KeysPool');
export const NATS = Symbol('Nats');
export const REDIS = Symbol('Redis');
export const LOG_TAIL = Symbol('LogTail');
/** How this process learns of facts: a NewsOfTheLog. */
export const NEWS_OF_THE_LOG = Symbol('NewsOfTheLog');

/** Rung after an append by processes that do not carry the log to the bus themselves. */
export const LOG_BELL = 'log.bell';
/** With the SID of an account that changed, or whose keys did. */
const ACCOUNT_CHANGED = 'account.changed';
export type NewsOfTheLog = 'local' | 'ringing' | 'bus' | 'none';

const log = logger('runtime');

@Module({})
export class PartsModule implements OnApplicationShutdown {
  constructor(
    @Inject(POOL) private readonly pool: Pool,
    @Inject(APPEND_POOL) private readonly appendPool: Pool,
    @Inject(KEYS_POOL) private readonly keysPool: Pool,
    @Inject(LOG_TAIL) private readonly tail: LogTail,
    private readonly commit: GroupCommit,
    @Inject(NATS) private readonly nats: Connection,
    @Inject(REDIS) private readonly redis: Redis,
  ) {}

  static forRoot(news: NewsOfTheLog, config: Config = readConfig()): DynamicModule {
    const providers = [
      { provide: CONFIG, useValue: config },
      { provide: NEWS_OF_THE_LOG, useValue: news },
      { provide: POOL, useFactory: () => createPool(config.databaseUrl, { max: config.poolMax }) },
      // Appends never wait for a connection that a slow read holds.
      { provide: APPEND_POOL, useFactory: () => createPool(config.databaseUrl, { max: 4, applicationName: 'parley-append', settings: appendSettings }) },
      { provide: KEYS_POOL, useFactory: () => createPool(config.keysDatabaseUrl, { max: 2, applicationName: 'parley-keys' }) },
      { provide: SecretBox, useFactory: () => new SecretBox(config.kek) },
      { provide: NATS, useFactory: () => Connection.open({ url: config.natsUrl, name: config.instance }) },
      { provide: REDIS, useFactory: () => connectRedis(config.redisUrl) },
      { provide: DataKeys, inject: [KEYS_POOL, SecretBox], useFactory: (pool: Pool, box: SecretBox) => new DataKeys(pool, box) },
      { provide: Accounts, inject: [POOL, SecretBox, NATS], useFactory: sharedAccounts },
      { provide: LogReader, inject: [POOL, DataKeys], useFactory: (pool: Pool, keys: DataKeys) => new LogReader(pool, keys) },
      {
        provide: LOG_TAIL, inject: [LogReader, NATS],
        useFactory: async (reader: LogReader, nats: Connection) => {
          const tail = new LogTail(reader, (error) => log.warn('reading the log failed, trying again', { error }));
          if (news === 'none') return tail;
          await tail.start();
          if (news === 'ringing') nats.nats.subscribe(LOG_BELL, { callback: () => tail.ring() });
          if (news === 'bus') subscribeEvents(nats, (events) => tail.feed(events));
          return tail;
        },
      },
      {
        provide: GroupCommit, inject: [APPEND_POOL, LOG_TAIL, NATS],
        useFactory: (pool: Pool, tail: LogTail, nats: Connection) =>
          new GroupCommit(pool, news === 'none' ? () => nats.nats.publish(LOG_BELL) : (events) => tail.feed(events)),
      },
      {
        provide: Streams, inject: [POOL, GroupCommit, DataKeys],
        useFactory: (pool: Pool, commit: GroupCommit, keys: DataKeys) => new Streams(pool, commit, keys),
      },
    ];
    return { module: PartsModule, global: true, providers, exports: providers.map(({ provide }) => provide) };
  }

  /** Runs after every other module has stopped. */
  async onApplicationShutdown(): Promise<void> {
    await this.commit.stop();
    this.tail.stop();
    await this.nats.close();
    this.redis.disconnect();
    await Promise.all([this.pool, this.appendPool, this.keysPool].map((pool) => pool.end()));
  }
}

/** Changes are told to the other processes; who misses it learns of them when its cache ends. */
function sharedAccounts(pool: Pool, box: SecretBox, { nats }: Connection): Accounts {
  const accounts = new Accounts(pool, box, (sid) => {
    try {
      nats.publish(ACCOUNT_CHANGED, sid);
    } catch (error) {
      log.debug('a change of an account is not told', { error });
    }
  });
  nats.subscribe(ACCOUNT_CHANGED, { callback: (error, message) => { if (!error) accounts.drop(message.string()); } });
  return accounts;
}
