/**
 * Senders over HTTP alone: a connection to Twilio's API (as the built-in simulator speaks it), a pool of numbers, a message out
 * with its receipt, an answer in at the connection's own address, STOP, a stand-in, and who may see what.
 */
import { accessToken } from '../tools/bench/access-token.ts';
import { anySid, text, webhook } from './carrier.js';
import type { Caller } from './caller.js';
import { Handset } from './handset.js';
import { until, type Topology } from './installation.js';
import { Stage } from './stage.js';

const TEST_MS = 180_000;
type Resource = { sid: string; address: string; webhook_url: string };
type Receipt = { status: string; error_code: number };
type Message = { sid: string; body: string | null; author: string };

describe.each<Topology>(['one', 'services'])('senders of an account (%s)', (topology) => {
  const stage = new Stage(topology);
  const person = '+15559000002';
  let caller: Caller;
  let connection: Resource;
  const senders: Resource[] = [];
  let service: Resource;
  let conversation: { sid: string };
  let handset: Handset;

  beforeAll(async () => {
    ({ caller } = stage);
    const { accountSid, authToken } = caller.credentials;
    connection = await caller.post<Resource>('/v1/CarrierConnections', {
      Carrier: 'twilio', Credentials: JSON.stringify({ accountSid, authToken }), Settings: JSON.stringify({ baseUrl: caller.places.simulatorUrl, carrierAnswersKeywords: false }),
    });
    for (const Address of ['+15557000001', '+15557000002'])
      senders.push(await caller.post<Resource>('/v1/Senders', { Address, ConnectionSid: connection.sid, ...(Address.endsWith('1') && { DailyCap: '3' }) }));
    service = await caller.post<Resource>('/v1/MessagingServices', { FriendlyName: 'Support' });
    for (const { sid } of senders) await caller.post(`/v1/MessagingServices/${service.sid}/Senders`, { SenderSid: sid });
    conversation = await caller.post<{ sid: string }>('/v1/Conversations', { FriendlyName: 'By a pool' });
    const participant = await caller.post<{ sid: string; messaging_binding: { proxy_address: string } }>(
      `/v1/Conversations/${conversation.sid}/Participants`, { 'MessagingBinding.Address': person, 'MessagingBinding.ProxyAddress': service.sid });
    expect(participant.messaging_binding.proxy_address).toBe(senders[0]!.address);
    handset = new Handset(caller, person, senders[0]!.address, participant.sid);
  }, TEST_MS);

  const messages = () => `/v1/Conversations/${conversation.sid}/Messages`;
  const write = (Body: string) => caller.post<Message>(messages(), { Body, Author: 'agent' });
  const receiptOf = ({ sid }: Message, status: string) => until(async () => {
    const [receipt] = await caller.all<Receipt>(`${messages()}/${sid}/Receipts`, 'delivery_receipts');
    return receipt?.status === status && receipt;
  }, `a receipt ${status}`);
  const arrived = (body: string) => until(async () => (await caller.all<Message>(messages(), 'messages')).find((message) => message.body === body), `${body} in the thread`);
  const at = (sender: Resource, path = '') => (body: string, fields = {}) =>
    webhook(caller, `/twilio/${connection.sid}${path}`, { ...text({ address: person, proxy: sender.address } as Handset, body), ...fields });

  it('a message goes out by the connection and comes back as a receipt, an answer comes in at its own address', async () => {
    await receiptOf(await write('Hello'), 'delivered');
    expect((await handset.received()).map(({ body }) => body)).toEqual(['Hello']);
    expect(connection.webhook_url).toBe(`${caller.places.webhookUrl}/twilio/${connection.sid}`);
    expect((await at(senders[0]!)('Hi there')).status).toBe(200);
    expect(await arrived('Hi there')).toMatchObject({ author: person });
  }, TEST_MS);

  it('a number that is none of its senders is refused', async () => {
    const { status, text: answer } = await caller.call('POST', `/v1/Conversations/${conversation.sid}/Participants`,
      { 'MessagingBinding.Address': '+15559000003', 'MessagingBinding.ProxyAddress': '+15551234567' });
    expect([status, JSON.parse(answer).code]).toEqual([403, 50413]);
  }, TEST_MS);

  it('STOP is answered once, blocks with 21610, is listed, and ends by the API', async () => {
    const fields = { MessageSid: anySid('SM') };
    for (const _ of [1, 2]) expect((await at(senders[0]!)('STOP', fields)).status).toBe(200);
    await until(async () => (await handset.received()).some(({ body }) => body.includes('unsubscribed')), 'the answer');
    expect(await receiptOf(await write('Are you there?'), 'failed')).toMatchObject({ error_code: 21610 });
    expect((await handset.received()).filter(({ body }) => body.includes('unsubscribed'))).toHaveLength(1);
    const refusals = await caller.all<Resource & { reason: string; sender: string }>(`/v1/OptOuts?Recipient=${encodeURIComponent(person)}`, 'opt_outs');
    expect(refusals.map(({ reason, sender }) => [reason, sender]).sort()).toEqual(senders.map(({ address }) => ['keyword', address]));
    await caller.delete(`/v1/OptOuts/${refusals[0]!.sid}`);
    await receiptOf(await write('Back again'), 'delivered');
  }, TEST_MS);

  it('with the day of the first number full the second goes on, and what is answered there reaches the same thread', async () => {
    await receiptOf(await write('By the other number'), 'delivered');
    const queues = await caller.get<{ queues: unknown[] }>('/v1/Queues');
    expect(queues.queues).toEqual([]);
    const received = await handset.received();
    expect(received.map(({ body }) => body)).toContain('By the other number');
    expect((await at(senders[1]!)('Who is this?')).status).toBe(200);
    await arrived('Who is this?');
  }, TEST_MS);

  it('what nobody sent, or for a connection that is gone, leaves no trace', async () => {
    expect((await webhook(caller, `/twilio/${anySid('CX')}`, text(handset, 'x'))).status).toBe(404);
    expect((await webhook(caller, `/twilio/${connection.sid}`, text(handset, 'forged'), { token: 'x' })).status).toBe(403);
    expect((await webhook(caller, `/pigeon/${connection.sid}`, text(handset, 'x'))).status).toBe(404);
    const foreign = await stage.parley.newAccount();
    expect((await stage.parley.request(`/v1/CarrierConnections/${connection.sid}`, { as: foreign })).status).toBe(404);
    expect((await caller.all<Message>(messages(), 'messages')).map(({ body }) => body)).not.toContain('forged');
  }, TEST_MS);

  it('users with an access token have no business here', async () => {
    const token = accessToken(caller.credentials, 'agent');
    for (const path of ['Senders', 'CarrierConnections', 'CarrierConnections/Carriers', 'MessagingServices', 'OptOuts', 'Queues', `Senders/${senders[0]!.sid}`]) {
      const { status, body } = await stage.parley.request(`/v1/${path}`, { as: null, headers: { authorization: `Bearer ${token}` } });
      expect([path, status, body.code]).toEqual([path, 403, 50107]);
    }
  }, TEST_MS);

  it('credentials that change are used at once, without a restart', async () => {
    await caller.post(`/v1/CarrierConnections/${connection.sid}`, { Credentials: JSON.stringify({ accountSid: caller.credentials.accountSid, authToken: 'wrong' }) });
    await until(async () => (await at(senders[0]!)('with the old secret')).status === 403, 'the old secret is refused');
    await caller.post(`/v1/CarrierConnections/${connection.sid}`, { Credentials: JSON.stringify({ accountSid: caller.credentials.accountSid, authToken: caller.credentials.authToken }) });
    await until(async () => (await at(senders[0]!)('with the new secret')).status === 200, 'the new secret is taken');
  }, TEST_MS);

  it('nothing crashed', () => stage.checkAll());
});
