/**
 * Makes JetStream streams and consumers as they should be, whatever is there: none (first start, wiped store), an older
 * configuration, or a server that ignores a setting (older servers do so silently, so what comes back is compared).
 */
import {
  type ConsumerConfig, type ConsumerInfo, JetStreamApiCodes, JetStreamApiError, jetstreamManager, type StreamConfig, type StreamInfo,
} from '@nats-io/jetstream';
import { logger } from '@parley/telemetry/logger';
import type { Connection } from './connection.js';

export type WantedStream = Partial<StreamConfig> & Pick<StreamConfig, 'name' | 'subjects' | 'retention'>;
export type WantedConsumer = Partial<ConsumerConfig> & Pick<ConsumerConfig, 'durable_name'>;

export const NANOS_PER_MS = 1_000_000;
/** While a server deletes a stream it may take one that is made meanwhile along with it (2.9.10); that takes some milliseconds. */
const DELETING_MS = 100;
/** A stream that cannot be written for so long has lost its files. */
export const BROKEN_MS = 2_000;
const log = logger('stream');

/** Throws when JetStream does not answer, or the stream exists with another retention (that cannot be changed). */
export async function ensureStream(connection: Connection, wanted: WantedStream): Promise<StreamInfo> {
  const { streams } = await jetstreamManager(connection.nats, { checkAPI: false });
  const find = () => streams.info(wanted.name).catch((error) => ifMissing(error, JetStreamApiCodes.StreamNotFound));
  let info = await find();
  if (!info) {
    await new Promise((resolve) => setTimeout(resolve, DELETING_MS));
    info = await find();
  }
  if (!info) {
    info = await streams.add(wanted);
    log.info('stream made', { stream: wanted.name });
  } else if (differences(wanted, info.config).length > 0) {
    info = await streams.update(wanted.name, wanted);
    log.info('stream changed', { stream: wanted.name });
  }
  const ignored = differences(wanted, info.config);
  if (ignored.length > 0) log.warn('the server keeps other settings than asked for', { stream: wanted.name, settings: ignored });
  return info;
}

/** Throws the stream away, with all that is in it, and makes it again: for one that has lost its files. */
export async function remakeStream(connection: Connection, wanted: WantedStream): Promise<StreamInfo> {
  log.error('the stream is of no use any more, making it anew', { stream: wanted.name });
  const { streams } = await jetstreamManager(connection.nats, { checkAPI: false });
  await streams.delete(wanted.name).catch(() => {}); // by somebody else
  return ensureStream(connection, wanted);
}

/** Throws when the stream is missing. */
export async function ensureConsumer(connection: Connection, stream: string, wanted: WantedConsumer): Promise<ConsumerInfo> {
  const name = wanted.durable_name!;
  const { consumers } = await jetstreamManager(connection.nats, { checkAPI: false });
  let info = await consumers.info(stream, name).catch((error) => ifMissing(error, JetStreamApiCodes.ConsumerNotFound));
  if (!info) info = await consumers.add(stream, wanted);
  else if (differences(wanted, info.config).length > 0) info = await consumers.update(stream, name, wanted);
  const ignored = differences(wanted, info.config);
  if (ignored.length > 0) log.warn('the server keeps other settings than asked for', { stream, consumer: name, settings: ignored });
  return info;
}

function ifMissing(error: unknown, code: number): undefined {
  if (error instanceof JetStreamApiError && error.code === code) return undefined;
  throw error;
}

/** Names of the settings that came back otherwise. The server fills in what we leave open, so only ours are looked at. */
export function differences(wanted: object, is: object): string[] {
  return Object.entries(wanted)
    .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify((is as Record<string, unknown>)[name]))
    .map(([name]) => name);
}
