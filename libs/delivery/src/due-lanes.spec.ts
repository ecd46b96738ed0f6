import { DeliveryBench } from './delivery.testing.js';
import { DeliveryStore } from './delivery-store.js';
import { DueLanes } from './due-lanes.js';
import { jobSubject } from './lane.js';

let bench: DeliveryBench;
beforeAll(async () => { bench = await DeliveryBench.open(); });
afterAll(() => bench.db.drop());
beforeEach(() => bench.clear());

describe('DueLanes', () => {
  it('names each lane with something to do once, and none whose head is in hand or waits', async () => {
    const [due, inHand, waits, done] = [bench.lane(), bench.lane(), bench.lane(), bench.lane()];
    for (const lane of [due, due, inHand, inHand, waits, done]) await bench.queue(lane, 'hi');
    await new DeliveryStore(bench.db.pool, 'one').claim(inHand);
    await bench.db.pool.query("update delivery.delivery set due_at = now() + interval '1 h' where recipient = $1", [waits.recipient]);
    await bench.db.pool.query("update delivery.delivery set state = 'sent' where recipient = $1", [done.recipient]);
    const lanes = new DueLanes(bench.db.pool);
    expect(await lanes.next()).toEqual([due]);
    await bench.later();
    expect(await lanes.next()).toEqual([due, inHand, waits]);
  });
  it('finds every lane in turn when there are more than one step takes', async () => {
    await bench.db.pool.query(
      `insert into delivery.delivery (delivery_id, account, conversation_sid, message_sid, message_index, participant_sid, channel, sender, recipient, deadline)
       select 'DY' || n, 'AC', 'CH', 'IM', 0, 'MB', 'sms', '+1', n::text, now() from generate_series(1, 4500) n`,
    );
    const lanes = new DueLanes(bench.db.pool);
    const steps = [await lanes.next(), await lanes.next(), await lanes.next(), await lanes.next()];
    expect(steps.map(({ length }) => length)).toEqual([2000, 2000, 500, 2000]);
    expect(new Set(steps.slice(0, 3).flat().map(({ recipient }) => recipient)).size).toBe(4500);
  });
});

describe('the subject of a job', () => {
  it('is a plain one whatever the sender looks like', () => {
    for (const sender of ['+15550100001', 'whatsapp:+15550100001', 'My Shop', 'a.*.>'])
      expect(jobSubject({ account: 'AC1', channel: 'sms', sender, recipient: '+1' })).toMatch(/^deliver\.sms\.AC1-[A-Za-z0-9_-]+$/);
  });
});
