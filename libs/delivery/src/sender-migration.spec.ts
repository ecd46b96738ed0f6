/** Senders of before connections: what an installation had goes on sending, with the credentials it had. */
import { newSid } from '@parley/domain/sid';
import { createPool } from '@parley/event-store/database';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { readFileSync } from 'node:fs';

let db: TestDatabase;
beforeAll(async () => { db = await testDatabase(); });
afterAll(() => db.drop());

const migration = (name: string) => readFileSync(new URL(`../../event-store/migrations/${name}.sql`, import.meta.url), 'utf8');

it('each becomes a sender with a connection of its own', async () => {
  const before = `${new URL(db.url).pathname.slice(1)}_before`;
  await db.pool.query(`create database ${before}`);
  const pool = createPool(Object.assign(new URL(db.url), { pathname: `/${before}` }).href, { max: 2 });
  try {
    for (const name of ['0002_registry', '0003_delivery']) await pool.query(migration(name));
    await pool.query('set search_path = public');
    const [account, theirs] = [newSid('AC'), newSid('AC')];
    await pool.query("insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, '', $2, 'IS')", [account, db.box.seal('own')]);
    for (const [channel, address, token] of [['sms', '+15550100001', 'first'], ['whatsapp', 'whatsapp:+15550100001', 'second']])
      await pool.query("insert into delivery.sender (account, channel, address, carrier, carrier_account, credentials) values ($1, $2, $3, 'twilio', $4, $5)",
        [account, channel, address, theirs, db.box.seal(JSON.stringify({ accountSid: theirs, authToken: token }))]);
    await pool.query("insert into delivery.opt_out (account, channel, sender, recipient) values ($1, 'sms', '+15550100001', '+15550100002')", [account]);

    await pool.query(migration('0010_channels'));
    // Asked as the migration left it: later ones add columns.
    const { rows: senders } = await pool.query<{ sid: string; carrier: string; carrier_account: string; address: string }>(
      `select s.sid, s.address, c.carrier, c.carrier_account from delivery.sender s join delivery.connection c on c.sid = s.connection and c.account = s.account
        where c.sid ~ '^CX[0-9a-f]{32}$' order by s.address`);
    const sid = expect.stringMatching(/^XE[0-9a-f]{32}$/) as string;
    expect(senders).toEqual([
      { sid, carrier: 'twilio', carrier_account: theirs, address: '+15550100001' }, { sid, carrier: 'twilio', carrier_account: theirs, address: 'whatsapp:+15550100001' },
    ]);
    const { rows: [usable] } = await pool.query("select delivery.may_use_proxy($1, 'sms', '+15550100001') as own, delivery.may_use_proxy($1, 'sms', '+1') as foreign, delivery.carrier_of($1, 'sms', '+15550100001') as carrier", [account]);
    expect(usable).toEqual({ own: true, foreign: false, carrier: 'twilio' });
    expect((await pool.query('select sid from delivery.opt_out')).rows).toEqual([{ sid: expect.stringMatching(/^XO[0-9a-f]{32}$/) }]);

    const { rows: stored } = await pool.query<{ sid: string; credentials: Buffer }>('select sid, credentials from delivery.connection');
    expect(stored.map(({ credentials }) => JSON.parse(db.box.open(credentials)).authToken).sort()).toEqual(['first', 'second']);
  } finally {
    await pool.end();
    await db.pool.query(`drop database ${before} with (force)`);
  }
});
