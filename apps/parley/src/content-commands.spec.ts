import { newSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { accountGroup } from './account-commands.js';
import { understand } from './command-group.js';
import { contentGroup } from './content-commands.js';
import type { Credentials } from './new-account.js';
import { withCommands } from './service-commands.js';

let db: TestDatabase;
let account: string;
beforeAll(async () => {
  db = await testDatabase();
  [{ accountSid: account }] = (await understand(accountGroup, ['create', 'Top'])!(db)) as [Credentials];
});
afterAll(() => db.drop());

const approval = (...args: string[]) => understand(contentGroup, ['approval', ...args])!(db);
async function template(asked: object | null): Promise<string> {
  const [sid, at] = [newSid('HX'), new Date().toISOString()];
  const row = { sid, friendly_name: null, language: 'en', variables: {}, types: { 'twilio/text': { body: 'x' } }, approval: asked, created_at: at, updated_at: at };
  await withCommands(db, (commands) => commands.create({ account }, 'ContentTemplate', row));
  return sid;
}

it('an approval is told, with its reason, and taken back', async () => {
  const sid = await template({ name: 'a', category: 'UTILITY', status: 'received', rejection_reason: '' });
  expect(await approval(account, sid, 'rejected', 'too loud')).toMatchObject([{ contentSid: sid, name: 'a', status: 'rejected', rejection_reason: 'too loud' }]);
  expect(await approval(account, sid, 'approved')).toMatchObject([{ status: 'approved', rejection_reason: '' }]);
  expect((await db.pool.query('select approval from model.content_template where sid = $1', [sid])).rows).toMatchObject([{ approval: { name: 'a', status: 'approved' } }]);
});
it('is refused for what is not there, was not asked for, or is no state', async () => {
  const sid = await template(null);
  await expect(approval(account, sid, 'approved')).rejects.toMatchObject({ name: 'CommandError', message: expect.stringContaining('nobody asked') });
  await expect(approval(account, newSid('HX'), 'approved')).rejects.toMatchObject({ name: 'CommandError' });
  for (const args of [[account, sid, 'perhaps'], [account, 'HX1', 'approved'], [account, sid, 'approved', 'why']])
    await expect(approval(...args)).rejects.toMatchObject({ name: 'UsageError' });
});
