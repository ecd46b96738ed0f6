/** Every built resource of the REST API as the official SDK sees it, with another host. */
import type twilio from 'twilio';
import { Parley, START_MS, topology, until, type Credentials } from './installation.js';
import { refusal, refused } from './refusal.js';

let parley: Parley;
let sdk: twilio.Twilio;
let other: Credentials;
beforeAll(async () => {
  parley = await Parley.start();
  sdk = parley.sdk();
  other = await parley.newAccount();
}, START_MS);
afterAll(() => parley?.stop(), START_MS);

const conversations = () => sdk.conversations.v1.conversations;
const number = (() => { let n = 5_550_000_000; return () => `+1${n++}`; })();
const proxy = '+15017122661';

describe(`conversations (${topology})`, () => {
  it('are created, fetched by SID and by unique name, updated, closed and deleted', async () => {
    const created = await conversations().create({
      friendlyName: 'Home Repair', uniqueName: 'repair 1 ü', attributes: '{ "topic": "feedback" }', 'timers.closed': 'PT10M', state: 'inactive',
    });
    expect(created).toMatchObject({
      accountSid: parley.account.accountSid, chatServiceSid: parley.account.serviceSid, friendlyName: 'Home Repair', uniqueName: 'repair 1 ü',
      attributes: '{ "topic": "feedback" }', state: 'inactive', messagingServiceSid: null, bindings: {},
      url: `${parley.url}/v1/Conversations/${created.sid}`, links: { messages: `${parley.url}/v1/Conversations/${created.sid}/Messages` },
    });
    expect(Date.parse(created.timers.date_closed as string) - created.dateCreated.getTime()).toBe(600_000);
    expect((await conversations()('repair 1 ü').fetch()).sid).toBe(created.sid);
    expect((await parley.request('/v1/Conversations/repair%201%20%C3%BC/Messages')).status).toBe(200);
    const updated = await conversations()(created.sid).update({ friendlyName: 'Done', uniqueName: '', state: 'active' });
    expect(updated).toMatchObject({ friendlyName: 'Done', uniqueName: null, state: 'active', attributes: '{ "topic": "feedback" }' });
    expect(await conversations()(created.sid).update({ state: 'closed' })).toMatchObject({ state: 'closed', timers: {} });
    expect(await refusal(conversations()(created.sid).update({ friendlyName: 'x' }))).toEqual([400, 50377]);
    expect(await refusal(conversations()(created.sid).messages.create({ body: 'x' }))).toEqual([400, 50377]);
    expect(await conversations()(created.sid).remove()).toBe(true);
    expect(await refused(conversations()(created.sid).fetch())).toMatchObject({
      status: 404, code: 20404, message: `The requested resource /Conversations/${created.sid} was not found`, moreInfo: 'https://www.twilio.com/docs/errors/20404',
    });
  });
  it('keep imported dates', async () => {
    const at = new Date('2015-12-16T22:18:37Z');
    expect(await conversations().create({ dateCreated: at, dateUpdated: at })).toMatchObject({ dateCreated: at, dateUpdated: at });
  });
  it('have unique names', async () => {
    await conversations().create({ uniqueName: 'once' });
    const error = await refused(conversations().create({ uniqueName: 'once' }));
    expect(error).toMatchObject({ status: 409, code: 50353, message: 'Conversation with provided unique name already exists' });
    const second = await conversations().create({ uniqueName: 'twice' });
    expect(await refusal(conversations()(second.sid).update({ uniqueName: 'once' }))).toEqual([409, 50353]);
  });
  it.each([
    [{ attributes: '{' }, 50304], [{ state: 'closed' as const }, 50384], [{ 'timers.inactive': 'PT1S' }, 50375], [{ 'timers.closed': 'soon' }, 50380],
    [{ uniqueName: `CH${'0'.repeat(32)}` }, 50390], [{ friendlyName: 'x'.repeat(257) }, 50003],
  ])('refuse %j', async (bad, code) => expect(await refusal(conversations().create(bad))).toEqual([400, code]));
  it('are listed by activity, page by page, with filters', async () => {
    for (const { sid } of await conversations().list({ state: 'inactive' })) await conversations()(sid).update({ state: 'closed' }); // of other tests
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.push((await conversations().create({ friendlyName: `listed ${i}`, state: 'inactive' })).sid);
    const inactive = await conversations().list({ state: 'inactive', pageSize: 2 });
    expect(inactive.map(({ sid }) => sid).sort()).toEqual(made.sort());
    const page = await conversations().page({ state: 'inactive', pageSize: 2 });
    const next = await page.nextPage();
    expect((await next!.previousPage())!.instances.map(({ sid }) => sid)).toEqual(page.instances.map(({ sid }) => sid));
    expect(await conversations().list({ startDate: '2000-01-01', endDate: '2000-01-02' })).toEqual([]);
    await conversations()(made[2]!).messages.create({ body: 'back again' }); // revives it
    expect(await conversations()(made[2]!).fetch()).toMatchObject({ state: 'active' });
    expect(await conversations().list({ state: 'inactive' })).toHaveLength(4);
  });
});

describe(`messages (${topology})`, () => {
  let sid: string;
  beforeEach(async () => { sid = (await conversations().create({})).sid; });

  it('are created, fetched, updated and deleted; indexes stay', async () => {
    const messages = conversations()(sid).messages;
    const first = await messages.create({ body: 'I like pie.', author: 'pie_preferrer', attributes: '{"importance":"high"}', xTwilioWebhookEnabled: 'true' });
    expect(first).toMatchObject({
      index: 0, body: 'I like pie.', author: 'pie_preferrer', participantSid: null, media: null, delivery: null, contentSid: null,
      attributes: '{"importance":"high"}', accountSid: parley.account.accountSid, conversationSid: sid,
    });
    expect(await messages.create({ body: 'second' })).toMatchObject({ index: 1, author: 'system', attributes: '{}' });
    expect((await messages(first.sid).fetch()).toJSON()).toEqual(first.toJSON());
    expect(await messages(first.sid).update({ body: 'Cake!', author: 'cake_lover' })).toMatchObject({ body: 'Cake!', author: 'cake_lover', index: 0 });
    expect(await messages(first.sid).remove()).toBe(true);
    expect(await refusal(messages(first.sid).fetch())).toEqual([404, 20404]);
    expect((await messages.create({ body: 'third' })).index).toBe(2);
    expect((await messages.list()).map(({ index }) => index)).toEqual([1, 2]);
  });
  it('are listed in pages, both ways, as the SDK iterates', async () => {
    const messages = conversations()(sid).messages;
    for (let i = 0; i < 7; i++) await messages.create({ body: String(i) });
    expect((await messages.list({ pageSize: 3 })).map(({ body }) => body)).toEqual(['0', '1', '2', '3', '4', '5', '6']);
    expect((await messages.list({ order: 'desc', limit: 4, pageSize: 3 })).map(({ body }) => body)).toEqual(['6', '5', '4', '3']);
    expect(await messages.list({ limit: 1000 })).toHaveLength(7); // the SDK asks for a page of 1,000 then
    const seen: string[] = [];
    await new Promise<void>((resolve, reject) =>
      messages.each({ pageSize: 2, callback: (message) => void seen.push(message.body), done: (error?: Error) => (error ? reject(error) : resolve()) }));
    expect(seen).toHaveLength(7);
  });
  it('keep every character', async () => {
    const body = 'a+b&c=d %41 "q" \\ \u2028 😀 ü\n\t🇩🇪';
    const { sid: message } = await conversations()(sid).messages.create({ body });
    expect((await conversations()(sid).messages(message).fetch()).body).toBe(body);
  });
  it.each([[{}, 50503], [{ body: 'x'.repeat(32_769) }, 50504], [{ body: 'x', author: 'x'.repeat(257) }, 50310], [{ body: 'x', attributes: 'no' }, 50304]])(
    'refuse %#', async (bad, code) => expect(await refusal(conversations()(sid).messages.create(bad))).toEqual([400, code]));
  it('can be read back at once, however many are written together', async () => {
    const messages = conversations()(sid).messages;
    const written = await Promise.all(Array.from({ length: 40 }, (_, i) => messages.create({ body: `together ${i}` })));
    expect(written.map(({ index }) => index).sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    const read = await messages.list({ pageSize: 100 });
    expect(new Map(read.map((message) => [message.index, message.sid]))).toEqual(new Map(written.toSorted((a, b) => a.index - b.index).map((message) => [message.index, message.sid])));
  });
});

describe(`participants (${topology})`, () => {
  let sid: string;
  beforeEach(async () => { sid = (await conversations().create({})).sid; });

  it('join with an identity or with an address pair, change and leave', async () => {
    const participants = conversations()(sid).participants;
    const alice = await participants.create({ identity: 'alice@example', attributes: '{"role":"driver"}' });
    expect(alice).toMatchObject({ identity: 'alice@example', messagingBinding: null, attributes: '{"role":"driver"}', lastReadMessageIndex: null });
    expect(alice.roleSid).toMatch(/^RL/);
    const address = number();
    const phone = await participants.create({ 'messagingBinding.address': address, 'messagingBinding.proxyAddress': proxy });
    expect(phone).toMatchObject({ identity: null, messagingBinding: { type: 'sms', address, proxy_address: proxy } });
    const whatsapp = await participants.create({
      'messagingBinding.address': `whatsapp:${address}`, 'messagingBinding.proxyAddress': `whatsapp:${proxy}`,
    });
    expect(whatsapp.messagingBinding).toMatchObject({ type: 'whatsapp' });
    expect((await participants('alice@example').fetch()).sid).toBe(alice.sid);
    expect(await participants(alice.sid).update({ lastReadMessageIndex: 3, attributes: '{}' })).toMatchObject({ lastReadMessageIndex: 3, attributes: '{}' });
    expect(await participants(phone.sid).update({ 'messagingBinding.proxyAddress': '+15017122662' })).toMatchObject({
      messagingBinding: { address, proxy_address: '+15017122662' },
    });
    expect((await participants.list({ pageSize: 1 })).map((p) => p.sid).sort()).toEqual([alice.sid, phone.sid, whatsapp.sid].sort());
    expect((await conversations()(sid).messages.create({ body: 'hi', author: 'alice@example' })).participantSid).toBe(alice.sid);
    expect(await participants(alice.sid).remove()).toBe(true);
    expect(await refusal(participants(alice.sid).fetch())).toEqual([404, 20404]);
  });
  it('are in a conversation once, and an address pair in one open conversation', async () => {
    const participants = conversations()(sid).participants;
    await participants.create({ identity: 'bob' });
    expect(await refusal(participants.create({ identity: 'bob' }))).toEqual([409, 50433]);
    const pair = { 'messagingBinding.address': number(), 'messagingBinding.proxyAddress': proxy };
    await participants.create(pair);
    const second = (await conversations().create({})).sid;
    expect(await refused(conversations()(second).participants.create(pair))).toMatchObject({
      status: 409, code: 50416, message: `A binding for this participant and proxy address already exists in Conversation ${sid}`,
    });
    await conversations()(sid).update({ state: 'closed' });
    expect((await conversations()(second).participants.create(pair)).sid).toMatch(/^MB/);
  });
  it.each([
    [{}, 400, 50204],
    [{ identity: 'x', 'messagingBinding.address': '+15550001', 'messagingBinding.proxyAddress': proxy }, 400, 50211],
    [{ 'messagingBinding.address': 'nobody', 'messagingBinding.proxyAddress': proxy }, 400, 50407],
    [{ 'messagingBinding.address': '+15558675310', 'messagingBinding.proxyAddress': '???' }, 400, 50408],
    [{ 'messagingBinding.address': proxy, 'messagingBinding.proxyAddress': proxy }, 400, 50409],
    [{ 'messagingBinding.address': '+15558675310', 'messagingBinding.proxyAddress': '' }, 400, 50412],
    [{ 'messagingBinding.address': 'whatsapp:+15558675310' }, 400, 50412],
    [{ 'messagingBinding.address': 'whatsapp:+15558675310', 'messagingBinding.proxyAddress': proxy }, 400, 50414],
    [{ identity: 'x', roleSid: `RL${'0'.repeat(32)}` }, 404, 50109],
  ])('refuse %j', async (bad, status, code) => expect(await refusal(conversations()(sid).participants.create(bad))).toEqual([status, code]));
});

describe(`delivery receipts (${topology})`, () => {
  it('follow a message to everybody outside the chat', async () => {
    const { sid } = await conversations().create({});
    const participants = conversations()(sid).participants;
    await participants.create({ identity: 'agent' });
    const phones = await Promise.all([0, 1].map(() =>
      participants.create({ 'messagingBinding.address': number(), 'messagingBinding.proxyAddress': proxy })));
    const messages = conversations()(sid).messages;
    const sent = await messages.create({ author: 'agent', body: 'Your car is ready' });
    expect(sent.delivery).toEqual({ total: 2, sent: 'none', delivered: 'none', read: 'none', failed: 'none', undelivered: 'none' });
    const delivered = await until(async () => {
      const { delivery } = await messages(sent.sid).fetch();
      return delivery.delivered === ('all' as string) && delivery;
    }, 'delivered to both');
    expect(delivered).toEqual({ total: 2, sent: 'all', delivered: 'all', read: 'none', failed: 'none', undelivered: 'none' });
    const receipts = await messages(sent.sid).deliveryReceipts.list({ pageSize: 1 });
    expect(receipts.map(({ participantSid }) => participantSid).sort()).toEqual(phones.map((phone) => phone.sid).sort());
    const receipt = await messages(sent.sid).deliveryReceipts(receipts[0]!.sid).fetch();
    expect(receipt).toMatchObject({ status: 'delivered', errorCode: 0, messageSid: sent.sid, conversationSid: sid });
    expect(receipt.channelMessageSid).toMatch(/^[A-Z]{2}[0-9a-f]{32}$/);
  });
});

describe(`configuration, addresses and services (${topology})`, () => {
  it('tell the default service', async () => {
    const configuration = await sdk.conversations.v1.configuration().fetch();
    expect(configuration).toMatchObject({ accountSid: parley.account.accountSid, defaultChatServiceSid: parley.account.serviceSid });
    const services = await sdk.conversations.v1.services.list();
    expect(services.map(({ sid }) => sid)).toEqual([parley.account.serviceSid]);
    expect(await sdk.conversations.v1.services(parley.account.serviceSid).fetch()).toMatchObject({ friendlyName: 'Default Conversations Service' });
    expect(Object.keys(services[0]!.links)).toHaveLength(7);
  });
  it('keep addresses: created, found by SID and address, changed, listed, deleted', async () => {
    const addresses = sdk.conversations.v1.addressConfigurations;
    const address = '+37256123457';
    const created = await addresses.create({
      type: 'sms', address, friendlyName: 'Ours', addressCountry: 'EE', 'autoCreation.enabled': true, 'autoCreation.type': 'webhook',
      'autoCreation.conversationServiceSid': parley.account.serviceSid, 'autoCreation.webhookUrl': 'https://example.com',
      'autoCreation.webhookMethod': 'post', 'autoCreation.webhookFilters': ['onParticipantAdded', 'onMessageAdded'],
    });
    expect(created).toMatchObject({
      type: 'sms', address, friendlyName: 'Ours', addressCountry: 'EE',
      autoCreation: {
        enabled: true, type: 'webhook', conversation_service_sid: parley.account.serviceSid, webhook_url: 'https://example.com', webhook_method: 'POST',
        webhook_filters: ['onParticipantAdded', 'onMessageAdded'],
      },
    });
    expect((await addresses(address).fetch()).sid).toBe(created.sid);
    expect(await refusal(addresses.create({ type: 'sms', address }))).toEqual([409, 20409]);
    expect(await addresses(created.sid).update({ 'autoCreation.type': 'default', 'autoCreation.enabled': false })).toMatchObject({
      friendlyName: 'Ours', autoCreation: { enabled: false, type: 'default' },
    });
    await addresses.create({ type: 'whatsapp', address: `whatsapp:${address}` });
    expect((await addresses.list({ type: 'sms' })).map((a) => a.address)).toEqual([address]);
    expect(await addresses.list({ pageSize: 1 })).toHaveLength(2);
    expect(await addresses(address).remove()).toBe(true);
    expect(await refusal(addresses(created.sid).fetch())).toEqual([404, 20404]);
  });
  it('serve both path families and API keys', async () => {
    const service = parley.sdkWithKey().conversations.v1.services(parley.account.serviceSid);
    const created = await service.conversations.create({ friendlyName: 'by service' });
    expect(created.url).toBe(`${parley.url}/v1/Services/${parley.account.serviceSid}/Conversations/${created.sid}`);
    const message = await service.conversations(created.sid).messages.create({ body: 'hi' });
    expect(message.chatServiceSid).toBe(parley.account.serviceSid);
    expect((await conversations()(created.sid).messages(message.sid).fetch()).body).toBe('hi');
    const member = await service.conversations(created.sid).participants.create({ identity: 'x' });
    expect((await service.conversations(created.sid).participants.list())[0]).toMatchObject({ sid: member.sid, chatServiceSid: parley.account.serviceSid });
    const strange = sdk.conversations.v1.services(other.serviceSid).conversations;
    expect(await refusal(strange.list())).toEqual([404, 20404]);
    expect(await refusal(strange.create({}))).toEqual([404, 20404]);
    expect(await refusal(strange(created.sid).fetch())).toEqual([404, 20404]);
  });
});
