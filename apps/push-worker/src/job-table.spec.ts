/** A notification costs the same however many went out all week, before and after the database has statistics (design, P7). */
import { LaneStore } from '@parley/delivery/lane-store';
import { createWorkPool } from '@parley/delivery/work-pool';
import { newSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { readMoreThan } from '@parley/event-store/entries-read.testing';
import { pushJobs, type Claim, type End } from './job-table.js';

const account = newSid('AC');
let db: TestDatabase;
/** One connection, so that its statements and its statistics are the same one's. */
let pool: ReturnType<typeof createWorkPool>;
beforeAll(async () => {
  db = await testDatabase();
  pool = createWorkPool(db.url);
  pool.options.max = 1;
});
afterAll(async () => {
  await pool.end();
  await db.drop();
});

const insert = (device: string, state: string, count: number) => pool.query(
  `insert into push.job (job_key, account, chat_service_sid, conversation_sid, binding_sid, identity, host, kind, notification, kept, expires_at, state, attempt)
   select $1::text || n, $2, 'IS', 'CH', $1, 'ann', 'CR', 'new_message', '{}', true, now() + interval '1 h', $3, 1 from generate_series(1, $4) n`, [device, account, state, count]);

/** One that is tried twice and sent. */
async function everything(store: LaneStore<Claim, End>): Promise<void> {
  const device = newSid('BS');
  await insert(device, 'queued', 1);
  await store.dueLanes();
  await store.settle((await store.claim(device))!, { state: 'queued', dueInMillis: 0 });
  const claim = (await store.claim(device))!;
  await store.settle(claim, { state: 'sent' });
  expect((await pool.query('select state, attempt from push.job where job_id = $1', [claim.job_id])).rows).toEqual([{ state: 'sent', attempt: 3 }]);
}

it('reads a bounded number of entries, without and with statistics', async () => {
  const store = new LaneStore<Claim, End>(pool, pushJobs, 'spec');
  await everything(store); // plans made while the table was empty
  await insert('done', 'sent', 20_000);
  for (const prepare of ['select 1', 'analyze push.job']) {
    await pool.query(prepare);
    expect(await readMoreThan(100, pool, () => everything(store))).toEqual({});
  }
});
