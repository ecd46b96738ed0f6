/** Work costs the same however much was done before: no statement ever reads a whole table or index (design, P7). */
import { newSid } from '@parley/domain/sid';
import type { Pool } from '@parley/event-store/database';
import { readMoreThan } from '@parley/event-store/entries-read.testing';
import { DeliveryBench } from './delivery.testing.js';
import { DeliveryStore } from './delivery-store.js';
import { DueLanes } from './due-lanes.js';
import { InboxStore } from './inbox-store.js';
import { Receipts } from './receipts.js';
import { createWorkPool } from './work-pool.js';

/** Of one table or index while everything is done eight times. */
const ENTRIES_MAX = 2_000;

let bench: DeliveryBench;
/** One connection, so that its statements and its statistics are the same one's. */
let pool: Pool;
beforeAll(async () => {
  bench = await DeliveryBench.open();
  await bench.db.pool.query('select pg_stat_force_next_flush()'); // the making of the tables is counted late
  pool = createWorkPool(bench.db.url);
  pool.options.max = 1;
});
afterAll(async () => {
  await pool.end();
  await bench.db.drop();
});

async function everything(): Promise<void> {
  const store = new DeliveryStore(pool, 'one');
  const inbox = new InboxStore(pool, 'one');
  const receipts = new Receipts(pool, bench.conversations);
  const dueLanes = new DueLanes(pool);
  for (let n = 0; n < 8; n++) { // often enough for plans that are kept
    const lane = bench.lane();
    const [deliveryId, sid] = [await bench.queue(lane, 'hi'), newSid('SM')];
    const status = { kind: 'status', channel: 'sms', from: '', to: '', text: null, media: [] as [], inReplyTo: null, providerMessageId: sid } as const;
    await dueLanes.next();
    const claim = (await store.claim(lane))!;
    await store.unclaimed(claim, [sid]);
    await store.settle({ deliveryId, attempt: claim.attempt, state: 'accepted', providerMessageIds: [sid] });
    await receipts.apply(bench.account, { ...status, status: 'sent', deliveryId });
    await receipts.apply(bench.account, { ...status, status: 'failed', errorCode: 30003 });
    await receipts.apply(bench.account, { ...status, status: 'delivered' });
    await receipts.sweep();
    const message = { kind: 'message', channel: 'sms', from: lane.recipient, to: '+1', text: 'hi', media: [] as [], providerMessageId: sid, inReplyTo: null } as const;
    const { row } = await inbox.store({ account: bench.account, carrier: 'simulator', event: message }, n % 2 === 0);
    if (row) await inbox.end({ id: row.id, state: 'done' });
    await inbox.take(1, []);
  }
}

describe('with a hundred thousand done before', () => {
  const grow = async () => {
    await everything(); // plans made while the tables were small
    await pool.query(
      `insert into delivery.delivery (delivery_id, account, conversation_sid, message_sid, message_index, participant_sid, channel,
                                      sender, recipient, deadline, state, reported, provider_message_ids)
       select 'DY' || n, $1, 'CH' || n, 'IM', 0, 'MB', 'sms', '+15550100001', (n % 1000)::text, now(), 'delivered', 'delivered', array['SM' || n]
         from generate_series(1, 100000) n`, [bench.account],
    );
    await pool.query("insert into delivery.attempt (delivery_id, attempt, owner) select delivery_id, 1, 'x' from delivery.delivery where state = 'delivered' on conflict do nothing");
    await pool.query(
      "insert into delivery.inbox (account, carrier, event_key, lane, state) select $1, 's', n::text, 'l' || n % 1000, 'done' from generate_series(1, 100000) n", [bench.account],
    );
    await pool.query(
      `insert into model.message (conversation_sid, index, sid, author, body, attributes, created_at, updated_at)
       select 'CH' || n, 0, 'IM' || n, 'a', 'b', '{}', now(), now() from generate_series(1, 100000) n`,
    );
  };

  it('nothing reads a whole table or index, with and without statistics', async () => {
    await grow();
    for (const prepare of ['select 1', 'analyze']) {
      await pool.query(prepare);
      expect(await readMoreThan(ENTRIES_MAX, pool, everything)).toEqual({});
    }
  });
});
