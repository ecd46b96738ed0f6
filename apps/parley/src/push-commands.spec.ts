import { vapidPublicKey } from '@parley/push/vapid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { accountGroup } from './account-commands.js';
import { understand } from './command-group.js';
import type { Credentials } from './new-account.js';
import { pushGroup } from './push-commands.js';

let db: TestDatabase;
let account: string;
beforeAll(async () => {
  db = await testDatabase();
  [{ accountSid: account }] = (await understand(accountGroup, ['create', 'Top'])!(db)) as [Credentials];
});
afterAll(() => db.drop());
const push = (...args: string[]) => understand(pushGroup, args)!(db);

it('makes a credential for Web Push, whose private half is sealed', async () => {
  const [made] = (await push('vapid', account, 'mailto:ops@example.com', 'Browsers')) as [{ credentialSid: string; publicKey: string }];
  const { rows: [row] } = await db.pool.query('select * from model.credential where sid = $1', [made.credentialSid]);
  expect(row).toMatchObject({ account, type: 'webpush', friendly_name: 'Browsers', subject: 'mailto:ops@example.com', public_key: made.publicKey });
  expect(vapidPublicKey(db.box.open(Buffer.from(row.private_key as string, 'base64')))).toBe(made.publicKey);
  await expect(push('vapid', account, 'ops@example.com')).rejects.toMatchObject({ name: 'UsageError' });
});
it('lists what became of notifications', async () => {
  expect(await push('list', account)).toEqual([]);
  await expect(push('list', 'AC1')).rejects.toMatchObject({ name: 'UsageError' });
});
