/**
 * SMPP end to end: a connection to a message centre on a socket, a sender, messages out in parts with a receipt for each, texts
 * in and in parts, and a line that breaks again and again under load.
 */
import { MessageCentre } from '@parley/channel/carriers/smpp/message-centre.testing';
import { Caller } from './caller.js';
import { Parley, START_MS, topology, until } from './installation.js';

const TEST_MS = 180_000;
const [sender, recipient] = ['+15550100001', '+15550100002'];
const LONG = 'Привет 👋 '.repeat(19);
type Receipt = { status: string; error_code: number };

describe(`SMPP (${topology})`, () => {
  let centre: MessageCentre;
  let parley: Parley;
  let caller: Caller;
  let conversation: string;
  beforeAll(async () => {
    centre = await new MessageCentre({ systemId: 'parley', password: 'secret' }).listen();
    parley = await Parley.start({ env: { WEBHOOK_PRIVATE_TARGETS: 'allow', UNANSWERED_SENDS: 'retry' } });
    caller = new Caller(await parley.newAccount(), parley.installation.info);
    const connection = await caller.post<{ sid: string }>('/v1/CarrierConnections', {
      Carrier: 'smpp', Credentials: JSON.stringify({ systemId: 'parley', password: 'secret' }),
      Settings: JSON.stringify({ host: '127.0.0.1', port: centre.port, responseSeconds: 10 }),
    });
    await caller.post('/v1/Senders', { Address: sender, ConnectionSid: connection.sid, MessagesPerSecond: '1000' });
    conversation = await aConversation(recipient);
    await until(async () => centre.sessions > 0, 'bound');
  }, START_MS);
  afterAll(async () => {
    await parley?.stop();
    await centre?.close();
  }, START_MS);

  const aConversation = async (address: string) => {
    const path = `/v1/Conversations/${(await caller.post<{ sid: string }>('/v1/Conversations', {})).sid}`;
    await caller.post(`${path}/Participants`, { 'MessagingBinding.Address': address, 'MessagingBinding.ProxyAddress': sender });
    return path;
  };
  const write = async (Body: string, path = conversation) => (await caller.post<{ sid: string }>(`${path}/Messages`, { Body, Author: 'agent' })).sid;
  const statusOf = async (message: string) => (await caller.get<{ delivery_receipts: Receipt[] }>(`${conversation}/Messages/${message}/Receipts`)).delivery_receipts[0];
  /** What the person wrote, in the order of the thread. */
  const texts = async () => (await caller.all<{ body: string | null; author: string }>(`${conversation}/Messages`, 'messages'))
    .filter(({ author }) => author.startsWith('+')).map(({ body }) => body);
  const submitted = async (count: number) => {
    await until(async () => centre.submits.length >= count, `${count} submits`);
    return centre.submits.splice(0);
  };

  it('delivers a long message when all its parts are delivered, in whatever order that is said', async () => {
    const message = await write(LONG);
    const parts = await submitted(3);
    for (const part of [parts[2]!, parts[0]!]) expect(await centre.receipt(part, 'DELIVRD', { parameters: true })).toBe(0);
    await until(async () => (await statusOf(message))?.status !== 'delivered', 'not yet');
    expect(await centre.receipt(parts[1]!)).toBe(0);
    await until(async () => (await statusOf(message))?.status === 'delivered', 'delivered');
  }, TEST_MS);
  it('tells when one part cannot be delivered, with the documented code', async () => {
    const message = await write(LONG);
    const parts = await submitted(3);
    await centre.receipt(parts[0]!);
    await centre.receipt(parts[1]!, 'EXPIRED');
    expect(await until(async () => {
      const receipt = await statusOf(message);
      return receipt?.status === 'undelivered' && receipt;
    }, 'undelivered')).toMatchObject({ error_code: 30036 });
  }, TEST_MS);
  it('brings texts once, and parts as one message', async () => {
    for (let i = 0; i < 2; i++) expect(await centre.deliver({ shortMessage: Buffer.from('Thank you') })).toBe(0);
    const whole = Buffer.from(LONG, 'utf16le').swap16();
    const parts = [0, 1, 2].map((i) => Buffer.concat([Buffer.from([5, 0, 3, 42, 3, i + 1]), whole.subarray(i * 134, i * 134 + 134)]));
    for (const i of [2, 0, 0, 1]) expect(await centre.deliver({ esmClass: 0x40, dataCoding: 8, shortMessage: parts[i]! })).toBe(0);
    await until(async () => (await texts()).includes(LONG), 'joined');
    expect(await texts()).toEqual(['Thank you', LONG]);
  }, TEST_MS);
  it('loses nothing while the line breaks and the message centre complains; what can come twice is what was not answered', async () => {
    const paths = await Promise.all(Array.from({ length: 10 }, (_, i) => aConversation(`+1555020${String(i).padStart(4, '0')}`)));
    let unanswered = 0;
    centre.answer = (_, count) => {
      if (count % 17 === 0) unanswered++;
      return count % 17 === 0 ? 'drop' : count % 23 === 0 ? 0x58 : 'accept';
    };
    const bodies = Array.from({ length: 40 }, (_, n) => `n ${n}`);
    await Promise.all(bodies.map((body, n) => write(body, paths[n % paths.length]!)));
    const got = () => centre.submits.map(({ fields }) => fields.shortMessage.toString());
    await until(async () => new Set(got()).size >= bodies.length, 'all of them', 120_000);
    centre.answer = () => 'accept';
    expect(new Set(got())).toEqual(new Set(bodies));
    expect(got().length - bodies.length).toBeLessThanOrEqual(unanswered * 10); // a window each time
    expect(centre.binds.length).toBeGreaterThan(1);
  }, TEST_MS);
});
