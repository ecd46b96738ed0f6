import { newSid } from '@parley/domain/sid';
import { Accounts } from './accounts.js';
import { testDatabase, type TestDatabase } from './database.testing.js';

describe('accounts', () => {
  let db: TestDatabase;
  let accounts: Accounts;
  const [sid, key] = [newSid('AC'), newSid('SK')];
  beforeAll(async () => {
    db = await testDatabase();
    accounts = new Accounts(db.pool, db.box);
    await db.pool.query("insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, '', $2, 'IS')", [sid, db.box.seal('token')]);
    await db.pool.query("insert into registry.api_key (sid, account, friendly_name, secret) values ($1, $2, '', $3)", [key, sid, db.box.seal('secret')]);
  });
  afterAll(() => db.drop());

  it('come in with their own token, or a key with its secret', async () => {
    expect(await accounts.verifyBasic(sid, 'token')).toMatchObject({ sid });
    expect(await accounts.verifyBasic(key, 'secret')).toMatchObject({ sid });
    expect(await accounts.verifyBasic(sid, 'secret')).toBeUndefined();
  });
  it('are not asked for by what is no SID', async () => {
    for (const odd of ['AC\0', 'SK\0', `${sid}\0`, `${key.slice(0, -1)}\0`, 'AC', 'bob', '']) {
      expect(await accounts.verifyBasic(odd, 'token')).toBeUndefined();
      expect(await accounts.find(odd)).toBeUndefined();
      expect(await accounts.findKey(odd)).toBeUndefined();
    }
  });
});
