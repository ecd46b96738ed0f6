/** How fast one person is written to: a limit of the sender, on any channel, kept by all instances together through a real Redis. */
import type { RecipientRate } from '@parley/contracts/rest/sender-policy';
import { Redis } from 'ioredis';
import { Connections } from './connections.js';
import { DeliveryBench, until } from './delivery.testing.js';
import { DeliveryStore } from './delivery-store.js';
import { Dispatcher } from './dispatcher.js';
import type { Lane } from './lane.js';
import { Receipts } from './receipts.js';
import { SendRate } from './send-rate.js';
import { Senders, type SenderInput } from './senders.js';

let bench: DeliveryBench;
let redis: Redis;
let connection: string;
const instances: Dispatcher[] = [];
beforeAll(async () => {
  bench = await DeliveryBench.open();
  redis = new Redis(process.env['TEST_REDIS_URL']!);
  await redis.ping();
});
afterAll(async () => {
  redis.disconnect();
  await bench.db.drop();
});
beforeEach(async () => {
  await bench.clear();
  const { db: { pool, box } } = bench;
  ({ sid: connection } = await new Connections({ pool, box, privateAllowed: true }).create(bench.account, { carrier: 'simulator', credentials: {} }));
});
afterEach(async () => {
  await Promise.all(instances.splice(0).map((each) => each.stop()));
});

function instance(owner = 'one'): Dispatcher {
  const { db: { pool }, carriers, conversations } = bench;
  const made: Dispatcher = new Dispatcher({
    store: new DeliveryStore(pool, owner), carriers, receipts: new Receipts(pool, conversations), rate: new SendRate(redis), files: { urlOf: (sid) => sid }, concurrency: 4,
  });
  instances.push(made);
  return made;
}
const sender = async ({ sender: address }: Lane, recipient_rate: RecipientRate | null | undefined, more: Partial<SenderInput> = {}) => {
  const made = await new Senders(bench.db.pool).create(bench.account, { address, connection, ...more, ...(recipient_rate !== undefined && { policy: { recipient_rate } }) });
  if (made === 'taken') throw new Error('the bench is not clear');
  return made.sid;
};
const channels: [string, () => Lane][] = [
  ['sms', () => bench.lane()],
  ['whatsapp', () => ({ ...bench.lane('whatsapp:+15550000009', 'whatsapp:+15550100001'), channel: 'whatsapp' })],
  ['email', () => ({ ...bench.lane('ann@example.com', 'help@example.org'), channel: 'email' })],
  ['messenger', () => ({ ...bench.lane('messenger:1234567890', 'messenger:100200300'), channel: 'messenger' })],
];
const accepted = (ids: string[]) => until(async () => (await Promise.all(ids.map(bench.state))).every((state) => state === 'accepted'));
const waits = async () => (await bench.db.pool.query<{ waits_for: string | null; later: boolean; attempt: number }>(
  "select waits_for, due_at > now() as later, attempt from delivery.delivery where state = 'queued'")).rows;
/** What is asked of Redis from now on. */
function asked(): string[] {
  const commands: string[] = [];
  const { sendCommand } = redis;
  redis.sendCommand = (command, ...rest) => {
    commands.push(command.name);
    return sendCommand.call(redis, command, ...rest);
  };
  return commands;
}

it.each(channels)('holds on %s: one after the other in the time it says, in order, though two instances send', async (_channel, laneOf) => {
  const lane = laneOf();
  await sender(lane, { every_seconds: 0.3 });
  const ids: string[] = [];
  for (const body of ['1', '2', '3', '4']) ids.push(await bench.queue(lane, body));
  const from = performance.now();
  for (const each of [instance('one'), instance('two')]) each.wake(lane);
  const sweep = setInterval(() => instances.forEach((each) => each.wake(lane)), 200); // as the sweeper does
  await accepted(ids).finally(() => clearInterval(sweep));
  expect(bench.carrier.bodies()).toEqual(['1', '2', '3', '4']);
  expect(performance.now() - from).toBeGreaterThan(3 * 300 - 10); // Redis has a clock of its own
});
it('holds up nobody else: who waits takes no place of the sender', async () => {
  const lanes = Array.from({ length: 12 }, () => bench.lane());
  await sender(lanes[0]!, { every_seconds: 3600, burst: 1 });
  const one = instance();
  for (const lane of lanes) for (const body of ['first', 'second']) await bench.queue(lane, body);
  for (const lane of lanes) one.wake(lane);
  const other = bench.lane();
  const id = await bench.queue(other, 'other');
  one.wake(other);
  await bench.reaches(id, 'accepted');
  await until(async () => (await waits()).filter(({ later }) => later).length === lanes.length);
  expect(bench.carrier.bodies().toSorted()).toEqual([...lanes.map(() => 'first'), 'other']);
  expect(await waits()).toEqual(lanes.map(() => ({ waits_for: 'rate', later: true, attempt: 0 })));
});
it('that is another now, or none, is not waited for any more', async () => {
  const lane = bench.lane();
  const senders = new Senders(bench.db.pool);
  const sid = await sender(lane, { every_seconds: 3600 }, { rate: 50 });
  const one = instance();
  const held = () => until(async () => (await waits()).some(({ later }) => later));
  const ids: string[] = [];
  for (const policy of [{ recipient_rate: { every_seconds: 7200, burst: 1 } }, { recipient_rate: null }]) {
    for (const body of ['sent', 'held']) ids.push(await bench.queue(lane, body));
    one.wake(lane);
    await held();
    await senders.update(bench.account, sid, { rate: 50 });
    expect((await waits()).some(({ later }) => later)).toBe(true); // nothing has changed
    await senders.update(bench.account, sid, { policy });
    one.wake(lane);
  }
  await accepted(ids);
});
it('so does a rate of the sender that is raised', async () => {
  const lane = bench.lane();
  const senders = new Senders(bench.db.pool);
  const sid = await sender(lane, undefined, { rate: 0.001 });
  const ids = [await bench.queue(lane, 'sent'), await bench.queue(lane, 'held')];
  const first = instance();
  first.wake(lane);
  await until(async () => (await waits()).some(({ later }) => later));
  await senders.update(bench.account, sid, { rate: 100 });
  await first.stop(); // it spares the sender for a while; others know nothing of it
  instance('two').wake(lane);
  await accepted(ids);
});
it('that is off costs no word with Redis', async () => {
  for (const laneOf of [channels[0]![1], channels[1]![1]]) { // the simulator knows no limit of WhatsApp's
    const lane = laneOf();
    const sid = await sender(lane, lane.channel === 'sms' ? undefined : null);
    const one = instance();
    const commands = asked();
    const id = await bench.queue(lane, 'hi');
    one.wake(lane);
    await bench.reaches(id, 'accepted');
    expect(commands).toEqual([]);
    // And one with it: both buckets in one call.
    await new Senders(bench.db.pool).update(bench.account, sid, { rate: 100, policy: { recipient_rate: { every_seconds: 0.01, burst: 10 } } });
    const second = await bench.queue(lane, 'hi');
    one.wake(lane);
    await bench.reaches(second, 'accepted');
    expect(commands.filter((name) => name !== 'eval')).toHaveLength(1);
  }
});
