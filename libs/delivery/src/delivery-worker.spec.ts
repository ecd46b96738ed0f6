/** From a job on a real work queue to the carrier. */
import { Connection } from '@parley/messaging/connection';
import { testNatsUrl } from '@parley/messaging/nats-server.testing';
import { WorkQueue } from '@parley/messaging/work-queue';
import { DeliveryBench, until } from './delivery.testing.js';
import { DeliveryWorker } from './delivery-worker.js';
import { DELIVER_QUEUE, jobSubject } from './lane.js';

let bench: DeliveryBench;
let nats: Connection;
let queue: WorkQueue;
let worker: DeliveryWorker;
/** A channel of its own, as all specs share one NATS. */
const channel = `spec${process.pid}`;
beforeAll(async () => {
  bench = await DeliveryBench.open();
  nats = await Connection.open({ url: testNatsUrl(), name: 'spec' });
  queue = await WorkQueue.open(nats, DELIVER_QUEUE);
  worker = new DeliveryWorker({
    channel, pool: bench.db.pool, nats, owner: 'one', carriers: bench.carriers, conversations: bench.conversations, timeoutMillis: 1000,
    concurrency: 4, unanswered: 'retry', files: { urlOf: (sid) => sid },
  });
  await worker.start();
});
afterAll(async () => {
  await worker.stop();
  await nats.close();
  await bench.db.drop();
});

describe('a job', () => {
  it('has the deliveries of its lane sent, also when it comes twice or for nothing', async () => {
    const lanes = [bench.lane('+1', 'Shop'), bench.lane('whatsapp:+2', 'whatsapp:+9')].map((lane) => ({ ...lane, channel }));
    for (const lane of lanes) for (const body of ['a', 'b']) await bench.queue(lane, body);
    for (const lane of [...lanes, ...lanes, { ...bench.lane(), channel }]) queue.publish(jobSubject(lane), lane);
    await until(() => bench.carrier.sent.length === 4);
    for (const { recipient } of lanes)
      expect(bench.carrier.sent.filter((sent) => sent.recipient === recipient).map(({ body }) => body)).toEqual(['a', 'b']);
  });
  it('of another channel is left to that', async () => {
    const lane = bench.lane();
    await bench.queue(lane, 'not ours');
    queue.publish(jobSubject(lane), lane);
    const ours = { ...bench.lane(), channel };
    await bench.queue(ours, 'ours');
    queue.publish(jobSubject(ours), ours);
    await until(() => bench.carrier.bodies().includes('ours'));
    expect(bench.carrier.bodies()).not.toContain('not ours');
  });
});
