import { jetstreamManager } from '@nats-io/jetstream';
import { randomUUID } from 'node:crypto';
import type { LogEvent } from '@parley/domain/event';
import { Connection } from './connection.js';
import { EventPublisher } from './event-publisher.js';
import { subscribeEvents } from './event-subscriber.js';
import { decodeEvent, encodeEvent } from './event-wire.js';
import { PrivateNats, testNatsUrl, until } from './nats-server.testing.js';

const account = `AC${'0'.repeat(32)}`;
const conversation = `CH${'a'.repeat(32)}`;
const fact = (shard: number, position: number, over: Partial<LogEvent> = {}): LogEvent => ({
  shard, position, stream: `conversation-${conversation}`, version: position, account, conversation, type: 'MessageAdded',
  schemaVersion: 1, eventId: randomUUID(), recordedAt: '2026-11-22T19:02:23.123Z', data: { body: `grüß dich ${position}\r\n` }, ...over,
});
const facts = (from: number, to: number, shard = 5) => Array.from({ length: to - from + 1 }, (_, i) => fact(shard, from + i));
let names = 0;

describe('a fact on the wire', () => {
  it.each([
    fact(63, 9), fact(0, 1, { conversation: null, stream: 'account-AC1' }), fact(1, 2, { erased: true, data: {} }),
    { ...fact(1, 2), cause: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' },
  ])('comes back as it was', (event) => expect(decodeEvent(encodeEvent(event))).toEqual(event));

  it('is a CloudEvent 1.0', () => {
    const event = fact(5, 7);
    expect(JSON.parse(encodeEvent(event))).toMatchObject({
      specversion: '1.0', id: event.eventId, source: `/accounts/${account}`, type: 'parley.MessageAdded', subject: conversation,
      time: event.recordedAt, datacontenttype: 'application/json', data: event.data,
    });
    for (const name of Object.keys(JSON.parse(encodeEvent(event)) as object)) expect(name).toMatch(/^[a-z0-9]{1,20}$/);
  });
  it.each(['', '{}', 'null', '{"specversion":"1.0","type":"other"}'])('%j is refused', (text) => expect(() => decodeEvent(text)).toThrow());
});

it('takes less room where the server has little', async () => {
  const small = await PrivateNats.start('2G');
  const connection = await Connection.open({ url: small.url, name: 'spec' });
  try {
    await new EventPublisher(connection).publish(facts(1, 3));
    const { streams } = await jetstreamManager(connection.nats);
    expect(await streams.info('EVENTS')).toMatchObject({ config: { max_bytes: 2 ** 30 }, state: { messages: 3 } });
  } finally {
    await connection.close();
    await small.remove();
  }
});

describe('EventPublisher', () => {
  let connection: Connection;
  let publisher: EventPublisher;
  let stream: string;
  let root: string;
  beforeAll(async () => { connection = await Connection.open({ url: testNatsUrl(), name: 'spec' }); });
  afterAll(() => connection.close());
  beforeEach(() => {
    stream = `EVENTS_${process.pid}_${names++}`;
    root = stream.toLowerCase();
    publisher = new EventPublisher(connection, { stream, root });
  });
  afterEach(async () => void (await (await jetstreamManager(connection.nats)).streams.delete(stream)));
  const streams = async () => (await jetstreamManager(connection.nats)).streams;
  const stored = async () => {
    const { state } = await (await streams()).info(stream);
    const found: LogEvent[] = [];
    for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq++)
      found.push(decodeEvent((await (await streams()).getMessage(stream, { seq }))!.string()));
    return found;
  };

  it('stores batches in order, with subject and headers', async () => {
    const batches = [facts(1, 40), facts(41, 41), facts(42, 60)];
    for (const batch of batches) await publisher.publish(batch);
    expect(await stored()).toEqual(batches.flat());
    const message = await (await streams()).getMessage(stream, { seq: 7 });
    expect(message!.subject).toBe(`${root}.1.${account}.${conversation}.MessageAdded`);
    expect(message!.header.get('Nats-Msg-Id')).toBe('1.5.7');
    expect(['shard', 'position', 'stream', 'version', 'type', 'schema-version', 'content-type'].map((name) => message!.header.get(name)))
      .toEqual(['5', '7', `conversation-${conversation}`, '7', 'MessageAdded', '1', 'application/cloudevents+json']);
  });

  it('makes the stream as designed', async () => {
    await publisher.publish(facts(1, 1));
    const { config } = await (await streams()).info(stream);
    expect(config).toMatchObject({
      retention: 'limits', storage: 'file', discard: 'old', max_age: 72 * 3600 * 1e9, max_bytes: 2 ** 33, duplicate_window: 120e9,
    });
  });

  it('stores a batch that is published again only once', async () => {
    const batch = facts(1, 20);
    await publisher.publish(batch);
    await publisher.publish([...batch, ...facts(21, 22)]);
    await new EventPublisher(connection, { stream, root }).publish(batch.slice(15)); // another relay
    await publisher.publish(facts(23, 24));
    expect((await stored()).map(({ position }) => position)).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
  });

  it('keeps the order of calls that overlap', async () => {
    await Promise.all([publisher.publish(facts(1, 100)), publisher.publish(facts(101, 150)), publisher.publish(facts(151, 151))]);
    expect((await stored()).map(({ position }) => position)).toEqual(Array.from({ length: 151 }, (_, i) => i + 1));
  });

  it('makes a wiped stream again and loses nothing of the batch', async () => {
    await publisher.publish(facts(1, 10));
    await (await streams()).delete(stream);
    await publisher.publish(facts(11, 20));
    expect((await stored()).map(({ position }) => position)).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
  });

  it('notices a stream that somebody else made anew', async () => {
    await publisher.publish(facts(1, 10));
    const { config } = await (await streams()).info(stream);
    await (await streams()).delete(stream);
    await (await streams()).add(config);
    await publisher.publish(facts(11, 20));
    await publisher.publish(facts(21, 21));
    expect((await stored()).map(({ position }) => position)).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]);
  });

  it('goes on in a full stream: the oldest leave', async () => {
    const small = new EventPublisher(connection, { stream, root, bytesMax: 20_000 });
    for (let at = 1; at <= 200; at += 20) await small.publish(facts(at, at + 19));
    const { state } = await (await streams()).info(stream);
    expect(state.last_seq).toBe(200);
    expect(state.messages).toBeLessThan(60);
  });

  it('throws when the stream refuses, and recovers', async () => {
    await publisher.publish(facts(1, 3));
    await (await streams()).update(stream, { max_msg_size: 100 } as never);
    await expect(publisher.publish(facts(4, 6))).rejects.toThrow(/not stored/);
    await (await streams()).update(stream, { max_msg_size: -1 } as never);
    await publisher.publish(facts(4, 6));
    expect((await stored()).map(({ position }) => position)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('reaches live subscribers of the partitions they ask for', async () => {
    const all: LogEvent[] = [];
    const some: LogEvent[] = [];
    const stops = [subscribeEvents(connection, (events) => all.push(...events), { root }),
      subscribeEvents(connection, (events) => some.push(...events), { root, partitions: [0] })];
    const events = [...facts(1, 30, 5), ...facts(1, 5, 3)];
    connection.nats.publish(`${root}.0.x`, 'no fact');
    await publisher.publish(events);
    await until(() => all.length >= 35 && some.length >= 5);
    expect(all.filter(({ shard }) => shard === 5).map(({ position }) => position)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(new Set(some.map(({ shard }) => shard))).toEqual(new Set([3]));
    for (const stop of stops) stop();
  });
});

describe('EventPublisher on a server that dies', () => {
  it('makes the stream anew when the running server has lost its files', async () => {
    const nats = await PrivateNats.start();
    const connection = await Connection.open({ url: nats.url, name: 'spec' });
    try {
      const publisher = new EventPublisher(connection);
      await publisher.publish(facts(1, 3));
      await nats.kill();
      await nats.run(); // what is in the file is read from there again, not from memory
      await nats.wipe();
      await until(() => publisher.publish(facts(4, 6)).then(() => true, () => false));
      expect((await (await jetstreamManager(connection.nats)).streams.info('EVENTS')).state.messages).toBe(3);
    } finally {
      await connection.close();
      await nats.remove();
    }
  });

  it('throws while it is away, then stores into whatever it finds', async () => {
    const nats = await PrivateNats.start();
    const connection = await Connection.open({ url: nats.url, name: 'spec' });
    try {
      const publisher = new EventPublisher(connection);
      await publisher.publish(facts(1, 10));
      await nats.kill();
      await until(() => !connection.connected);
      await expect(publisher.publish(facts(11, 20))).rejects.toThrow(/not stored/);
      await nats.wipe();
      await nats.run();
      await until(() => publisher.publish(facts(11, 20)).then(() => true, () => false));
      const { state } = await (await jetstreamManager(connection.nats)).streams.info('EVENTS');
      expect(state.messages).toBe(10);
    } finally {
      await connection.close();
      await nats.remove();
    }
  });
});
