/**
 * A fact on the bus: a CloudEvent 1.0 in structured JSON (docs/events.md), with what filters and tools need repeated in the
 * subject and in headers. Subject: `events.<partition>.<account>.<conversation or ->.<Type>`.
 */
import type { LogEvent } from '@parley/domain/event';
import type { MsgHdrs } from '@nats-io/transport-node';

/** Facts may carry the W3C traceparent of the request that caused them. */
export type PublishedEvent = LogEvent & { cause?: string };

export const subjectOf = (root: string, { shard, account, conversation, type }: LogEvent): string =>
  `${root}.${shard >> 2}.${account}.${conversation ?? '-'}.${type}`;

/** The same fact published twice is stored once (within the stream's duplicate window). */
export const messageIdOf = (epoch: number, { shard, position }: LogEvent) => `${epoch}.${shard}.${position}`;

const encoder = new TextEncoder();

/** Built as text: the client library's header map costs 3 us per event, and all our values are free of line breaks. */
export function headersOf(event: PublishedEvent, epoch: number): MsgHdrs {
  const { shard, position, stream, version, type, schemaVersion, cause } = event;
  const text = `NATS/1.0\r\nNats-Msg-Id: ${messageIdOf(epoch, event)}\r\ncontent-type: application/cloudevents+json\r\n`
    + `shard: ${shard}\r\nposition: ${position}\r\nstream: ${stream}\r\nversion: ${version}\r\ntype: ${type}\r\n`
    + `schema-version: ${schemaVersion}\r\n${cause ? `traceparent: ${cause}\r\n` : ''}\r\n`;
  return { encode: () => encoder.encode(text) } as unknown as MsgHdrs; // all that publishing asks of it
}

/** Extension attributes are lower case without separators, as CloudEvents wants them. */
type CloudEvent = {
  specversion: '1.0'; id: string; source: string; type: string; subject: string; time: string; datacontenttype: string;
  account: string; conversation?: string; stream: string; streamversion: number; shard: number; position: number;
  schemaversion: number; traceparent?: string; erased?: true; data: Record<string, unknown>;
};
const TYPE_PREFIX = 'parley.';

export function encodeEvent(event: PublishedEvent): string {
  const { account, conversation, stream, cause, erased } = event;
  const cloudEvent: CloudEvent = {
    specversion: '1.0', id: event.eventId, source: `/accounts/${account}`, type: TYPE_PREFIX + event.type,
    subject: conversation ?? stream, time: event.recordedAt, datacontenttype: 'application/json',
    account, ...(conversation !== null && { conversation }), stream, streamversion: event.version,
    shard: event.shard, position: event.position, schemaversion: event.schemaVersion,
    ...(cause !== undefined && { traceparent: cause }), ...(erased && { erased }), data: event.data,
  };
  return JSON.stringify(cloudEvent);
}

/** Throws when it is not one of ours. */
export function decodeEvent(json: string): PublishedEvent {
  const e = JSON.parse(json) as CloudEvent;
  if (e.specversion !== '1.0' || !e.type.startsWith(TYPE_PREFIX) || !Number.isInteger(e.shard) || !Number.isInteger(e.position))
    throw new TypeError('not a fact of ours');
  return {
    shard: e.shard, position: e.position, stream: e.stream, version: e.streamversion, account: e.account,
    conversation: e.conversation ?? null, type: e.type.slice(TYPE_PREFIX.length), schemaVersion: e.schemaversion,
    eventId: e.id, recordedAt: e.time, data: e.data,
    ...(e.traceparent !== undefined && { cause: e.traceparent }), ...(e.erased && { erased: true as const }),
  };
}
