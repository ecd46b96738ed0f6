/** Migrations: which comes after which is beyond doubt, and what a database has before one of them is still of use after it. */
import { readdir, readFile } from 'node:fs/promises';
import { testDatabase } from './database.testing.js';

const folder = new URL('../migrations/', import.meta.url);
/** Shipped before numbers had to be unique: files of one number touch nothing of each other, so their order (by name) is of no account. */
const PAIRS = ['0012_keyword_answers.sql', '0012_mail.sql', '0020_push.sql', '0020_sender_regions.sql'];

it.each(['../migrations/', '../migrations-keys/'])('files of %s are numbered from 0001 on, each number once', async (path) => {
  const names = (await readdir(new URL(path, import.meta.url))).filter((name) => name.endsWith('.sql')).sort();
  const numbers = names.filter((name) => !PAIRS.includes(name) || name === PAIRS[0] || name === PAIRS[2]).map((name) => name.slice(0, 5));
  expect(numbers).toEqual(numbers.map((_, i) => `${String(i + 1).padStart(4, '0')}_`));
});

it('what was put off before it was noted why is decided anew (0025), what waits for something else is not', async () => {
  const db = await testDatabase();
  try {
    const rows = [['before', 0, null, 600], ['noted', 0, 'daily_cap', 600], ['soon', 0, null, 20], ['failed', 30001, null, 600]];
    for (const [id, code, waitsFor, seconds] of rows)
      await db.pool.query(
        `insert into delivery.delivery (delivery_id, account, conversation_sid, message_sid, message_index, participant_sid, channel, sender, recipient, deadline, error_code, waits_for, due_at)
         values ($1, 'AC', 'CH', 'IM', 0, 'MB', 'sms', '+15550100001', $1, now() + interval '1 day', $2, $3, now() + $4 * interval '1 s')`, [id, code, waitsFor, seconds]);
    await db.pool.query(`drop function delivery.changes_waits, delivery.still_waits; ${await readFile(new URL('0025_put_off.sql', folder), 'utf8')}`);
    const { rows: due } = await db.pool.query('select delivery_id from delivery.delivery where due_at <= now()');
    expect(due).toEqual([{ delivery_id: 'before' }]);
  } finally {
    await db.drop();
  }
});
