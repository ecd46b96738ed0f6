/** What waits, by sender and one by one: right, and asked at a cost that does not grow with what waits. */
import { newSid } from '@parley/domain/sid';
import { createPool, type Pool } from '@parley/event-store/database';
import { DeliveryBench } from './delivery.testing.js';
import { listDeliveries } from './delivery-record.js';
import { channelQueue, queueStates } from './queues.js';

let bench: DeliveryBench;
/** One connection, so that its statistics are its own. */
let pool: Pool;
beforeAll(async () => {
  bench = await DeliveryBench.open();
  pool = createPool(bench.db.url, { max: 1 });
});
beforeEach(() => bench.clear());
afterAll(async () => {
  await pool.end();
  await bench.db.drop();
});

const SENDERS = 4;
/** So many, queued one second after the other, the first longest ago: to four senders in turn, on two channels, half as many people. */
const wait = (count: number, account: string = bench.account) => pool.query(
  `insert into delivery.delivery (delivery_id, account, conversation_sid, message_sid, message_index, participant_sid, channel, sender, recipient, deadline, created_at, due_at)
   select 'DY' || $1 || n, $1, 'CH', 'IM', 0, 'MB', case when n % 2 = 0 then 'sms' else 'whatsapp' end,
          case when n % 2 = 0 then '' else 'whatsapp:' end || '+1555010000' || (n % ${SENDERS}), '+1555' || lpad((n % ($2 / 2))::text, 7, '0'),
          now() + interval '1 hour', now() - ($2 - n) * interval '1 s', now() + (n % 8 / 7) * interval '1 minute'
     from generate_series(0, $2 - 1) n`, [account, count]);
async function entriesRead(work: () => Promise<unknown>): Promise<number> {
  const read = async () => {
    await pool.query('select pg_stat_force_next_flush()');
    const { rows } = await pool.query<{ read: number }>(
      `select (sum(seq_tup_read) + (select sum(idx_tup_read) from pg_stat_user_indexes where schemaname = 'delivery'))::integer as read from pg_stat_user_tables where schemaname = 'delivery'`);
    return rows[0]!.read;
  };
  const before = await read();
  await work();
  return (await read()) - before;
}

it('are counted by sender: how many, since when, and those that are put off', async () => {
  await wait(80);
  await wait(20, newSid('AC'));
  const queues = await queueStates(pool, bench.account);
  expect(queues.map(({ channel, sender, depth, held, exact }) => [channel, sender, depth, held, exact])).toEqual([
    ['sms', '+15550100000', 20, 0, true], ['sms', '+15550100002', 20, 0, true], ['whatsapp', 'whatsapp:+15550100001', 20, 0, true], ['whatsapp', 'whatsapp:+15550100003', 20, 10, true],
  ]);
  for (const { oldestSeconds } of queues) expect(oldestSeconds).toBeGreaterThanOrEqual(76);
  expect((await channelQueue(pool, 'sms')).depth).toBe(50);
  expect(await queueStates(pool, newSid('AC'))).toEqual([]);
});
it('are listed oldest first, of one sender or of all', async () => {
  await wait(160);
  const sidsOf = (sids: number[]) => sids.map((n) => `DY${bench.account}${n}`);
  const all = await listDeliveries(pool, bench.account, { sender: undefined });
  expect(all.map(({ sid }) => sid)).toEqual(sidsOf(Array.from({ length: 100 }, (_, n) => n)));
  const one = await listDeliveries(pool, bench.account, { sender: 'whatsapp:+15550100003' });
  expect(one.map(({ sid }) => sid)).toEqual(sidsOf(Array.from({ length: 40 }, (_, n) => 4 * n + 3)));
  expect(await listDeliveries(pool, bench.account, { sender: '+15550999999' })).toEqual([]);
});
it('cost no more when many wait, with and without statistics; each sender has its share', async () => {
  await wait(20_000);
  for (const prepare of ['select 1', 'analyze delivery.delivery']) {
    await pool.query(prepare);
    const counted = await entriesRead(async () => {
      const queues = await queueStates(pool, bench.account, 400);
      expect(queues.map(({ depth, exact }) => [depth, exact])).toEqual(Array.from({ length: SENDERS }, () => [100, false]));
    });
    const listed = await entriesRead(async () => {
      const found = await listDeliveries(pool, bench.account, { sender: undefined }, 400);
      expect([found.length, new Set(found.map(({ sender }) => sender)).size]).toEqual([100, SENDERS]);
    });
    const ofOne = await entriesRead(() => listDeliveries(pool, bench.account, { sender: '+15550100002' }, 400));
    for (const read of [counted, listed, ofOne]) {
      expect(read).toBeGreaterThan(200);
      expect(read).toBeLessThan(1500);
    }
  }
});
