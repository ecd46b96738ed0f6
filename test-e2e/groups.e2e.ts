/**
 * Group texting over HTTP alone: several phones and members of ours in one text thread, through the simulator and through the carriers
 * that know groups, each played on a socket. One message of the carrier, a receipt per phone, who said STOP left out; what a group writes
 * finds its conversation, or opens one.
 */
import { bandwidthCredentials, bandwidthSettings, calledBack, playedBandwidth } from '@parley/channel/carriers/bandwidth/played-bandwidth.testing';
import { playedTelnyx, signedByTelnyx, telnyxCredentials } from '@parley/channel/carriers/telnyx/played-telnyx.testing';
import type { RawWebhook } from '@parley/channel/channel-adapter';
import { randomUUID } from 'node:crypto';
import { PlayedTarget } from '../apps/webhook-worker/src/target.testing.js';
import { Caller, type Fields } from './caller.js';
import { handsetUrl } from './handset.js';
import { until } from './installation.js';
import { Stage } from './stage.js';

const TEST_MS = 180_000;
const [ANN, BOB, EVE, DESK, SHOP] = ['+12025550101', '+12025550102', '+12025550103', '+12025550190', '+12025550191'] as const;
type Participant = { sid: string; identity: string | null; messaging_binding: { type: string; address?: string; projected_address?: string } | null };
type Receipt = { status: string; error_code: number; participant_sid: string };
type Message = { sid: string; body: string | null; author: string; attributes: string; delivery: { total: number } | null };
type Texted = { body: string; from: string; to: string; group?: string[] };

describe('groups on phones', () => {
  const stage = new Stage('one', { WEBHOOK_PRIVATE_TARGETS: 'allow', GROUP_REPORT_WAIT_SECONDS: '2' });
  let caller: Caller;
  beforeAll(() => { ({ caller } = stage); });

  const phone = (address: string) => ({ messaging_binding: { address } });
  const member = (projected_address: string, identity?: string) => ({ messaging_binding: { projected_address }, ...(identity && { identity }) });
  /** The form's key is repeated. */
  const together = (by: Caller, ...participants: object[]) =>
    fetch(`${by.places.restUrl}/v1/ConversationWithParticipants`, {
      method: 'POST', headers: { Authorization: by.authorization, 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(participants.map((one): [string, string] => ['Participant', JSON.stringify(one)])).toString(),
    }).then(async (answer) => JSON.parse(await answer.text()) as { sid: string; state: string; code?: number; message: string });
  const say = (by: Caller, sid: string, Body: string, Author = 'agent') => by.post<Message>(`/v1/Conversations/${sid}/Messages`, { Body, Author });
  const thread = (by: Caller, sid: string) => by.all<Message>(`/v1/Conversations/${sid}/Messages`, 'messages');
  const members = (by: Caller, sid: string) => by.all<Participant>(`/v1/Conversations/${sid}/Participants`, 'participants');
  const refusal = async (by: Caller, path: string, fields: Fields, method = 'POST') => (JSON.parse((await by.call(method, path, method === 'POST' ? fields : undefined)).text) as { code: number }).code;
  /** By number: status and code. */
  async function receipts(by: Caller, sid: string, message: Message): Promise<Record<string, string>> {
    const people = new Map((await members(by, sid)).map((one) => [one.sid, one.messaging_binding?.address ?? '']));
    const all = await by.all<Receipt>(`/v1/Conversations/${sid}/Messages/${message.sid}/Receipts`, 'delivery_receipts');
    return Object.fromEntries(all.map(({ participant_sid, status, error_code }) => [people.get(participant_sid)!, `${status} ${error_code}`]));
  }
  const reported = (by: Caller, sid: string, message: Message, expected: Record<string, string>) =>
    until(async () => JSON.stringify(Object.entries(await receipts(by, sid, message)).toSorted()) === JSON.stringify(Object.entries(expected).toSorted()), `receipts ${JSON.stringify(expected)}`)
      .catch(async (error: unknown) => { throw new Error(`${String(error)}; they are ${JSON.stringify(await receipts(by, sid, message))}`); });
  const texts = async (by: Caller, address: string) => (JSON.parse((await by.call('GET', `${handsetUrl(by, address)}/messages`)).text) as { messages: Texted[] }).messages;
  const write = (by: Caller, from: string, to: string | string[], group: string[], body: string) => by.call('POST', `${handsetUrl(by, from)}/messages`, JSON.stringify({ to, group, body }));
  const said = (by: Caller, sid: string, body: string) => until(async () => (await thread(by, sid)).find((message) => message.body === body), `${body} is in the conversation`);

  it('a member writes to all phones at once, and they to everybody', async () => {
    const { sid, state } = await together(caller, phone(ANN), phone(BOB), member(DESK, 'agent'));
    expect(state).toBe('active');
    expect((await members(caller, sid)).map(({ identity, messaging_binding }) => [identity, messaging_binding])).toEqual([
      [null, { type: 'sms', address: ANN }], [null, { type: 'sms', address: BOB }], ['agent', { type: 'sms', projected_address: DESK }],
    ]);
    const hello = await say(caller, sid, 'Hello you two');
    expect(hello.delivery).toMatchObject({ total: 2 });
    await reported(caller, sid, hello, { [ANN]: 'delivered 0', [BOB]: 'delivered 0' });
    expect(await texts(caller, ANN)).toMatchObject([{ body: 'Hello you two', from: DESK, group: [BOB] }]);
    expect(await texts(caller, BOB)).toMatchObject([{ body: 'Hello you two', from: DESK, group: [ANN] }]);

    await write(caller, BOB, DESK, [ANN], 'Hello agent');
    expect(await said(caller, sid, 'Hello agent')).toMatchObject({ author: BOB, delivery: null, attributes: '{}' });
    await write(caller, BOB, DESK, [ANN], 'STOP');
    await said(caller, sid, 'STOP');
    const last = await say(caller, sid, 'Only for one of you');
    await reported(caller, sid, last, { [ANN]: 'delivered 0', [BOB]: 'failed 21610' });
    await caller.call('PUT', `${handsetUrl(caller, DESK)}/behaviour`, JSON.stringify({ rejectWith: { status: 400, code: 21211 }, times: 1 }));
    await reported(caller, sid, await say(caller, sid, 'Nobody takes this'), { [ANN]: 'failed 21211', [BOB]: 'failed 21610' });
    expect((await texts(caller, ANN)).map(({ body }) => body)).toEqual(['Hello you two', 'Only for one of you']); // what phones write reaches phones without us
    expect((await texts(caller, BOB)).map(({ body }) => body)).toEqual(['Hello you two']);
    await write(caller, ANN, DESK, [], 'Just between us');
    await write(caller, BOB, DESK, [ANN], 'START');
    await said(caller, sid, 'START');
    expect((await thread(caller, sid)).map(({ body }) => body)).not.toContain('Just between us');
  }, TEST_MS);

  it('the first phone may be the one that said stop', async () => {
    const [first, second] = ['+12025550111', '+12025550112'];
    const { sid } = await together(caller, phone(first), phone(second), member(SHOP, 'shop'));
    await write(caller, first, SHOP, [second], 'stop');
    await said(caller, sid, 'stop');
    await reported(caller, sid, await say(caller, sid, 'Still there?', 'shop'), { [first]: 'failed 21610', [second]: 'delivered 0' });
    expect(await texts(caller, second)).toMatchObject([{ body: 'Still there?' }]);
    await write(caller, second, SHOP, [first], 'stop');
    await until(async () => (await thread(caller, sid)).filter(({ body }) => body === 'stop').length === 2, 'both said stop');
    await reported(caller, sid, await say(caller, sid, 'Nobody?', 'shop'), { [first]: 'failed 21610', [second]: 'failed 21610' });
    expect(await texts(caller, second)).toHaveLength(1);
  }, TEST_MS);

  it('refuses what is no group, with the documented codes', async () => {
    const { sid } = await together(caller, phone('+12025550121'), member('+12025550122', 'refusing'));
    const join = (fields: Fields, to = sid) => refusal(caller, `/v1/Conversations/${to}/Participants`, Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [name === 'Identity' ? name : `MessagingBinding.${name}`, value])));
    const plain = (await caller.post<{ sid: string }>('/v1/Conversations', {})).sid;
    await caller.post(`/v1/Conversations/${plain}/Participants`, { Identity: 'chatting' });
    expect([
      await join({ Identity: 'without' }), await join({ Address: '+12025550129' }, plain), await join({ Address: '+12025550121' }), await join({ Identity: 'refusing', ProjectedAddress: '+12025550123' }),
      await join({ Address: '+12025550129', ProxyAddress: '+12025550122' }), await join({ Address: '+16715550123' }), await join({ ProjectedAddress: '+18005550123' }),
      (await together(caller, phone('+12025550121'), member('+12025550122'))).code,
      await refusal(caller, `/v1/Conversations/${sid}/Messages`, { Body: 'x', Author: 'system' }),
    ]).toEqual([50434, 50435, 50437, 50433, 50441, 50407, 50439, 50438, 50513]);
    expect((await together(caller, phone('+12025550121'), member('+12025550122'))).message).toBe(`Group MMS with given participant list already exists as Conversation ${sid}`);
    for (let n = 0; n < 8; n++) await caller.post(`/v1/Conversations/${sid}/Participants`, { 'MessagingBinding.Address': `+1202555013${n}` });
    expect(await join({ Address: '+12025550139' })).toBe(50436);
    const [first, agent] = await members(caller, sid);
    const change = (one: Participant, name: string, value: string) => refusal(caller, `/v1/Conversations/${sid}/Participants/${one.sid}`, { [name]: value });
    expect([
      await change(first!, 'Identity', 'ann'), await change(agent!, 'MessagingBinding.ProjectedAddress', 'null'), await change(first!, 'MessagingBinding.ProjectedAddress', 'null'),
      await change(first!, 'MessagingBinding.ProjectedAddress', '+12025550140'), await change(agent!, 'MessagingBinding.ProxyAddress', 'null'), await change(agent!, 'MessagingBinding.ProxyAddress', SHOP),
    ]).toEqual([50444, 50442, 50442, 50443, 50440, 50441]);
    await caller.post(`/v1/Conversations/${sid}`, { State: 'closed' });
    expect((await together(caller, phone('+12025550121'), member('+12025550122'))).state).toBe('active');
    const bare = await caller.post<Participant>(`/v1/Conversations/${(await caller.post<{ sid: string }>('/v1/Conversations', {})).sid}/Participants`, { 'MessagingBinding.ProjectedAddress': '+12025550141' });
    expect(bare).toMatchObject({ identity: null, messaging_binding: { type: 'sms', projected_address: '+12025550141' } });
  }, TEST_MS);

  it('a group that writes first opens a conversation, told in the documented order', async () => {
    const target = await PlayedTarget.start(caller.credentials.authToken);
    try {
      await caller.post('/v1/Configuration/Webhooks', { PostWebhookUrl: target.url('/told'), PreWebhookUrl: target.url('/asked'), Method: 'POST', Filters: 'onConversationAdd' });
      await caller.post('/v1/Configuration/Addresses', {
        'Type': 'sms', 'Address': '+12025550151', 'AutoCreation.Enabled': 'true', 'AutoCreation.Type': 'webhook', 'AutoCreation.WebhookUrl': target.url('/scoped'),
        'AutoCreation.WebhookFilters': 'onMessageAdded',
      });
      await fetch(`${caller.places.restUrl}/v1/Configuration/Webhooks`, { method: 'POST', headers: { Authorization: caller.authorization }, body: new URLSearchParams(
        ['onConversationAdd', 'onConversationAdded', 'onParticipantAdded', 'onMessageAdded', 'onConversationStateUpdated'].map((event): [string, string] => ['Filters', event])) });
      await write(caller, EVE, '+12025550151', [ANN, BOB], 'Is anybody there?');
      const told = await until(async () => target.at('/told').length >= 7 && target.at('/told').map(({ parameters }) => parameters), 'seven webhooks');
      expect(told.map(({ EventType }) => EventType)).toEqual(['onConversationAdded', 'onParticipantAdded', 'onParticipantAdded', 'onParticipantAdded', 'onParticipantAdded', 'onMessageAdded', 'onConversationStateUpdated']);
      expect(told[0]).toMatchObject({ 'State': 'initializing', 'MessagingBinding.AuthorAddress': EVE, 'MessagingBinding.Address': `+12025550151,${ANN},${BOB}`, 'MessageBody': 'Is anybody there?' });
      const sid = told[0]!['ConversationSid']!;
      expect((await members(caller, sid)).map(({ messaging_binding }) => messaging_binding!.address ?? messaging_binding!.projected_address)).toEqual([EVE, ANN, BOB, '+12025550151']);
      expect(target.at('/asked').map(({ parameters }) => [parameters['EventType'], parameters['MessagingBinding.AuthorAddress']])).toEqual([['onConversationAdd', EVE]]);
      await until(async () => target.at('/scoped').length > 0, 'its own webhook is told of the first message');
      await write(caller, ANN, '+12025550151', [EVE, BOB], 'I am');
      await said(caller, sid, 'I am');
      const answer = await say(caller, sid, 'So are we', '+12025550151');
      await reported(caller, sid, answer, { [ANN]: 'delivered 0', [BOB]: 'delivered 0', [EVE]: 'delivered 0' });
      const agent = (await members(caller, sid)).at(-1)!;
      await caller.post(`/v1/Conversations/${sid}/Participants/${agent.sid}`, { Identity: 'agent' });
      await reported(caller, sid, await say(caller, sid, 'I take over'), { [ANN]: 'delivered 0', [BOB]: 'delivered 0', [EVE]: 'delivered 0' });
    } finally {
      target.stop();
    }
  }, TEST_MS);

  it.each(['telnyx', 'bandwidth'] as const)('%s is asked once, and reports on each phone', async (name) => {
    const by = new Caller(await stage.parley.newAccount(), caller.places);
    const played = name === 'telnyx' ? playedTelnyx() : playedBandwidth();
    await played.listen();
    try {
      const connection = await by.post<{ sid: string; webhook_url: string }>('/v1/CarrierConnections', {
        Carrier: name, Credentials: JSON.stringify(name === 'telnyx' ? telnyxCredentials : bandwidthCredentials),
        Settings: JSON.stringify({ ...(name === 'bandwidth' && bandwidthSettings), baseUrl: played.url }),
      });
      const twilio = await by.post<{ sid: string }>('/v1/CarrierConnections', { Carrier: 'twilio', Credentials: JSON.stringify({ accountSid: `AC${'0'.repeat(32)}`, authToken: 'x'.repeat(32) }) });
      for (const [Address, ConnectionSid] of [[DESK, connection.sid], [SHOP, connection.sid], ['+12025550195', twilio.sid]] as const) await by.post('/v1/Senders', { Address, ConnectionSid });
      played.play(connection.webhook_url);
      const tell = async ({ url, headers, body }: RawWebhook) => (await fetch(url.replace(/^.*(?=\/webhooks\/)/, new URL(by.places.webhookUrl).origin), {
        method: 'POST', headers: headers as Record<string, string>, body: new Uint8Array(body) })).status;

      expect((await together(by, phone(ANN), member('+12025550195'))).code).toBe(50452); // a carrier without groups
      expect((await together(by, phone(ANN), member('+12025550196'))).code).toBe(50439); // nobody's number
      const { sid } = await together(by, phone(ANN), phone(BOB), phone(EVE), member(DESK, 'agent'), member(SHOP));
      const hello = await say(by, sid, 'Hello you all');
      const sent = await until(async () => played.taken[0], 'the carrier has it');
      expect(JSON.parse(sent.body)).toMatchObject({ from: DESK, to: [ANN, BOB, EVE, SHOP], text: 'Hello you all' });
      const [id, { webhook_url, tag }] = [played.ids[0]!, JSON.parse(sent.body)];
      const report = (to: string, word: string) => (name === 'telnyx'
        ? signedByTelnyx({ id, direction: 'outbound', from: { phone_number: DESK }, to: [{ phone_number: to, status: word }], cc: [], errors: word === 'delivery_failed' ? [{ code: '40001' }] : [] }, webhook_url)
        : calledBack({ type: word, to, ...(word === 'message-failed' && { errorCode: 4720 }), message: { id, owner: DESK, from: DESK, to: [ANN, BOB, EVE, SHOP], direction: 'out', tag } }, connection.webhook_url));
      const [delivered, failed] = name === 'telnyx' ? ['delivered', 'delivery_failed'] : ['message-delivered', 'message-failed'];
      for (const [to, word] of [[BOB, delivered], [SHOP, delivered], [ANN, delivered], [EVE, failed], [BOB, delivered]] as const) expect(await tell(report(to, word))).toBe(200);
      await reported(by, sid, hello, { [ANN]: 'delivered 0', [BOB]: 'delivered 0', [EVE]: name === 'telnyx' ? 'undelivered 30006' : 'undelivered 21211' });

      // Each of our numbers is told of what a phone wrote, and of what we wrote ourselves.
      const inbound = (from: string, to: string, text: string) => {
        const others = [ANN, BOB, EVE, DESK, SHOP].filter((number) => number !== from);
        return name === 'telnyx'
          ? signedByTelnyx({ id: randomUUID(), direction: 'inbound', text, from: { phone_number: from }, to: others.map((phone_number) => ({ phone_number, status: phone_number === to ? 'webhook_delivered' : 'delivered' })), cc: [], media: [] }, connection.webhook_url)
          : calledBack({ type: 'message-received', to, message: { id: randomUUID(), owner: to, from, to: others, text, direction: 'in' } }, connection.webhook_url);
      };
      for (const to of [SHOP, DESK]) expect(await tell(inbound(EVE, to, 'Hello agent'))).toBe(200);
      expect(await tell(inbound(DESK, SHOP, 'Hello you all'))).toBe(200);
      expect(await tell(inbound(EVE, DESK, 'The end'))).toBe(200);
      await said(by, sid, 'The end');
      expect((await thread(by, sid)).map(({ author, body }) => `${author}: ${body}`)).toEqual(['agent: Hello you all', `${EVE}: Hello agent`, `${EVE}: The end`]);
      // The number that is listened to is not called any more: what the other one is told comes later, and once.
      for (const text of ['Hello?', 'Hello?', 'Is nobody there?']) expect(await tell(inbound(ANN, SHOP, text))).toBe(200);
      await said(by, sid, 'Is nobody there?');
      expect(await tell(inbound(ANN, DESK, 'Hello?'))).toBe(200);
      expect(await tell(inbound(ANN, DESK, 'Here you are'))).toBe(200);
      await said(by, sid, 'Here you are');
      expect((await thread(by, sid)).slice(3).map(({ body }) => body)).toEqual(['Hello?', 'Hello?', 'Is nobody there?', 'Here you are']);
      await say(by, sid, 'From the shop', SHOP);
      await until(async () => played.taken.length === 2, 'sent from the other number');
      expect(JSON.parse(played.taken[1]!.body)).toMatchObject({ from: SHOP, to: [ANN, BOB, EVE, DESK] });
    } finally {
      await played.close();
    }
  }, TEST_MS);
});
