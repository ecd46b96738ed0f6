import type { ConversationCommands, ReportDelivery } from '@parley/contracts/commands';
import { Receipts } from '@parley/delivery/receipts';
import { createWorkPool } from '@parley/delivery/work-pool';
import { newSid } from '@parley/domain/sid';
import type { Pool } from '@parley/event-store/database';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { Sweeper } from './sweeper.js';

let db: TestDatabase;
let pool: Pool;
let sweeper: Sweeper;
const jobs: string[] = [];
const reports: ReportDelivery[] = [];
beforeAll(async () => {
  db = await testDatabase();
  pool = createWorkPool(db.url);
  const conversations = { reportDelivery: async (_caller: unknown, _sid: unknown, report: ReportDelivery) => { reports.push(report); } };
  const queue = { publish: (subject: string, lane: object) => { jobs.push(`${subject.split('.')[1]} ${(lane as { recipient: string }).recipient}`); } };
  sweeper = new Sweeper(pool, queue, new Receipts(pool, conversations as unknown as ConversationCommands), 10);
});
afterAll(async () => {
  await sweeper.stop();
  await pool.end();
  await db.drop();
});

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; !(await condition()); await new Promise((resolve) => setTimeout(resolve, 5)))
    if (Date.now() > end) throw new Error(`still not so: ${condition.toString()}`);
}
const insert = (recipient: string, fields: string, values: string) => db.pool.query(
  `insert into delivery.delivery (delivery_id, account, conversation_sid, message_sid, message_index, participant_sid, channel, sender, recipient,
                                  deadline, ${fields}) values ($1, 'AC', 'CH', 'IM', 0, 'MB', 'sms', '+1', $2, now(), ${values})`, [newSid('DY'), recipient],
);

describe('the sweeper', () => {
  it('drives on what nobody drives: lost jobs, dead attempts, missing receipts, old rows', async () => {
    await insert('lost job', 'state', "'queued'");
    await insert('dead attempt', 'state, due_at', "'sending', now() - interval '1 s'");
    await insert('in hand', 'state, due_at', "'sending', now() + interval '1 h'");
    await insert('no receipt', 'state, updated_at', "'delivered', now() - interval '1 min'");
    await insert('old', 'state, reported, created_at', "'delivered', 'delivered', now() - interval '31 days'");
    await insert('old but waiting', 'state, created_at, due_at', "'queued', now() - interval '31 days', now() + interval '1 h'");
    await db.pool.query("insert into delivery.inbox (account, carrier, event_key, state, received_at) values ('AC', 's', 'old', 'done', now() - interval '8 days')");
    sweeper.start();
    await until(() => jobs.length >= 4);
    expect(new Set(jobs)).toEqual(new Set(['sms lost job', 'sms dead attempt']));
    await until(() => reports.length === 1);
    expect(reports).toMatchObject([{ status: 'delivered' }]);
    await until(async () => (await db.pool.query('select 1 from delivery.inbox')).rowCount === 0);
    const old = async () => (await db.pool.query<{ recipient: string }>("select recipient from delivery.delivery where recipient like 'old%'")).rows;
    await until(async () => (await old()).length === 1);
    expect(await old()).toEqual([{ recipient: 'old but waiting' }]);
  });
});
