/**
 * WhatsApp by the Cloud API, from the connection to the receipt, against a stand-in of Meta's API written from the documented
 * facts (libs/channel/src/carriers/whatsapp-cloud/cloud-api.testing.ts): there is no peer to be had.
 */
import { CloudApi, type SentToCloud } from '@parley/channel/carriers/whatsapp-cloud/cloud-api.testing';
import { randomBytes } from 'node:crypto';
import twilio from 'twilio';
import { connectDatabase } from '../infra/local/database.mjs';
import { accessToken } from '../tools/bench/access-token.ts';
import { Caller } from './caller.js';
import { Parley, START_MS, topology, until } from './installation.js';
import { StreamClient } from './stream-client.js';

const TEST_MS = 180_000;
const ours = 'whatsapp:+15550100100';
let parley: Parley;
let sdk: twilio.Twilio;
let caller: Caller;
let api: CloudApi;
let connection: string;

beforeAll(async () => {
  [parley, api] = await Promise.all([Parley.start({ env: { WEBHOOK_PRIVATE_TARGETS: 'allow' } }), CloudApi.start()]);
  sdk = parley.sdk();
  caller = new Caller(parley.account, parley.installation.info);
  connection = await connect(api.token);
  for (const { number } of api.numbers) await caller.post('/v1/Senders', { Address: `whatsapp:${number}`, ConnectionSid: connection });
  api.webhookUrl = `${parley.installation.info.webhookUrl}/whatsapp-cloud/${connection}`;
}, START_MS);
afterAll(async () => {
  await api?.close();
  await parley?.stop();
}, START_MS);
beforeEach(async () => {
  await knownFor('1 minute');
  api.clear();
  api.statuses = ['sent', 'delivered'];
  api.windowErrors = 'none';
});

async function connect(access_token: string): Promise<string> {
  const { sid } = await caller.post<{ sid: string }>('/v1/CarrierConnections', {
    Carrier: 'whatsapp-cloud', FriendlyName: 'Shop', Credentials: JSON.stringify({ access_token, app_secret: api.appSecret, verify_token: api.verifyToken }),
    Settings: JSON.stringify({ phone_numbers: api.numbers, baseUrl: api.url }),
  });
  return sid;
}

const next = (() => { let n = 15_550_200_000; return () => n++; })();
const somebody = (more: { phone?: string } = { phone: `+${next()}` }) => api.person({ userId: `US.${next()}`, name: 'Ana', ...more });
const addressOf = ({ phone, userId }: { phone?: string; userId: string }) => `whatsapp:${phone ?? userId}`;
const conversations = () => sdk.conversations.v1.conversations;
async function thread(...people: { phone?: string; userId: string }[]) {
  const { sid } = await conversations().create({});
  for (const person of people)
    await conversations()(sid).participants.create({ 'messagingBinding.address': addressOf(person), 'messagingBinding.proxyAddress': ours });
  const conversation = conversations()(sid);
  return {
    sid, conversation,
    say: (fields: Parameters<typeof conversation.messages.create>[0]) => conversation.messages.create(fields),
    messages: () => conversation.messages.list(),
    newest: (body: string) => until(async () => (await conversation.messages.list()).find((message) => message.body === body), `"${body}" is in the thread`),
    receipt: (message: string, status: string) => until(async () => (await conversation.messages(message).deliveryReceipts.list()).find((receipt) => receipt.status === status), `receipt ${status}`),
  };
}
const got = (match: (sent: SentToCloud) => boolean, what: string) => until(async () => api.sent.find(match), what);
const text = (body: string) => ({ type: 'text', text: { body } });
async function sql(statement: string, values: unknown[] = []): Promise<Record<string, any>[]> {
  const client = await connectDatabase(parley.installation.info.databaseUrl);
  try {
    return (await client.query(statement, values)).rows;
  } finally {
    await client.end();
  }
}
/** As if all had been known for so long: who has not written since then is outside the window. */
const knownFor = (interval: string) => sql('update delivery.sender set windows_since = now() - $1::interval', [interval]);

describe(`WhatsApp by the Cloud API (${topology})`, () => {
  it('Meta is answered when it asks whether this address is meant', async () => {
    expect(await api.subscribe()).toEqual({ status: 200, body: '1158201444' });
    expect((await api.subscribe('wrong')).status).toBe(403);
    expect((await fetch(api.webhookUrl!, { method: 'POST', body: '{}', headers: { 'x-hub-signature-256': 'sha256=00' } })).status).toBe(403);
  }, TEST_MS);

  it('a text goes both ways, with receipts in whatever order', async () => {
    const ana = somebody();
    const { say, receipt, newest, conversation } = await thread(ana);
    api.statuses = ['read', 'delivered', 'sent', 'delivered'];
    const { sid } = await say({ body: 'Hello Ana', author: 'agent' });
    const { message, to } = await got(({ message: { text: said } }) => said?.body === 'Hello Ana', 'it was sent');
    expect([to, message['biz_opaque_callback_data']]).toEqual([ana.phone, (await receipt(sid, 'read')).sid]);
    const reader = async () => (await conversation.participants.list())[0]!;
    await until(async () => (await reader()).lastReadMessageIndex === 0, 'the horizon follows what was read');
    expect(Date.parse((await reader()).lastReadTimestamp)).toBeGreaterThan(Date.now() - TEST_MS);
    const id = await api.says(ana, text('¿Qué tal? 👩‍👧'));
    await api.says(ana, text('¿Qué tal? 👩‍👧'), { id });
    const answer = await newest('¿Qué tal? 👩‍👧');
    expect(answer).toMatchObject({ author: addressOf(ana), attributes: JSON.stringify({ whatsapp: { profileName: 'Ana' } }) });
  }, TEST_MS);

  it('files come in by their id and go out by an address', async () => {
    const ana = somebody();
    const { say, messages } = await thread(ana);
    const bytes = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), randomBytes(3000)]);
    api.files.set('900000000000001', { type: 'image/png', bytes });
    await api.says(ana, { type: 'image', image: { id: '900000000000001', mime_type: 'image/png', caption: 'broken' } });
    const [picture] = await until(async () => {
      const found = await messages();
      return (found[0]?.media?.[0] as { size: number } | undefined)?.size === bytes.length && found;
    }, 'the picture is here');
    expect(picture!.body).toBe('broken');
    const upload = await fetch(`${parley.url}/v1/Services/${parley.account.serviceSid}/Media?Filename=a.png`, {
      method: 'POST', body: new Uint8Array(bytes), headers: { authorization: caller.authorization, 'content-type': 'image/png' },
    });
    const { sid } = (await upload.json()) as { sid: string };
    await say({ mediaSid: sid });
    const { message } = await got(({ message: { type } }) => type === 'image', 'the picture was sent');
    expect(Buffer.from(await (await fetch(message['image'].link)).arrayBuffer())).toEqual(bytes);
  }, TEST_MS);

  it('answers, reactions, places and what was tapped are what they are, on both sides', async () => {
    const [ana, ben] = [somebody(), somebody()];
    const { say, newest, messages } = await thread(ana, ben);
    const { sid } = await say({ body: 'Which one?', author: 'agent' });
    const question = await got(({ to }) => to === ana.phone, 'Ana has it');
    const bensQuestion = await got(({ to }) => to === ben.phone, 'Ben has it');
    await api.says(ana, { ...text('that one'), context: { from: ours.slice(10), id: question.id } });
    expect(JSON.parse((await newest('that one')).attributes)).toMatchObject({ whatsapp: { inReplyTo: { messageSid: sid } } });
    await api.says(ana, { type: 'reaction', reaction: { message_id: question.id, emoji: '👍' } });
    expect(JSON.parse((await newest('👍')).attributes)).toMatchObject({ whatsapp: { reaction: { messageSid: sid, emoji: '👍' } } });
    // Ben sees both as what they are, at his own copy of the question.
    const toBen = (type: string) => got((sent) => sent.to === ben.phone && sent.message['type'] === type && sent.id !== bensQuestion.id, `${type} to Ben`);
    expect((await toBen('reaction')).message['reaction']).toEqual({ message_id: bensQuestion.id, emoji: '👍' });
    expect((await toBen('text')).message).toMatchObject({ text: { body: 'that one' }, context: { message_id: bensQuestion.id } });
    await api.says(ana, { type: 'location', location: { latitude: 52.5, longitude: 13.4 } });
    expect((await toBen('location')).message['location']).toEqual({ latitude: 52.5, longitude: 13.4 });
    const [first] = await messages();
    await say({ body: '❤️', attributes: JSON.stringify({ reaction: { messageSid: (await newest('that one')).sid, emoji: '❤️' } }) });
    expect(first!.sid).toBe(sid);
    const heart = await got(({ message, to }) => to === ana.phone && message['type'] === 'reaction', 'the heart');
    expect(heart.message['reaction'].emoji).toBe('❤️');
    await api.says(ana, { type: 'hologram', hologram: {} });
    await newest('[This message cannot be shown here]');
  }, TEST_MS);

  it('what a person corrects and takes back changes here', async () => {
    const ana = somebody();
    const { newest, messages } = await thread(ana);
    const id = await api.says(ana, text('gren?'));
    const { sid } = await newest('gren?');
    await api.says(ana, { type: 'edit', edit: { original_message_id: id, message: text('green?') } });
    expect((await newest('green?')).sid).toBe(sid);
    await api.says(ana, { type: 'revoke', revoke: { original_message_id: id } });
    await until(async () => (await messages()).length === 0, 'it is gone');
  }, TEST_MS);

  it('what a colleague writes in the app is in the thread, and goes to the others alone', async () => {
    const [ana, ben] = [somebody(), somebody()];
    const { newest } = await thread(ana, ben);
    await api.tells('smb_message_echoes', { message_echoes: [{ from: ours.slice(10), to: ana.phone!.slice(1), id: api.newId(), timestamp: '1795348800', type: 'text', text: { body: 'typed on the phone' } }] });
    expect((await newest('typed on the phone')).author).toBe(ours);
    await got(({ to, message }) => to === ben.phone && message['text'].body === 'typed on the phone', 'Ben has it');
    expect(api.sent.filter(({ to }) => to === ana.phone)).toEqual([]);
  }, TEST_MS);

  it('people without a number, with a new one, and under a name that we use otherwise', async () => {
    const [shy, mover] = [somebody({}), somebody()];
    const hidden = await thread(shy);
    await hidden.say({ body: 'to an id', author: 'agent' });
    expect((await got(({ to }) => to === shy.userId, 'it went to the id')).message).toMatchObject({ recipient: shy.userId });
    await api.says(shy, text('from an id'));
    expect((await hidden.newest('from an id')).author).toBe(`whatsapp:${shy.userId}`);

    const moving = await thread(mover);
    await api.says(mover, text('before'));
    await moving.newest('before');
    await api.says({ userId: mover.userId }, text('without my number'));
    expect((await moving.newest('without my number')).author).toBe(addressOf(mover));
    const phone = `+${next()}`;
    await api.tells('messages', { messages: [{ from: mover.phone!.slice(1), id: api.newId(), timestamp: '1795348800', type: 'system', system: { type: 'user_changed_number', wa_id: phone.slice(1), user_id: mover.userId } }] });
    await until(async () => (await moving.conversation.participants.list())[0]?.messagingBinding?.address === `whatsapp:${phone}`, 'the participant has the new number');
    await api.says({ phone, userId: mover.userId }, text('after'));
    expect((await moving.newest('after')).author).toBe(`whatsapp:${phone}`);
    await moving.say({ body: 'there', author: 'agent' });
    await got(({ to }) => to === phone, 'it goes to the new number');
  }, TEST_MS);

  it('what was read in the chat is shown as read to who wrote it, where the sender\'s owner wants that', async () => {
    const ana = somebody();
    const { conversation, newest } = await thread(ana);
    const agent = await conversation.participants.create({ identity: 'agent' });
    const read = async (body: string) => conversation.participants(agent.sid).update({ lastReadMessageIndex: (await newest(body)).index });
    await api.says(ana, text('nobody shall know'));
    await read('nobody shall know');
    const { sid } = (await caller.all<{ sid: string; address: string }>('/v1/Senders', 'senders')).find(({ address }) => address === ours)!;
    await caller.post(`/v1/Senders/${sid}`, { Policy: JSON.stringify({ mark_read: true }) });
    await api.says(ana, text('first'));
    const second = await api.says(ana, text('second'));
    await read('second');
    await until(async () => api.reads.length > 0, 'it was marked');
    expect(api.reads).toEqual([{ number: api.numbers[0], messageId: second, typing: false }]);
    expect(await sql('select 1 from delivery.read_mark where sender = $1 and due_at < now()', [ours])).toEqual([]);
  }, TEST_MS);

  it('people see that a member of the chat is typing, while they may be written to; deliveries do not wait for it', async () => {
    const [ana, ben] = [somebody(), somebody()];
    const { sid, conversation, newest, say } = await thread(ana, ben);
    await conversation.participants.create({ identity: 'typist' });
    const typist = await StreamClient.open(parley, { query: `?token=${accessToken(parley.account, 'typist')}` });
    try {
      await api.says(ben, text('long ago'), { at: Date.now() - 25 * 3600_000 });
      await api.says(ana, text('first'));
      const second = await api.says(ana, text('second'));
      await newest('second');
      api.hangsOnReads = true;
      typist.send({ type: 'typing', id: 1, conversation: sid });
      await until(async () => api.reads.length > 0, 'it is shown');
      await say({ body: 'typed', author: 'typist' });
      await got(({ to, message }) => to === ana.phone && message['text'].body === 'typed', 'the message does not wait');
      expect(api.reads).toEqual([{ number: api.numbers[0], messageId: second, typing: true }]);
      expect(await sql('select recipient from delivery.reply_window where typing_shown_at is not null and recipient = any ($1)', [[addressOf(ana), addressOf(ben)]])).toEqual([{ recipient: addressOf(ana) }]);
    } finally {
      api.hangsOnReads = false;
      typist.close();
    }
  }, TEST_MS);

  it('a window that is closed is known before the send; a template opens nothing and is let through', async () => {
    await knownFor('3 days');
    const ana = somebody();
    const { say, receipt, newest } = await thread(ana);
    await api.says(ana, text('long ago'), { at: Date.now() - 25 * 3600_000 });
    await newest('long ago');
    const { sid } = await say({ body: 'too late', author: 'agent' });
    expect((await receipt(sid, 'failed')).errorCode).toBe(63016);
    expect(api.sent).toEqual([]);

    api.templates.set('order_update', { language: 'en', parameters: 1 });
    const made = await caller.call('POST', '/v1/Content', JSON.stringify({
      friendly_name: 'order', language: 'en', variables: { 1: '17' }, types: { 'twilio/quick-reply': { body: 'Order {{1}} is ready', actions: [{ type: 'QUICK_REPLY', title: 'Thanks', id: 'thanks' }] } },
    }));
    const { sid: content } = JSON.parse(made.text) as { sid: string };
    await caller.call('POST', `/v1/Content/${content}/ApprovalRequests/whatsapp`, JSON.stringify({ name: 'order_update', category: 'UTILITY' }));
    const free = await say({ contentSid: content });
    expect((await receipt(free.sid, 'failed')).errorCode).toBe(63016);
    await parley.command('content', 'approval', parley.account.accountSid, content, 'approved');
    const approved = await until(async () => {
      const { sid: message } = await say({ contentSid: content, contentVariables: JSON.stringify({ 1: '18' }) });
      return api.sent.some(({ message: { type } }) => type === 'template') ? message : (await receipt(message, 'delivered').catch(() => undefined)) && message;
    }, 'the template goes');
    expect((await got(({ message: { type } }) => type === 'template', 'it is there')).message['template']).toMatchObject({
      name: 'order_update', language: { code: 'en' }, components: [{ type: 'body', parameters: [{ type: 'text', text: '18' }] }, { type: 'button', sub_type: 'quick_reply', index: '0', parameters: [{ type: 'payload', payload: 'thanks' }] }],
    });
    await receipt(approved, 'delivered');

    await api.says(ana, { type: 'button', button: { text: 'Thanks', payload: 'thanks' } });
    expect(JSON.parse((await newest('Thanks')).attributes)).toMatchObject({ whatsapp: { buttonPayload: 'thanks' } });
    await receipt((await say({ body: 'in time', author: 'agent' })).sid, 'delivered');
  }, TEST_MS);

  it('who refuses marketing in WhatsApp gets everything else, and marketing again when they allow it', async () => {
    const ana = somebody();
    const { say, receipt, newest } = await thread(ana);
    await api.says(ana, text('hi'));
    await newest('hi');
    api.templates.set('sale', { language: 'en', parameters: 0 });
    const { sid: content } = JSON.parse((await caller.call('POST', '/v1/Content', JSON.stringify({ friendly_name: 'sale', language: 'en', types: { 'twilio/text': { body: 'Everything must go' } } }))).text) as { sid: string };
    await caller.call('POST', `/v1/Content/${content}/ApprovalRequests/whatsapp`, JSON.stringify({ name: 'sale', category: 'MARKETING' }));
    await parley.command('content', 'approval', parley.account.accountSid, content, 'approved');
    const refusals = async () => (await caller.all<{ recipient: string; reason: string }>('/v1/OptOuts', 'opt_outs')).filter(({ recipient }) => recipient === addressOf(ana)).map(({ reason }) => reason);
    const prefers = (value: string) => api.tells('user_preferences', { user_preferences: [{ wa_id: ana.phone!.slice(1), category: 'marketing_messages', value, timestamp: Date.now() }] });
    await prefers('stop');
    await until(async () => (await refusals()).includes('marketing'), 'it is noted');
    expect((await receipt((await say({ contentSid: content })).sid, 'failed')).errorCode).toBe(21610);
    await receipt((await say({ body: 'About your order', author: 'agent' })).sid, 'delivered');
    await prefers('resume');
    await until(async () => (await refusals()).length === 0, 'it is forgotten');
    await receipt((await say({ contentSid: content })).sid, 'delivered');
    expect(api.sent.map(({ message: { type } }) => type)).toEqual(['text', 'template']);
  }, TEST_MS);

  it('a carrier that knows better says it at once or later', async () => {
    const [ana, ben] = [somebody(), somebody()];
    await knownFor('3 days');
    for (const [person, windowErrors] of [[ana, 'at once'], [ben, 'later']] as const) {
      const { say, receipt, newest } = await thread(person);
      await api.says(person, text('hi'));
      await newest('hi');
      api.person(person);
      api.windowErrors = windowErrors;
      // Open as we know it, but not there.
      api.forget(person);
      expect((await receipt((await say({ body: 'x', author: 'agent' })).sid, 'failed')).errorCode).toBe(63016);
    }
  }, TEST_MS);

  it('refusals, throttles and answers that never came end as they should', async () => {
    const [ana, ben, eve] = [somebody(), somebody(), somebody()];
    api.trouble({ code: 131026 });
    const hopeless = await thread(ana);
    expect((await hopeless.receipt((await hopeless.say({ body: 'nobody there', author: 'agent' })).sid, 'failed')).errorCode).toBe(63024);
    api.trouble({ code: 130429, status: 429 });
    const throttled = await thread(ben);
    await throttled.receipt((await throttled.say({ body: 'again', author: 'agent' })).sid, 'delivered');
    api.trouble('drop');
    const dropped = await thread(eve);
    await dropped.receipt((await dropped.say({ body: 'once', author: 'agent' })).sid, 'delivered');
    expect(api.sent.filter(({ to }) => to === eve.phone)).toHaveLength(1);
  }, TEST_MS);

  it('in a storm of throttles, troubles and lost answers nothing is lost, doubled or out of order', async () => {
    const people = Array.from({ length: 8 }, () => somebody());
    const { sid, conversation } = await thread(...people);
    for (let n = 0; n < 4; n++) {
      api.trouble({ code: 130429, status: 429 });
      api.trouble('fine', 3);
      api.trouble('drop', 2);
      api.trouble({ code: 131016, status: 500 });
    }
    // Once: the same person again would wait four times as long, which is not what this is about.
    api.trouble({ code: 131056 });
    const said = ['one', 'two', 'three', 'four', 'five'];
    for (const body of said) await conversation.messages.create({ body, author: 'agent' });
    await until(async () => (await sql("select count(*) from delivery.delivery where conversation_sid = $1 and state = 'delivered'", [sid]))[0]!['count'] === '40', 'all are delivered', 150_000);
    for (const { phone } of people) expect(api.sent.filter(({ to }) => to === phone).map(({ message }) => message['text'].body)).toEqual(said);
  }, TEST_MS);

  it('an expired token keeps the queue until there is a new one', async () => {
    const ana = somebody();
    const credentials = (access_token: string) => caller.post(`/v1/CarrierConnections/${connection}`, { Credentials: JSON.stringify({ access_token, app_secret: api.appSecret, verify_token: api.verifyToken }) });
    await credentials('expired');
    const { say, receipt } = await thread(ana);
    const { sid } = await say({ body: 'patience', author: 'agent' });
    await until(async () => (await sql("select 1 from delivery.delivery where message_sid = $1 and state = 'queued' and error_code = 63001", [sid])).length === 1, 'it waits');
    await credentials(api.token);
    await receipt(sid, 'delivered');
  }, TEST_MS);

  it('what Meta says about a number is kept with its sender', async () => {
    await api.tells('phone_number_quality_update', { display_phone_number: '15550100200', event: 'FLAGGED', current_limit: 'TIER_1K' });
    await until(async () => {
      const senders = await caller.all<{ address: string; state: Record<string, { event: string }> }>('/v1/Senders', 'senders');
      return senders.find(({ address }) => address === 'whatsapp:+15550100200')?.state['phone_number_quality_update']?.event === 'FLAGGED';
    }, 'it is shown');
  }, TEST_MS);
});
