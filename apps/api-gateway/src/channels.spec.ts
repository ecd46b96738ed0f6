/** Connections, senders, messaging services, refusals and queues over HTTP, on a real database. */
import { listOf } from '@parley/contracts/rest/answer-fields';
import * as answers from '@parley/contracts/rest/channel-answers';
import { receiptSidOf } from '@parley/domain/delivery/receipt-sid';
import { DomainError } from '@parley/domain/domain-error';
import { newSid, type MessageSid } from '@parley/domain/sid';
import { TestGateway, unknown, type TestAccount } from './gateway.testing.js';

let gateway: TestGateway;
const binding: Record<string, any>[] = [];
beforeAll(async () => {
  gateway = await TestGateway.start();
  gateway.commands.addParticipant = async (_caller, _sid, data) => { binding.push(data.binding!); throw Object.assign(new Error('far enough'), { statusCode: 418 }); };
});
afterAll(() => gateway.stop());

const fits = (schema: { parse(value: unknown): unknown }, value: unknown) => expect(schema.parse(value)).toEqual(value);
const credentials = (accountSid = newSid('AC')) => JSON.stringify({ accountSid, authToken: 'very secret' });
const made = async (path: string, form: Record<string, string>, as?: TestAccount): Promise<any> => {
  const { status, body } = await gateway.call(path, { form, ...(as && { as }) });
  expect({ status, body }).toMatchObject({ status: 201 });
  return body;
};
const connection = (as?: TestAccount) => made('/CarrierConnections', { Carrier: 'twilio', Credentials: credentials() }, as);
const sender = async (Address: string, more: Record<string, string> = {}) => made('/Senders', { Address, ConnectionSid: (await connection()).sid, ...more });
let phones = 0;
const number = () => `+1555020${String(phones++).padStart(4, '0')}`;

describe('connections', () => {
  it('are made, shown without secrets, changed and removed', async () => {
    const body = await made('/CarrierConnections', { Carrier: 'twilio', FriendlyName: 'Ours', Credentials: credentials(), Settings: '{"baseUrl":"https://api.example.com"}' });
    fits(answers.connectionAnswer, body);
    expect(body).toMatchObject({ carrier: 'twilio', friendly_name: 'Ours', webhook_url: `https://api.example/webhooks/twilio/${body.sid}`, settings: { baseUrl: 'https://api.example.com' } });
    const path = `/CarrierConnections/${body.sid}`;
    const changed = await gateway.call(path, { form: { FriendlyName: '', Credentials: credentials() } });
    expect(changed).toMatchObject({ status: 200, body: { friendly_name: null, settings: body.settings } });
    const page = await gateway.call('/CarrierConnections');
    fits(listOf('carrier_connections', answers.connectionAnswer), page.body);
    for (const answer of [body, changed.body, page.body, (await gateway.call(path)).body]) expect(JSON.stringify(answer)).not.toContain('secret');
    expect((await gateway.call(path, { method: 'DELETE' })).status).toBe(204);
    expect((await gateway.call(path)).status).toBe(404);
    fits(answers.carriersAnswer, (await gateway.call('/CarrierConnections/Carriers')).body);
  });
  it.each([
    ['Carrier', { Carrier: 'pigeon', Credentials: '{}' }], ['Credentials.accountSid', { Carrier: 'twilio', Credentials: '{}' }],
    ['Credentials.authToken', { Carrier: 'twilio', Credentials: `{"accountSid":"${newSid('AC')}"}` }],
    ['Credentials.extra', { Carrier: 'twilio', Credentials: JSON.stringify({ ...JSON.parse(credentials()), extra: 1 }) }],
    ['Settings.baseUrl', { Carrier: 'twilio', Credentials: credentials(), Settings: '{"baseUrl":"http://127.0.0.1:80"}' }],
    ['Settings.baseUrl', { Carrier: 'twilio', Credentials: credentials(), Settings: '{"baseUrl":"https://metadata.internal/"}' }],
    ['Settings.baseUrl', { Carrier: 'twilio', Credentials: credentials(), Settings: '{"baseUrl":"ftp://x.example.com"}' }],
    ['Settings', { Carrier: 'twilio', Credentials: credentials(), Settings: '[]' }], ['Credentials', { Carrier: 'twilio', Credentials: 'x' }], ['Carrier', { Credentials: '{}' }],
  ])('that do not fit are refused by the name of the field: %s', async (field, form) => {
    const { status, body } = await gateway.call('/CarrierConnections', { form: form as Record<string, string> });
    expect([status, body.code]).toEqual([400, 20001]);
    expect(body.message).toContain(`Invalid parameter: ${field}`);
    expect(body.message).not.toContain('secret');
  });
  it('with the same Idempotency-Key are one', async () => {
    const form = { Carrier: 'twilio', Credentials: credentials() };
    const headers = { 'idempotency-key': 'once' };
    const [first, again] = [await gateway.call('/CarrierConnections', { form, headers }), await gateway.call('/CarrierConnections', { form, headers })];
    expect(again.body).toEqual(first.body);
    expect((await gateway.call('/CarrierConnections', { form: { ...form, FriendlyName: 'x' }, headers })).status).toBe(409);
    const gone = { method: 'DELETE', headers: { 'idempotency-key': 'gone' } };
    for (const _ of [1, 2]) expect((await gateway.call(`/CarrierConnections/${first.body.sid}`, gone)).status).toBe(204);
  });
  it('stay as long as a sender uses them', async () => {
    const { connection_sid } = await sender(number());
    expect(await gateway.call(`/CarrierConnections/${connection_sid}`, { method: 'DELETE' })).toMatchObject({ status: 409, body: { code: 20409 } });
  });
});

describe('senders', () => {
  it('are made, listed by channel, changed and removed; only they are valid proxies then', async () => {
    const address = number();
    const body = await sender(address, { Rate: '1.5', DailyCap: '200', Capabilities: 'mms,group', Policy: '{"regions":["+1"],"opt_out":{"help":"Call us"},"recipient_rate":{"every_seconds":6,"burst":3}}' });
    fits(answers.senderAnswer, body);
    expect(body).toMatchObject({ address, channel: 'sms', carrier: 'twilio', rate: 1.5, daily_cap: 200, capabilities: ['mms', 'group'] });
    const path = `/Senders/${body.sid}`;
    expect((await gateway.call(path, { form: { Rate: '', DailyCap: '5' } })).body).toMatchObject({ rate: null, daily_cap: 5, policy: body.policy });
    const page = await gateway.call('/Senders?Channel=SMS&PageSize=1');
    fits(listOf('senders', answers.senderAnswer), page.body);
    expect(page.body.meta.url).toContain('Channel=sms');
    expect((await gateway.call('/Senders?Channel=whatsapp')).body.senders).toEqual([]);
    const conversation = await gateway.conversation();
    const add = (proxy: string) => gateway.call(`/Conversations/${conversation}/Participants`, { form: { 'MessagingBinding.Address': '+15559990001', 'MessagingBinding.ProxyAddress': proxy } });
    expect((await add('+15558887777')).body.code).toBe(50413);
    expect((await add(address)).body.code).not.toBe(50413);
    expect((await gateway.call(path, { method: 'DELETE' })).status).toBe(204);
    expect((await add(address)).body.code).toBe(50413); // other senders of the channel are still there
  });
  it.each<[string, Record<string, string>, number]>([
    ['an address of no channel', { Address: 'not an address!' }, 50408], ['another account’s connection', { ConnectionSid: newSid('CX') }, 20001], ['no address', { Address: '' }, 50412],
    ['a rate of nothing', { Rate: '0' }, 20001], ['a cap of nothing', { DailyCap: '0' }, 20001], ['a policy nobody knows', { Policy: '{"moon":true}' }, 20001],
    ['a channel the carrier does not have', { Address: 'a@example.com' }, 20001],
    ['a capability nobody knows', { Capabilities: 'mms,fax' }, 20001], ['none and one', { Capabilities: 'none,mms' }, 20001],
  ])('%s is refused', async (_, more, code) => {
    const { sid } = await connection();
    expect((await gateway.call('/Senders', { form: { Address: number(), ConnectionSid: sid, ...more } })).body.code).toBe(code);
  });
  it('can do as much as is said of the number, nothing, or what the carrier can', async () => {
    const { sid } = await sender(number(), { Capabilities: 'none' });
    const changed = async (Capabilities: string) => (await gateway.call(`/Senders/${sid}`, { form: { Capabilities } })).body.capabilities;
    expect([(await gateway.call(`/Senders/${sid}`)).body.capabilities, await changed('mms, group'), await changed('')]).toEqual([[], ['mms', 'group'], null]);
  });
  it.each([
    ['{"moon":true}', 'Policy.moon (there is no such field)'], ['{"opt_out":{"stopp":"x"}}', 'Policy.opt_out.stopp (there is no such field)'], ['{"regions":["49"]}', 'Policy.regions.0 ('],
    ['{"recipient_rate":{"every_seconds":0}}', 'Policy.recipient_rate.every_seconds ('], ['{"recipient_rate":{"every_seconds":1e9}}', 'Policy.recipient_rate.every_seconds ('],
    ['{"recipient_rate":{"every_seconds":1,"burst":1.5}}', 'Policy.recipient_rate.burst ('], ['{"recipient_rate":{"burst":2}}', 'Policy.recipient_rate.every_seconds ('],
    ['{"recipient_rate":{"every_seconds":1,"per":2}}', 'Policy.recipient_rate.per (there is no such field)'], ['{"recipient_rate":5}', 'Policy.recipient_rate ('],
    ['{', 'Policy (no JSON)'], ['[]', 'Policy (Invalid input: expected object'], ['{"opt_out":{"stop":"\\u0000"}}', 'Policy (NUL'],
  ])('a policy that does not fit is refused by its place: %s', async (Policy, message) => {
    const { body } = await gateway.call('/Senders', { form: { Address: number(), ConnectionSid: (await connection()).sid, Policy } });
    expect([body.code, body.message]).toEqual([20001, expect.stringContaining(`Invalid parameter: ${message}`)]);
  });
  it('are there once', async () => {
    const address = number();
    await sender(address);
    expect((await gateway.call('/Senders', { form: { Address: address, ConnectionSid: (await connection()).sid } })).status).toBe(409);
  });
});

describe('messaging services', () => {
  it('have a pool that is shown, and give a participant one of its senders, the same one again', async () => {
    const [first, second] = [await sender(number()), await sender(number())];
    const service = await made('/MessagingServices', { FriendlyName: 'Support' });
    fits(answers.messagingServiceAnswer, service);
    const pool = `/MessagingServices/${service.sid}/Senders`;
    for (const { sid } of [first, second]) fits(answers.poolSenderAnswer, await made(pool, { SenderSid: sid }));
    const page = await gateway.call(pool);
    fits(listOf('senders', answers.poolSenderAnswer), page.body);
    expect(page.body.senders).toMatchObject([{ place: 0 }, { place: 1 }]);

    const ask = async (address: string): Promise<string> => {
      const conversation = await gateway.conversation();
      await gateway.call(`/Conversations/${conversation}/Participants`, { form: { 'MessagingBinding.Address': address, 'MessagingBinding.ProxyAddress': service.sid } });
      return binding.pop()!['proxyAddress'];
    };
    expect(await ask('+15559990100')).toBe(first.address);
    expect(await ask('+15559990101')).toBe(second.address);
    expect([await ask('+15559990101'), await ask('+15559990100')]).toEqual([second.address, first.address]);
    // The pair is in another conversation already: the next free one.
    await gateway.database.pool.query("insert into model.address_binding values ($1, '+15559990100', $2, 'CH', 'MB') on conflict do nothing", [gateway.account.sid, first.address]);
    expect(await ask('+15559990100')).toBe(second.address);
    expect((await gateway.call(`${pool}/${first.sid}`, { method: 'DELETE' })).status).toBe(204);
    expect((await gateway.call(`/MessagingServices/${service.sid}`, { form: { StickySender: 'false' } })).body.sticky_sender).toBe(false);
    expect((await gateway.call(`/MessagingServices/${service.sid}`, { method: 'DELETE' })).status).toBe(204);
  });
  it('give another sender when somebody else gave theirs to the same person just now, and refuse once none is left', async () => {
    const service = await made('/MessagingServices', { FriendlyName: 'Busy' });
    const senders = [await sender(number()), await sender(number())];
    for (const { sid } of senders) await made(`/MessagingServices/${service.sid}/Senders`, { SenderSid: sid });
    const { addParticipant } = gateway.commands;
    const tried: string[] = [];
    gateway.commands.addParticipant = async (_caller, _sid, { binding }) => {
      tried.push(binding!.proxyAddress);
      await gateway.database.pool.query("insert into model.address_binding values ($1, $2, $3, 'CH', 'MB') on conflict do nothing", [gateway.account.sid, binding!.address, binding!.proxyAddress]);
      throw new DomainError('address_pair_in_use', { conversationSid: 'CH' });
    };
    const conversation = await gateway.conversation();
    const answer = await gateway.call(`/Conversations/${conversation}/Participants`, { form: { 'MessagingBinding.Address': '+15559990200', 'MessagingBinding.ProxyAddress': service.sid } });
    gateway.commands.addParticipant = addParticipant;
    expect([answer.status, answer.body.code]).toEqual([409, 50416]);
    expect(tried.slice(0, 2)).toEqual(senders.map(({ address }) => address));
    expect(tried).toHaveLength(3);
  });
  it('that nobody has, or without a sender for the channel, are no proxy', async () => {
    const conversation = await gateway.conversation();
    const { sid } = await made('/MessagingServices', { FriendlyName: 'Empty' });
    for (const proxy of [sid, unknown('MG')])
      expect((await gateway.call(`/Conversations/${conversation}/Participants`, { form: { 'MessagingBinding.Address': '+15559990001', 'MessagingBinding.ProxyAddress': proxy } })).body.code).toBe(50413);
    expect((await gateway.call(`/MessagingServices/${sid}/Senders`, { form: { SenderSid: newSid('XE') } })).body.code).toBe(20001);
    expect((await gateway.call('/MessagingServices', { form: { FriendlyName: '' } })).body.code).toBe(50000);
  });
});

describe('refusals', () => {
  it('are noted by an agent, listed by sender and recipient, and taken back', async () => {
    const body = await made('/OptOuts', { Sender: '+15550300001', Recipient: '+15550300002' });
    fits(answers.optOutAnswer, body);
    expect(body.reason).toBe('agent');
    const listed = await gateway.call('/OptOuts?Sender=%2B15550300001&Recipient=%2B15550300002');
    fits(listOf('opt_outs', answers.optOutAnswer), listed.body);
    expect(listed.body.opt_outs).toEqual([body]);
    expect((await gateway.call('/OptOuts?Sender=%2B15550300009')).body.opt_outs).toEqual([]);
    expect((await gateway.call(`/OptOuts/${body.sid}`, { method: 'DELETE' })).status).toBe(204);
    expect((await gateway.call(`/OptOuts/${body.sid}`)).status).toBe(404);
    expect((await gateway.call('/OptOuts', { form: { Sender: '+15550300001', Recipient: 'whatsapp:+15550300002' } })).body.code).toBe(20001);
  });
});

describe('routing policies', () => {
  it.each([
    [{ quiet_hours: { start: '25:00', end: '08:00', time_zone: 'Europe/Berlin' } }, 'Policy.quiet_hours.start (HH:MM'], [{ quiet_hour: {} }, 'Policy.quiet_hour (there is no such field)'],
    [{ quiet_hours: { start: '21:00', end: '08:00', time_zone: 'Mars/Base' } }, 'Policy.quiet_hours.time_zone (no time zone'],
    [{ fallback: { ways: [{}] } }, 'Policy.fallback.ways.0 (neither template nor sender)'], [{ fallback: { on: ['never'], ways: [{ sender: '+15550100001' }] } }, 'Policy.fallback.on.0 ('],
    [{ regions: { deny: ['1900'] } }, 'Policy.regions.deny.0 ('], [{ media: 'fax' }, 'Policy.media ('],
  ])('that do not fit are refused by the place: %j', async (policy, message) => {
    const { status, body } = await gateway.call('/RoutingPolicies', { form: { Policy: JSON.stringify(policy) } });
    expect([status, body.code, body.message]).toEqual([400, 20001, expect.stringContaining(`Invalid parameter: ${message}`)]);
  });
});

describe('queues', () => {
  it('tell depth and age by sender, and dead letters to try again', async () => {
    const put = async (state: string, dead: boolean) => {
      const sid = newSid('DY');
      await gateway.database.pool.query(
        `insert into delivery.delivery (delivery_id, account, conversation_sid, message_sid, message_index, participant_sid, channel, sender, recipient, deadline, state, dead_letter, created_at)
         values ($1, $2, 'CH', 'IM', 0, 'MB', 'sms', '+15550400001', '+2', now(), $3, $4, now() - interval '90 s')`, [sid, gateway.account.sid, state, dead],
      );
      return sid;
    };
    await put('queued', false);
    const dead = await put('failed', true);
    const { body } = await gateway.call('/Queues');
    fits(answers.queuesAnswer, body);
    expect(body.queues).toMatchObject([{ channel: 'sms', sender: '+15550400001', depth: 1, held: 0 }]);
    expect(body.queues[0].oldest_seconds).toBeGreaterThanOrEqual(90);
    fits(answers.deadLettersAnswer, (await gateway.call('/Queues/DeadLetters')).body);
    fits(answers.replayAnswer, (await gateway.call(`/Queues/DeadLetters/${dead}`, { method: 'POST' })).body);
    expect((await gateway.call(`/Queues/DeadLetters/${dead}`)).status).toBe(404);
  });
  it('show the deliveries of a message before there are receipts, and what waits, of a sender or of all', async () => {
    const [message, other] = [newSid('IM'), newSid('IM')];
    const put = async (of: string, sender: string, state: string) => {
      const sid = receiptSidOf(of as MessageSid, newSid('MB'));
      await gateway.database.pool.query(
        `insert into delivery.delivery (delivery_id, account, conversation_sid, message_sid, message_index, participant_sid, channel, sender, recipient, deadline, state)
         values ($1, $2, $3, $4, 0, $5, 'sms', $6, '+2', now(), $7)`, [sid, gateway.account.sid, newSid('CH'), of, newSid('MB'), sender, state]);
      return sid;
    };
    const [sent, waiting] = [await put(message, '+15550400002', 'sent'), await put(message, '+15550400003', 'queued')];
    const third = await put(other, '+15550400003', 'queued');
    const ask = async (query: string, as = gateway.account) => (await gateway.call(`/Queues/Deliveries?${query}`, { as })).body;
    const sids = (body: { deliveries: { sid: string }[] }) => body.deliveries.map(({ sid }) => sid);
    const of = await ask(`MessageSid=${message}`);
    fits(answers.deliveriesAnswer, of);
    expect(sids(of)).toEqual([sent, waiting]);
    expect(sids(await ask(`Sender=${encodeURIComponent('+15550400003')}`))).toEqual([waiting, third]);
    expect(sids(await ask('')).slice(-2)).toEqual([waiting, third]);
    expect(sids(await ask(`MessageSid=${message}`, gateway.other))).toEqual([]);
    expect((await ask('MessageSid=IM1')).code).toBe(20001);
    expect((await ask(`MessageSid=${message}&Sender=x`)).message).toContain('Sender');
  });
});

describe('access', () => {
  it('is to one’s own alone', async () => {
    const { sid, connection_sid } = await sender(number());
    const { sid: service } = await made('/MessagingServices', { FriendlyName: 'Ours' });
    const { sid: refusal } = await made('/OptOuts', { Sender: '+15550300001', Recipient: '+15550300003' });
    for (const path of [`/Senders/${sid}`, `/CarrierConnections/${connection_sid}`, `/MessagingServices/${service}`, `/MessagingServices/${service}/Senders`, `/OptOuts/${refusal}`]) {
      expect((await gateway.call(path, { as: gateway.other })).status).toBe(404);
      if (!path.endsWith('Senders')) expect((await gateway.call(path, { as: gateway.other, method: 'DELETE' })).status).toBe(404);
    }
    for (const [path, key] of [['Senders', 'senders'], ['CarrierConnections', 'carrier_connections'], ['MessagingServices', 'messaging_services'], ['OptOuts', 'opt_outs']])
      expect((await gateway.call(`/${path}`, { as: gateway.other })).body[key!]).toEqual([]);
    expect((await gateway.call('/Senders', { as: gateway.other, form: { Address: number(), ConnectionSid: connection_sid } })).body.code).toBe(20001);
  });
  it('of a restricted key is what its policy says', async () => {
    const { body } = await gateway.call('/Keys', { form: { AccountSid: gateway.account.sid, KeyType: 'restricted', Policy: '{"allow":["/twilio/conversations/senders/list"]}' } });
    const as = { sid: body.sid, token: body.secret, service: '' };
    expect((await gateway.call('/Senders', { as })).status).toBe(200);
    for (const path of ['/CarrierConnections', '/Queues', '/OptOuts', '/MessagingServices']) expect((await gateway.call(path, { as })).body.code).toBe(70051);
  });
  it('knows what is no verb of a path', async () => {
    for (const [method, path] of [['PUT', '/Senders'], ['DELETE', '/Queues'], ['POST', '/Queues']] as const) expect((await gateway.call(path, { method })).status).toBe(405);
  });
});
