import type { DeliveryReceipt } from '@parley/channel/inbound-event';
import type { RouterCommands } from '@parley/contracts/commands';
import { DeliveryBench } from './delivery.testing.js';
import { DeliveryStore } from './delivery-store.js';
import { InboundEvents } from './inbound-events.js';
import type { Lane } from './lane.js';
import { Parts } from './parts.js';
import { Receipts } from './receipts.js';

let bench: DeliveryBench;
let events: InboundEvents;
let store: DeliveryStore;
beforeAll(async () => {
  bench = await DeliveryBench.open();
  const { db: { pool }, conversations } = bench;
  store = new DeliveryStore(pool, 'one');
  events = new InboundEvents(pool, {} as RouterCommands, new Receipts(pool, conversations), new Parts(pool, () => {}));
});
afterAll(() => bench.db.drop());

let people = 0;
const lane = (): Lane => ({ account: bench.account, channel: 'messenger', sender: 'messenger:1', recipient: `messenger:7${people++}` });
const report = ({ sender, recipient }: Lane, status: DeliveryReceipt['status'], upTo: Date) => events.status(bench.account, {
  kind: 'status', channel: 'messenger', from: sender, to: recipient, text: null, media: [], inReplyTo: null, status, providerMessageId: `up to ${upTo.toISOString()}`, upTo: upTo.toISOString(),
});
/** A message the carrier took; `segments` ids of it. */
async function sent(to: Lane, ids: string[]): Promise<string> {
  const deliveryId = await bench.queue(to, 'hi');
  const { attempt } = (await store.claim(to))!;
  await store.settle({ deliveryId, attempt, state: 'accepted', providerMessageIds: ids, segments: ids.length > 1 });
  return deliveryId;
}
const now = async () => (await bench.db.pool.query<{ now: string }>('select clock_timestamp() as now')).rows.map((row) => new Date(row.now))[0]!;
const soon = async () => new Date((await now()).getTime() + 1000);

describe('a report on all that was sent until some moment', () => {
  it('is one on each message of that person, and of nobody else', async () => {
    const [to, other] = [lane(), lane()];
    const ids = [await sent(to, ['m1']), await sent(to, ['m2', 'm2/0'])];
    const theirs = await sent(other, ['m3']);
    expect(await report(to, 'delivered', await soon())).toBe('done');
    expect(await Promise.all([...ids, theirs].map(bench.state))).toEqual(['delivered', 'delivered', 'accepted']);
    expect(await report(to, 'read', await soon())).toBe('done');
    expect(await Promise.all(ids.map(bench.state))).toEqual(['read', 'read']);
    expect((await bench.row(ids[0]!)).provider_message_ids).toEqual(['m1']);
  });
  it('is none on what was sent later', async () => {
    const to = lane();
    const until = new Date((await now()).getTime() - 1000);
    const id = await sent(to, ['m4']);
    expect(await report(to, 'read', until)).toBe('done');
    expect(await bench.state(id)).toBe('accepted');
  });
  it('waits for what is being sent: its ids are not known yet', async () => {
    const to = lane();
    const first = await sent(to, ['m5']);
    const second = await bench.queue(to, 'hi');
    const { attempt } = (await store.claim(to))!;
    const until = await soon();
    expect(await report(to, 'read', until)).toBe('unmatched');
    expect(await bench.state(first)).toBe('read');
    await store.settle({ deliveryId: second as never, attempt, state: 'accepted', providerMessageIds: ['m6'] });
    expect(await report(to, 'read', until)).toBe('done');
    expect(await bench.state(second)).toBe('read');
  });
});
