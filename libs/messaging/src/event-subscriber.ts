/**
 * Facts as they pass on the bus, for services that run apart from the log's writer. Core NATS, so nothing is stored for us
 * and nothing redelivered: the LogTail that is fed drops what it has and reads what is missing from Postgres.
 */
import type { LogEvent } from '@parley/domain/event';
import { logger } from '@parley/telemetry/logger';
import type { Connection } from './connection.js';
import { decodeEvent } from './event-wire.js';

export type SubscribeOptions = {
  /** Of 0..15 (shard >> 2); default all. */
  partitions?: readonly number[];
  root?: string;
};
const log = logger('event-subscriber');

/** Calls back with what one read from the socket brought, in order of arrival. Returns the function that ends it. */
export function subscribeEvents(
  connection: Connection, callback: (events: LogEvent[]) => void, { partitions, root = 'events' }: SubscribeOptions = {},
): () => void {
  let arrived: LogEvent[] = [];
  const handOver = () => {
    const events = arrived;
    arrived = [];
    callback(events);
  };
  const subjects = partitions?.map((partition) => `${root}.${partition}.>`) ?? [`${root}.>`];
  const subscriptions = subjects.map((subject) => connection.nats.subscribe(subject, {
    callback: (error, message) => {
      if (error) return log.error('subscription refused', { subject, error });
      try {
        // The client parses a whole read before microtasks run.
        if (arrived.push(decodeEvent(message.string())) === 1) queueMicrotask(handOver);
      } catch (reason) {
        log.warn('a message that is no fact', { subject: message.subject, error: reason });
      }
    },
  }));
  return () => { for (const subscription of subscriptions) subscription.unsubscribe(); };
}
