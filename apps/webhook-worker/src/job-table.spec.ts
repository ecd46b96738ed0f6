/** A webhook costs the same however many went out all week, before and after the database has statistics (design, P7). */
import { LaneStore } from '@parley/delivery/lane-store';
import { createWorkPool } from '@parley/delivery/work-pool';
import { newSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { readMoreThan } from '@parley/event-store/entries-read.testing';
import { webhookJobs, type Claim, type End } from './job-table.js';

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

const insert = (lane: string, state: string, count: number) => pool.query(
  `insert into webhook.job (job_key, account, target, lane, event_type, url, method, parameters, state, attempt)
   select $1::text || n, $2::text, $1, $1, 'onMessageAdded', 'http://127.0.0.1:1/', 'POST', '{}', $3, 1 from generate_series(1, $4) n`, [lane, account, state, count]);

/** One that is tried twice and delivered. */
async function everything(store: LaneStore<Claim, End>): Promise<void> {
  const lane = newSid('WH');
  await insert(lane, 'queued', 1);
  await store.dueLanes();
  await store.settle((await store.claim(lane))!, { state: 'queued', dueInMillis: 0 });
  const claim = (await store.claim(lane))!;
  await store.settle(claim, { state: 'delivered' });
  expect((await pool.query('select state, attempt from webhook.job where job_id = $1', [claim.job_id])).rows).toEqual([{ state: 'delivered', attempt: 3 }]);
}

it('reads a bounded number of entries, without and with statistics', async () => {
  const store = new LaneStore<Claim, End>(pool, webhookJobs, 'spec');
  await everything(store); // plans made while the table was empty
  await insert('done', 'delivered', 20_000);
  for (const prepare of ['select 1', 'analyze webhook.job']) {
    await pool.query(prepare);
    expect(await readMoreThan(100, pool, () => everything(store))).toEqual({});
  }
});
