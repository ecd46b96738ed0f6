import { AckPolicy, jetstreamManager } from '@nats-io/jetstream';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from './connection.js';
import { PrivateNats, testNatsUrl, until } from './nats-server.testing.js';
import type { JobContext, Outcome } from './work-consumer.js';
import { WorkQueue } from './work-queue.js';

type Job = { n: number };
let names = 0;

describe('WorkQueue', () => {
  let connection: Connection;
  let stream: string;
  let root: string;
  let queue: WorkQueue;
  beforeAll(async () => { connection = await Connection.open({ url: testNatsUrl(), name: 'spec' }); });
  afterAll(() => connection.close());
  beforeEach(async () => {
    stream = `SPEC_${process.pid}_${names++}`;
    root = stream.toLowerCase();
    queue = await WorkQueue.open(connection, { stream, subjects: [`${root}.>`] });
  });
  afterEach(async () => {
    await queue.close();
    await (await jetstreamManager(connection.nats)).streams.delete(stream);
  });
  const work = (handler: (n: number, context: JobContext) => Promise<Outcome>, options = {}) => queue.consume({
    durable: 'worker', filter: `${root}.>`, concurrency: 4, handler: (job, context) => handler((job as Job).n, context), ...options,
  });
  const left = async () => (await (await jetstreamManager(connection.nats)).streams.info(stream)).state.messages;

  it('hands every job to a worker, then forgets it', async () => {
    const done: number[] = [];
    work(async (n) => { done.push(n); return 'done'; });
    for (let n = 0; n < 500; n++) queue.publish(`${root}.sms`, { n });
    await until(() => done.length === 500);
    expect(new Set(done).size).toBe(500);
    await until(async () => (await left()) === 0);
  });

  it('runs no more at once than asked for, and all slots', async () => {
    let running = 0;
    let most = 0;
    let done = 0;
    const open: Array<() => void> = [];
    work(async () => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => open.push(resolve));
      running -= 1;
      done += 1;
      return 'done';
    });
    for (let n = 0; n < 20; n++) queue.publish(`${root}.sms`, { n });
    await until(() => open.length === 4);
    while (done < 20) {
      await until(() => open.length > 0);
      open.shift()!();
      await until(() => running + done >= Math.min(20, done + 4) || open.length > 0);
    }
    expect(most).toBe(4);
  });

  it('brings a job again after the time asked for, counting', async () => {
    const times: number[] = [];
    const counts: number[] = [];
    work(async (_, { delivered }) => {
      times.push(Date.now());
      counts.push(delivered);
      return delivered < 3 ? { retryAfterMs: 200 } : 'done';
    });
    queue.publish(`${root}.sms`, { n: 1 });
    await until(() => counts.length === 3);
    expect(counts).toEqual([1, 2, 3]);
    expect(times[2]! - times[0]!).toBeGreaterThanOrEqual(380);
  });

  it('brings a job again when its handler throws, and goes on with the others', async () => {
    const seen: number[] = [];
    work(async (n, { delivered }) => {
      seen.push(n);
      if (n === 1 && delivered === 1) throw new Error('on purpose');
      return 'done';
    });
    queue.publish(`${root}.sms`, { n: 1 });
    queue.publish(`${root}.sms`, { n: 2 });
    await until(() => seen.length === 3);
    expect(seen).toEqual([1, 2, 1]);
  });

  it('does not give away a job whose handler takes longer than the silence', async () => {
    let begun = 0;
    let signs = 0;
    let go = () => {};
    const twoSilences = new Promise<void>((resolve) => (go = resolve));
    // Three signs of work go to the server in each silence.
    const acks = connection.nats.subscribe('$JS.ACK.>', { callback: (_error, message) => {
      if (message.subject.includes(`.${stream}.`) && message.string() === '+WPI' && ++signs === 7) go();
    } });
    work(async () => {
      begun += 1;
      await twoSilences;
      return 'done';
    }, { silenceMs: 2_000 });
    queue.publish(`${root}.sms`, { n: 1 });
    await until(async () => begun > 0 && (await left()) === 0);
    acks.unsubscribe();
    expect(begun).toBe(1);
  });

  it('finishes what runs when it closes, gives back the rest', async () => {
    const begun: number[] = [];
    const finished: number[] = [];
    let go = () => {};
    const gate = new Promise<void>((resolve) => (go = resolve));
    const first = work(async (n) => { begun.push(n); await gate; finished.push(n); return 'done'; }, { concurrency: 2 });
    for (let n = 0; n < 6; n++) queue.publish(`${root}.sms`, { n });
    await until(() => begun.length === 2);
    const closing = first.close();
    go();
    await closing;
    expect(finished.sort()).toEqual(begun.sort());
    work(async (n) => { finished.push(n); return 'done'; });
    await until(() => finished.length === 6);
    expect(finished.sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('aborts handlers that do not end in time', async () => {
    let aborted = false;
    let begun = false;
    const worker = work((_, { signal }) => new Promise<Outcome>((resolve) => {
      begun = true;
      signal.addEventListener('abort', () => { aborted = true; resolve({ retryAfterMs: 0 }); });
    }), { drainMs: 100 });
    queue.publish(`${root}.sms`, { n: 1 });
    await until(() => begun);
    await worker.close();
    expect(aborted).toBe(true);
  });

  it('makes the stream and its consumer again when they are wiped while running', async () => {
    const done: number[] = [];
    work(async (n) => { done.push(n); return 'done'; });
    queue.publish(`${root}.sms`, { n: 1 });
    await until(() => done.length === 1);
    await (await jetstreamManager(connection.nats)).streams.delete(stream);
    queue.publish(`${root}.sms`, { n: 2 });
    await until(() => done.includes(2));
    await (await jetstreamManager(connection.nats)).consumers.delete(stream, 'worker');
    queue.publish(`${root}.sms`, { n: 3 });
    await until(() => done.includes(3));
  });

  it('changes the settings of a consumer that is already there', async () => {
    await work(async () => 'done').close();
    const done: number[] = [];
    work(async (n) => { done.push(n); return 'done'; }, { silenceMs: 5_000, filter: `${root}.sms` });
    queue.publish(`${root}.sms`, { n: 1 });
    await until(() => done.length === 1);
    const info = await (await jetstreamManager(connection.nats)).consumers.info(stream, 'worker');
    expect(info.config).toMatchObject({ ack_wait: 5e9, filter_subject: `${root}.sms` });
  });
});

describe('WorkQueue on a server that dies and loses its store', () => {
  it('works on without help', async () => {
    const nats = await PrivateNats.start();
    const connection = await Connection.open({ url: nats.url, name: 'spec' });
    try {
      const queue = await WorkQueue.open(connection, { stream: 'DELIVER', subjects: ['deliver.>'] });
      const done = new Set<number>();
      queue.consume({
        durable: 'worker', filter: 'deliver.>', concurrency: 2, handler: async (job) => { done.add((job as Job).n); return 'done'; },
      });
      queue.publish('deliver.sms', { n: 1 });
      await until(() => done.has(1));
      await nats.kill();
      await nats.wipe();
      queue.publish('deliver.sms', { n: 2 }); // lost or kept: the sweeper's business
      await nats.run();
      await until(() => { queue.publish('deliver.sms', { n: 3 }); return done.has(3); });
    } finally {
      await connection.close();
      await nats.remove();
    }
  });

  it.each<[string, (nats: PrivateNats, connection: Connection) => Promise<void>]>([
    ['in a store that was removed under it', async (nats) => {
      await nats.kill();
      await nats.run(); // what is stored is read from the file again, not from memory
      await nats.wipe();
    }],
    ['in deleting another one of that name', async (nats, connection) => {
      const somebody = await Connection.open({ url: nats.url, name: 'somebody' });
      const [{ streams, consumers }, theirs] = [await jetstreamManager(connection.nats), await jetstreamManager(somebody.nats)];
      const { config } = await streams.info('DELIVER');
      const consumer = { durable_name: 'worker', filter_subject: 'deliver.>', ack_policy: AckPolicy.Explicit };
      const exists = () => streams.info('DELIVER').then(() => true, () => false);
      const fill = async () => {
        for (let n = 0; n < 20; n++) connection.nats.publish('deliver.sms', JSON.stringify({ n: 2, padding: 'x'.repeat(200) }));
        await connection.nats.flush();
      };
      for (let intact = true, round = 0; intact && round < 100; round++) { // newer servers do better
        await consumers.add('DELIVER', consumer);
        await fill();
        const deleted = theirs.streams.delete('DELIVER');
        while (await exists()); // made again in the same moment
        while (!(await streams.add(config).then(() => true, () => false)));
        await deleted;
        await fill();
        intact = existsSync(join(nats.store, 'jetstream', '$G', 'streams', 'DELIVER', 'msgs', '1.blk'));
      }
      await somebody.close();
    }],
  ])('makes the stream anew when the running server has lost its files %s', async (_, lose) => {
    const nats = await PrivateNats.start();
    const connection = await Connection.open({ url: nats.url, name: 'spec' });
    try {
      const queue = await WorkQueue.open(connection, { stream: 'DELIVER', subjects: ['deliver.>'] });
      queue.publish('deliver.sms', { n: 1 });
      await until(async () => (await (await jetstreamManager(connection.nats)).streams.info('DELIVER')).state.messages === 1);
      await lose(nats, connection);
      await until(() => connection.connected);
      const done = new Set<number>();
      queue.consume({
        durable: 'worker', filter: 'deliver.>', concurrency: 2, handler: async (job) => { done.add((job as Job).n); return 'done'; },
      });
      await until(() => { queue.publish('deliver.sms', { n: 3 }); return done.has(3); });
    } finally {
      await connection.close();
      await nats.remove();
    }
  });
});
