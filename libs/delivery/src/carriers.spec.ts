import { SimulatorSms } from '@parley/channel/carriers/simulator/adapter';
import { TwilioSms } from '@parley/channel/carriers/twilio/adapter';
import { InvalidSignature } from '@parley/channel/send-error';
import { twilioSignature } from '@parley/channel/signatures';
import { newSid } from '@parley/domain/sid';
import { Accounts } from '@parley/event-store/accounts';
import { publicOnly } from '@parley/webhooks/target-address';
import type { lookup } from 'node:dns';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Carriers } from './carriers.js';
import { hostsNamed } from './connection-hosts.js';
import { Connections } from './connections.js';
import { DeliveryBench } from './delivery.testing.js';
import { saveSender } from './senders.js';

const publicUrl = 'https://parley.example.test';
const twilio = newSid('AC');
const number = '+15550100001';
let bench: DeliveryBench;
let carriers: Carriers;
beforeAll(async () => {
  bench = await DeliveryBench.open();
  const { pool, box } = bench.db;
  carriers = new Carriers({ channel: 'sms', pool, box, accounts: new Accounts(pool, box), publicUrl, simulatorUrl: 'http://simulator.test' });
  await saveSender(pool, box, { account: bench.account, address: number, carrier: 'twilio', accountSid: twilio, authToken: 'theirs' });
});
afterAll(() => bench.db.drop());

const webhook = (accountSid: string, token: string, to = number, from = '+15550100002') => {
  const url = `${publicUrl}/webhooks/twilio/sms`;
  const form = new URLSearchParams({ AccountSid: accountSid, MessageSid: newSid('SM'), From: from, To: to, Body: 'hi' });
  return { method: 'POST', url, headers: { 'x-twilio-signature': twilioSignature(token, url, form) }, body: Buffer.from(form.toString()) };
};

describe('the adapter for a sender', () => {
  const connectionOf = async () => (await bench.db.pool.query<{ sid: string; version: number; credentials: Buffer }>(
    'select sid, version, credentials from delivery.connection where account = $1', [bench.account])).rows[0]!;

  it('has the account’s own credentials at the simulator, the stored ones elsewhere, and is kept until they change', async () => {
    const simulator = await carriers.adapterFor({ account: bench.account, carrier: 'simulator', connection: null });
    const { sid, version, credentials } = await connectionOf();
    const ref = { account: bench.account, carrier: 'twilio', connection: sid };
    const real = await carriers.adapterFor({ ...ref, version });
    expect(simulator).toBeInstanceOf(SimulatorSms);
    expect(real).toBeInstanceOf(TwilioSms);
    expect(await carriers.adapterFor({ ...ref, version })).toBe(real);
    expect(credentials.toString()).not.toContain('theirs');
    await saveSender(bench.db.pool, bench.db.box, { account: bench.account, address: number, carrier: 'twilio', accountSid: twilio, authToken: 'theirs' });
    expect((await connectionOf()).version).toBe(version + 1);
    expect(await carriers.adapterFor({ ...ref, version: version + 1 })).not.toBe(real);
  });
  it('is missing for unknown carriers, accounts and connections, and for those of others', async () => {
    const { sid } = await connectionOf();
    for (const ref of [
      { account: bench.account, carrier: 'pigeon', connection: null },
      { account: bench.account, carrier: 'twilio', connection: newSid('CX') },
      { account: newSid('AC'), carrier: 'twilio', connection: sid },
      { account: newSid('AC'), carrier: 'simulator', connection: null },
    ]) expect(await carriers.adapterFor(ref)).toBeUndefined();
  });
});

describe('a connection that names a host', () => {
  const made = (privateAllowed: boolean, baseUrl: string) => new Connections({ pool: bench.db.pool, box: bench.db.box, privateAllowed }).create(
    bench.account, { carrier: 'twilio', credentials: { accountSid: newSid('AC'), authToken: 'x' }, settings: { baseUrl } });
  const opened = async (sid: string, addresses: string[]) => {
    const { pool, box } = bench.db;
    const asking = new Carriers({ channel: 'sms', pool, box, accounts: new Accounts(pool, box), publicUrl, simulatorUrl: '', resolve: async () => addresses });
    return (await asking.adapterFor({ account: bench.account, carrier: 'twilio', connection: sid, version: 1 })) !== undefined;
  };
  it('is opened when it leads outside, or its maker may name what is inside', async () => {
    const { sid } = await made(false, 'https://carrier.example.com');
    expect([await opened(sid, ['8.8.8.8']), await opened(sid, ['8.8.8.8', '10.0.0.1']), await opened(sid, ['::1']), await opened(sid, [])]).toEqual([true, false, false, true]);
    expect(await opened((await made(true, 'http://127.0.0.1:8025')).sid, ['127.0.0.1'])).toBe(true);
  });
  it('goes nowhere inside, though its name led outside when it was opened', async () => {
    const reached: string[] = [];
    const server = createServer((request, response) => { reached.push(request.url!); response.end('{"sid":"SM1"}'); });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const { pool, box } = bench.db;
      const inside = ((_name: string, _options: object, done: (error: null, found: object[]) => void) => done(null, [{ address: '127.0.0.1', family: 4 }])) as unknown as typeof lookup;
      const sendBy = async (sid: string) => {
        const rebound = new Carriers({ channel: 'sms', pool, box, accounts: new Accounts(pool, box), publicUrl, simulatorUrl: '', resolve: async () => ['8.8.8.8'], lookup: publicOnly(inside) });
        const adapter = await rebound.adapterFor({ account: bench.account, carrier: 'twilio', connection: sid, version: 1 });
        return adapter!.send({ deliveryId: newSid('DY'), sender: number, recipient: '+15550100002', body: 'secret', media: [], firstAttemptAt: new Date().toISOString() }, AbortSignal.timeout(30_000));
      };
      const { sid } = await made(false, `http://carrier.example.com:${port}`);
      await expect(sendBy(sid)).rejects.toMatchObject({ outcome: 'retryable', code: 'unreachable' });
      expect(reached).toEqual([]);
      expect(await sendBy((await made(true, `http://127.0.0.1:${port}`)).sid)).toEqual({ providerMessageIds: ['SM1'] });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
  it.each(['http://127.0.0.1', 'http://[::1]:8080', 'https://localhost', 'https://metadata.internal'])('%s is refused when it is made', async (baseUrl) => {
    await expect(made(false, baseUrl)).rejects.toMatchObject({ name: 'ConnectionFault', field: 'Settings.baseUrl' });
  });
  it('is found by every field that holds one', () => {
    expect(hostsNamed({ host: 'mail.example.com', port: 25, imap: { host: '::1', folder: 'INBOX' }, url: 'wss://x.example.com:9/y', note: 'ghost', smtpHost: '10.0.0.1' }))
      .toEqual([{ field: 'host', host: 'mail.example.com' }, { field: 'imap.host', host: '[::1]' }, { field: 'url', host: 'x.example.com' }, { field: 'smtpHost', host: '10.0.0.1' }]);
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
