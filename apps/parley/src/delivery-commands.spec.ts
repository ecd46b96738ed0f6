import { newSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { deliveryCommand } from './delivery-commands.js';

let db: TestDatabase;
const [account, twilio] = [newSid('AC'), newSid('AC')];
beforeAll(async () => {
  db = await testDatabase();
  await db.pool.query("insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, '', $2, 'IS')", [account, Buffer.from('x')]);
});
afterAll(() => db.drop());
const run = (...args: string[]) => deliveryCommand(args, db, { TWILIO_AUTH_TOKEN: 'secret' });

describe('sender', () => {
  it('is added, listed without its secret, decides which proxy addresses are valid, and is removed', async () => {
    const mayUse = async (address: string) =>
      (await db.pool.query<{ may: boolean }>("select delivery.may_use_proxy($1, 'sms', $2) as may", [account, address])).rows[0]!.may;
    expect(await mayUse('+15550100009')).toBe(true);
    const added = [{ account, channel: 'sms', address: '+15550100001', carrier: 'twilio', carrierAccount: twilio }];
    expect(await run('sender', 'add', account, '+15550100001', twilio)).toEqual(added);
    expect([await mayUse('+15550100001'), await mayUse('+15550100009')]).toEqual([true, false]);
    expect(await run('sender', 'list', account)).toEqual(added);
    expect(await run('sender', 'remove', account, '+15550100001')).toEqual([{ removed: true }]);
    expect(await mayUse('+15550100009')).toBe(true);
  });
  it.each([
    ['sender', 'add', account, 'not@a.number', twilio],
    ['sender', 'add', account, '+15550100001'],
    ['sender', 'list'],
    ['replay'],
    ['replay', 'that one'],
    ['dead-letters', 'mine'],
    ['sendr'],
  ])('%s %s %s %s says in one line what is wrong', async (...args) => {
    await expect(run(...args)).rejects.toMatchObject({ name: 'UsageError' });
  });
  it('is of an account there is, and has its token', async () => {
    await expect(run('sender', 'add', newSid('AC'), '+15550100001', twilio)).rejects.toMatchObject({ name: 'CommandError' });
    await expect(deliveryCommand(['sender', 'add', account, '+15550100001', twilio], db, {})).rejects.toMatchObject({ name: 'ConfigError' });
  });
});

describe('dead letters', () => {
  it('are listed and replayed', async () => {
    const delivery = newSid('DY');
    await db.pool.query(
      `insert into delivery.delivery (delivery_id, account, conversation_sid, message_sid, message_index, participant_sid, channel, sender,
                                      recipient, deadline, state, dead_letter, error_code)
       values ($1, $2, 'CH', 'IM', 0, 'MB', 'sms', '+1', '+2', now(), 'failed', true, 30036)`, [delivery, account],
    );
    expect(await run('dead-letters', account)).toMatchObject([{ deliveryId: delivery, errorCode: 30036 }]);
    expect(await run('replay', delivery, newSid('DY'))).toEqual([{ queued: 1 }]);
    expect(await run('dead-letters')).toEqual([]);
  });
});
