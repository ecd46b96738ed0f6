import { TwilioMessaging } from '@parley/channel/twilio/messaging-adapter';
import { InvalidSignature } from '@parley/channel/send-error';
import { twilioSignature } from '@parley/channel/signatures';
import { newSid } from '@parley/domain/sid';
import { Accounts } from '@parley/event-store/accounts';
import { Carriers } from './carriers.js';
import { DeliveryBench } from './delivery.testing.js';
import { saveSender } from './senders.js';

class Adapter extends TwilioMessaging {
  limits = { bodyCharsMax: 1600, mediaBytesMax: 0, lookupDelayMillis: 0 };
}
const publicUrl = 'https://parley.example.test';
const twilio = newSid('AC');
const number = '+15550100001';
let bench: DeliveryBench;
let carriers: Carriers;
beforeAll(async () => {
  bench = await DeliveryBench.open();
  const { pool, box } = bench.db;
  const types = { simulator: { adapter: Adapter, baseUrl: 'http://simulator.test' }, twilio: { adapter: Adapter, baseUrl: 'http://twilio.test' } };
  carriers = new Carriers(types, publicUrl, new Accounts(pool, box), pool, box);
  await saveSender(pool, box, { account: bench.account, address: number, carrier: 'twilio', accountSid: twilio, authToken: 'theirs' });
});
afterAll(() => bench.db.drop());

const webhook = (accountSid: string, token: string, to = number, from = '+15550100002') => {
  const url = `${publicUrl}/webhooks/twilio/sms`;
  const form = new URLSearchParams({ AccountSid: accountSid, MessageSid: newSid('SM'), From: from, To: to, Body: 'hi' });
  return { method: 'POST', url, headers: { 'x-twilio-signature': twilioSignature(token, url, form) }, body: Buffer.from(form.toString()) };
};

describe('the adapter for a sender', () => {
  it('has the account’s own credentials at the simulator, the stored ones elsewhere, and is kept', async () => {
    const simulator = await carriers.adapterFor({ account: bench.account, carrier: 'simulator', credentials: null });
    const { rows: [sender] } = await bench.db.pool.query<{ credentials: Buffer }>('select credentials from delivery.sender');
    const real = await carriers.adapterFor({ account: bench.account, carrier: 'twilio', ...sender! });
    expect(simulator).toBeInstanceOf(Adapter);
    expect(real).not.toBe(simulator);
    expect(await carriers.adapterFor({ account: bench.account, carrier: 'twilio', ...sender! })).toBe(real);
    expect(sender!.credentials.toString()).not.toContain('theirs');
  });
  it('is missing for unknown carriers, accounts and credentials', async () => {
    for (const ref of [
      { account: bench.account, carrier: 'pigeon', credentials: bench.db.box.seal('{}') },
      { account: bench.account, carrier: 'twilio', credentials: null },
      { account: newSid('AC'), carrier: 'simulator', credentials: null },
    ]) expect(await carriers.adapterFor(ref)).toBeUndefined();
  });
});

describe('a webhook', () => {
  it('is the account’s whose secret it was signed with', async () => {
    expect(await carriers.openWebhook(webhook(bench.account, 'token'))).toMatchObject({ account: bench.account, carrier: 'simulator' });
    expect(await carriers.openWebhook(webhook(twilio, 'theirs'))).toMatchObject({ account: bench.account, carrier: 'twilio', events: [{ text: 'hi' }] });
  });
  it('of a number nobody has, or with another secret, is nobody’s', async () => {
    for (const forged of [webhook(twilio, 'theirs', '+19990000000'), webhook(twilio, 'token'), webhook(bench.account, 'theirs'), webhook('AC1', 'theirs')])
      await expect(carriers.openWebhook(forged)).rejects.toThrow(InvalidSignature);
  });
  it('with a NUL in an address is nobody’s', async () => {
    for (const odd of [webhook(twilio, 'theirs', number, '\0'), webhook(twilio, 'theirs', `${number}\0`)])
      await expect(carriers.openWebhook(odd)).rejects.toThrow(InvalidSignature);
  });
  it('of an account that is not active is nobody’s', async () => {
    const { pool, box } = bench.db;
    for (const status of ['suspended', 'closed']) {
      const [account, theirs] = [newSid('AC'), newSid('AC')];
      await pool.query(
        "insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid, status) values ($1, '', $2, 'IS', $3)",
        [account, box.seal('token'), status],
      );
      await saveSender(pool, box, { account, address: number, carrier: 'twilio', accountSid: theirs, authToken: 'theirs' });
      for (const late of [webhook(account, 'token'), webhook(theirs, 'theirs')])
        await expect(carriers.openWebhook(late)).rejects.toThrow(InvalidSignature);
    }
  });
  it('is not stolen by who enters somebody else’s number with a secret of his own', async () => {
    const thief = newSid('AC');
    await bench.db.pool.query("insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, '', $2, 'IS')", [thief, bench.db.box.seal('x')]);
    await saveSender(bench.db.pool, bench.db.box, { account: thief, address: number, carrier: 'twilio', accountSid: twilio, authToken: 'mine' });
    expect(await carriers.openWebhook(webhook(twilio, 'theirs'))).toMatchObject({ account: bench.account });
  });
});
