/** The connection to Redis, which only helps: a command against a Redis that is away fails at once instead of piling up. */
import { logger } from '@parley/telemetry/logger';
import { Redis } from 'ioredis';

/** One that takes commands and says nothing, as a host that is gone without a word, is left after this long. */
const SILENT_MILLIS = 3_000;
const RETRY_MILLIS = 100;
const RETRY_MILLIS_MAX = 2_000;
const log = logger('runtime');

export function connectRedis(url: string): Redis {
  const redis = new Redis(url, {
    // What is under way when the connection breaks fails at once: to be asked again it would wait until Redis is back, however long (measured).
    maxRetriesPerRequest: 0, enableOfflineQueue: false, socketTimeout: SILENT_MILLIS,
    retryStrategy: (attempt) => Math.min(RETRY_MILLIS * attempt, RETRY_MILLIS_MAX),
  });
  redis.on('error', (error: Error) => log.debug('redis', { error }));
  return redis;
}
