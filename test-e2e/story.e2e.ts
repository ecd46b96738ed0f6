/**
 * The story Parley is for (README): one thread with a customer on SMS, one on WhatsApp, one by email, and two agents in the chat. All
 * from outside: the official SDK, websockets, and each carrier's own side of its protocol.
 */
import { randomBytes } from 'node:crypto';
import type { ConversationContext } from 'twilio/lib/rest/conversations/v1/conversation.js';
import { Caller } from './caller.js';
import { Parley, START_MS, topology, until } from './installation.js';
import { Member } from './member.js';
import { Mailbox, Phone, Whatsapp, type Customer, type Picture } from './story-people.js';

const TEST_MS = 180_000;
const ana = new Phone();
const ben = new Whatsapp();
const cleo = new Mailbox();
const customers: Customer[] = [ana, ben, cleo];
let parley: Parley;
let thread: ConversationContext;
let agents: [Member, Member];

beforeAll(async () => {
  parley = await Parley.start({ env: { WEBHOOK_PRIVATE_TARGETS: 'allow' } });
  const caller = new Caller(parley.account, parley.installation.info);
  await Promise.all(customers.map((customer) => customer.connect(caller)));
  const { conversations } = parley.sdk().conversations.v1;
  const { sid } = await conversations.create({ friendlyName: 'Order 17' });
  thread = conversations(sid);
  for (const identity of ['mira', 'noor']) await thread.participants.create({ identity });
  for (const { address, ours } of customers) await thread.participants.create({ 'messagingBinding.address': address, 'messagingBinding.proxyAddress': ours });
  agents = [new Member(caller, sid, 'mira'), new Member(caller, sid, 'noor')];
  await Promise.all(agents.map((agent) => agent.join()));
}, START_MS * 2);
afterAll(async () => {
  for (const agent of agents ?? []) agent.leave();
  await Promise.all(customers.map((customer) => customer.end()));
  await parley?.stop();
}, START_MS);

const picture = (name: string): Picture => ({ name: `${name}.png`, bytes: Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), randomBytes(2_000)]) });
const copies = async (customer: Customer, text: string) => (await customer.received()).filter((got) => got.text.includes(text)).length;
const hasText = (customer: Customer, text: string) => until(async () => (await copies(customer, text)) > 0, `"${text}" reaches ${customer.address}`);
const hasFile = (customer: Customer, { name, bytes }: Picture) => until(async () => (await customer.received()).some(({ files }) => files.some((file) => file.equals(bytes))), `${name} reaches ${customer.address}`);
const agentsSee = (text: string) => Promise.all(agents.map((agent) => until(async () => agent.messages.some(({ body }) => body === text), `${agent.identity} sees "${text}"`)));
const stored = (text: string) => until(async () => (await thread.messages.list()).find(({ body }) => body === text), `"${text}" is in the thread`);
/** By the address of whom the receipt is about. */
async function receiptsOf(message: string): Promise<Record<string, { status: string; errorCode: number }>> {
  const [receipts, participants] = await Promise.all([thread.messages(message).deliveryReceipts.list(), thread.participants.list()]);
  const addressOf = new Map(participants.map((participant) => [participant.sid, participant.messagingBinding?.address as string]));
  return Object.fromEntries(receipts.map(({ participantSid, status, errorCode }) => [addressOf.get(participantSid)!, { status, errorCode }]));
}

describe(`one thread over SMS, WhatsApp, email and the chat (${topology})`, () => {
  it('what an agent says reaches every customer by their channel, and each channel reports', async () => {
    const { sid } = await thread.messages.create({ author: 'mira', body: 'Good morning, your order is ready.' });
    await Promise.all([agentsSee('Good morning, your order is ready.'), ...customers.map((customer) => hasText(customer, 'Good morning'))]);
    const expected = Object.fromEntries(customers.map(({ address, best }) => [address, { status: best, errorCode: 0 }]));
    await until(async () => {
      const receipts = await receiptsOf(sid);
      return customers.every(({ address, best }) => receipts[address]?.status === best) && receipts;
    }, 'each receipt is as good as its channel gives');
    expect(await receiptsOf(sid)).toEqual(expected);
    expect((await thread.messages(sid).fetch()).delivery).toMatchObject({ total: 3, sent: 'all', delivered: 'some', read: 'some', failed: 'none', undelivered: 'none' });
  }, TEST_MS);

  it.each(customers)('what the customer on $channel writes reaches the two others and both agents, once', async (author) => {
    const text = `Thanks, from ${author.channel}`;
    await author.write(text);
    expect(await stored(text)).toMatchObject({ author: author.address });
    await Promise.all([agentsSee(text), ...customers.filter((one) => one !== author).map((one) => hasText(one, text))]);
    expect(await Promise.all(customers.map((one) => copies(one, text)))).toEqual(customers.map((one) => (one === author ? 0 : 1)));
  }, TEST_MS);

  it('a picture of an agent is a file on every channel', async () => {
    const label = picture('label');
    const upload = await fetch(`${parley.url}/v1/Services/${parley.account.serviceSid}/Media?Filename=${label.name}`, {
      method: 'POST', body: new Uint8Array(label.bytes),
      headers: { authorization: `Basic ${btoa(`${parley.account.accountSid}:${parley.account.authToken}`)}`, 'content-type': 'image/png' },
    });
    const { sid: mediaSid } = (await upload.json()) as { sid: string };
    await thread.messages.create({ author: 'noor', mediaSid });
    await Promise.all(customers.map((customer) => hasFile(customer, label)));
  }, TEST_MS);

  it.each(customers)('a picture from $channel is kept, and is a file on the other channels', async (author) => {
    const photo = picture(`photo-${author.channel}`);
    await author.write(`Photo by ${author.channel}`, photo);
    const { media } = await until(async () => {
      const found = (await thread.messages.list()).find(({ body }) => body === `Photo by ${author.channel}`);
      return (found?.media?.[0] as { size: number } | undefined)?.size === photo.bytes.length && found;
    }, 'the photo is in the thread');
    expect(media).toMatchObject([{ content_type: 'image/png' }]);
    await Promise.all(customers.filter((one) => one !== author).map((one) => hasFile(one, photo)));
  }, TEST_MS);

  it('a carrier that refuses one recipient is a failed receipt for that one alone', async () => {
    ana.refuse();
    const { sid } = await thread.messages.create({ author: 'mira', body: 'Goodbye.' });
    await Promise.all([hasText(ben, 'Goodbye.'), hasText(cleo, 'Goodbye.')]);
    await until(async () => Object.values(await receiptsOf(sid)).length === 3 && (await receiptsOf(sid))[ben.address]?.status === 'read', 'all receipts are there');
    expect(await receiptsOf(sid)).toEqual({
      [ana.address]: { status: 'failed', errorCode: 21211 }, [ben.address]: { status: 'read', errorCode: 0 }, [cleo.address]: { status: 'sent', errorCode: 0 },
    });
    expect((await thread.messages(sid).fetch()).delivery).toMatchObject({ total: 3, failed: 'some' });
  }, TEST_MS);

  it('is one thread, in one order, for the API and for both agents', async () => {
    const messages = await thread.messages.list();
    expect(messages.map(({ index }) => index)).toEqual(messages.map((_, index) => index));
    for (const agent of agents) {
      expect(agent.messages.map(({ sid }) => sid)).toEqual(messages.map(({ sid }) => sid));
      expect(agent.faults).toEqual([]);
    }
  });
});
