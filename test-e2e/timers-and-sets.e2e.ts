/**
 * Conversations by the clock and as sets: timers make them inactive and closed, also over a restart; a conversation comes with
 * its participants or not at all; addresses open conversations with a webhook or a flow of their own, once per text.
 */
import type twilio from 'twilio';
import { connectDatabase } from '../infra/local/database.mjs';
import { Caller } from './caller.js';
import { anySid, webhook } from './carrier.js';
import { Parley, START_MS, topology, until } from './installation.js';
import { bringBack, kill } from './parts.js';
import { refusal, refused } from './refusal.js';

let parley: Parley;
let sdk: twilio.Twilio;
beforeAll(async () => {
  parley = await Parley.start();
  sdk = parley.sdk();
}, START_MS);
afterAll(() => parley?.stop(), START_MS);

const conversations = () => sdk.conversations.v1.conversations;
const number = (() => { let n = 5_551_000_000; return () => `+1${n++}`; })();
const proxy = '+15017122661';
const sms = (address: string, extra: object = {}) => JSON.stringify({ messaging_binding: { address, proxy_address: proxy }, ...extra });

async function query<T extends object>(sql: string, ...values: unknown[]): Promise<T[]> {
  const client = await connectDatabase(parley.installation.info.databaseUrl);
  try {
    return (await client.query<T>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

describe(`state timers (${topology})`, () => {
  /** Nobody may ask for less than a minute, so the hour passes while nobody looks: the processes that know better are killed. */
  async function anHourLater(...sids: string[]): Promise<void> {
    await until(async () => (await query('select 1 from retention.timer where conversation_sid = any ($1)', sids)).length === sids.length, 'timers are noted');
    const parts = (topology === 'one' ? ['parley'] : ['retention-worker', 'conversation-service']).map((name) => parley.installation.apps[name]!);
    await Promise.all(parts.map(kill));
    const hour = "interval '1 h'";
    await query(`update model.conversation set last_activity_at = last_activity_at - ${hour}, timers_from = timers_from - ${hour} where sid = any ($1)`, sids);
    await query(`update retention.timer set due_at = due_at - ${hour} where conversation_sid = any ($1)`, sids);
    for (const part of parts.toReversed()) await bringBack(part);
  }
  const state = async (sid: string) => (await conversations()(sid).fetch()).state as string;
  const becomes = (sid: string, wanted: string) => until(async () => (await state(sid)) === wanted, `${sid} is ${wanted}`);

  it('tell their deadlines, which a message moves', async () => {
    const { sid, timers, dateCreated } = await conversations().create({ 'timers.inactive': 'PT2M', 'timers.closed': 'PT10M' });
    expect([timers.date_inactive, timers.date_closed].map((at) => Date.parse(at as string) - dateCreated.getTime())).toEqual([120_000, 600_000]);
    const later = await until(async () => {
      await conversations()(sid).messages.create({ body: 'still here' });
      const moved = (await conversations()(sid).fetch()).timers;
      return moved.date_closed !== timers.date_closed && moved;
    }, 'the deadlines move');
    expect(Date.parse(later.date_closed as string) - Date.parse(later.date_inactive as string)).toBe(480_000);
  });
  it('make conversations inactive and closed over a restart; a message wakes them, closed is the end', async () => {
    const [idle, old, spoken] = await Promise.all([
      conversations().create({ 'timers.inactive': 'PT5M' }), conversations().create({ 'timers.inactive': 'PT1M', 'timers.closed': 'PT10M' }),
      conversations().create({ 'timers.inactive': 'PT5M' }),
    ]);
    const pair = { 'messagingBinding.address': number(), 'messagingBinding.proxyAddress': proxy };
    await conversations()(old.sid).participants.create(pair);
    await anHourLater(idle.sid, old.sid);
    await Promise.all([becomes(idle.sid, 'inactive'), becomes(old.sid, 'closed')]);
    expect(await state(spoken.sid)).toBe('active');
    expect(await refusal(conversations()(old.sid).messages.create({ body: 'too late' }))).toEqual([400, 50377]);
    expect((await conversations()(old.sid).fetch()).timers).toEqual({});
    await conversations()(spoken.sid).participants.create(pair); // closing freed it
    await conversations()(idle.sid).messages.create({ body: 'back again' });
    const woken = await conversations()(idle.sid).fetch();
    expect(woken.state).toBe('active');
    expect(Date.parse(woken.timers.date_inactive as string)).toBeGreaterThan(Date.now() + 200_000);
    const told = await query<{ stream: string; n: string }>(
      `select stream, count(*) as n from log.event where type = 'ConversationStateUpdated' and stream = any ($1) group by stream`,
      [idle, old, spoken].map(({ sid }) => `conversation-${sid}`));
    expect(new Map(told.map(({ stream, n }) => [stream, Number(n)]))).toEqual(new Map([[`conversation-${idle.sid}`, 2], [`conversation-${old.sid}`, 1]]));
  }, START_MS);
  it('come from the account when a conversation names none', async () => {
    await sdk.conversations.v1.configuration().update({ defaultInactiveTimer: 'PT5M', defaultClosedTimer: 'PT1H' });
    try {
      const { timers, dateCreated } = await conversations().create({ 'timers.closed': 'PT20M' });
      expect([timers.date_inactive, timers.date_closed].map((at) => Date.parse(at as string) - dateCreated.getTime())).toEqual([300_000, 1_200_000]);
    } finally {
      await sdk.conversations.v1.configuration().update({ defaultInactiveTimer: '', defaultClosedTimer: '' });
    }
  });
});

describe(`conversations with participants (${topology})`, () => {
  const together = () => sdk.conversations.v1.conversationWithParticipants;

  it('are there with everybody when the caller is answered', async () => {
    const address = number();
    const made = await together().create({
      friendlyName: 'Together', participant: [JSON.stringify({ identity: 'ann', attributes: '{"role":"driver"}' }), sms(address)],
    });
    expect(made).toMatchObject({ friendlyName: 'Together', state: 'active', accountSid: parley.account.accountSid, chatServiceSid: parley.account.serviceSid });
    expect(Object.keys(made.links).sort()).toEqual(['messages', 'participants', 'webhooks']);
    const participants = await conversations()(made.sid).participants.list();
    expect(participants.map(({ identity, messagingBinding }) => [identity, messagingBinding])).toEqual([
      ['ann', null], [null, { type: 'sms', address, proxy_address: proxy }],
    ]);
    expect(participants[0]).toMatchObject({ attributes: '{"role":"driver"}', roleSid: participants[1]!.roleSid });
    expect((await sdk.conversations.v1.users('ann').fetch()).identity).toBe('ann');
    expect((await conversations()(made.sid).messages.create({ author: 'ann', body: 'hi' })).delivery).toMatchObject({ total: 1 });
  });
  it('answer 202, without participants 201, in both path families', async () => {
    const service = `/v1/Services/${parley.account.serviceSid}`;
    const participant = encodeURIComponent(JSON.stringify({ identity: 'ann' }));
    for (const base of ['/v1', service]) {
      const full = await parley.request(`${base}/ConversationWithParticipants`, { body: `Participant=${participant}&State=inactive` });
      expect([full.status, full.body.state, full.body.url]).toEqual([202, 'inactive', `${parley.url}${base}/Conversations/${full.body.sid}`]);
      expect((await parley.request(`${base}/ConversationWithParticipants`, { body: 'FriendlyName=alone' })).status).toBe(201);
    }
  });
  it('leave nothing behind when one of the pairs belongs to an open conversation, whose SID is told', async () => {
    const [taken, free] = [number(), number()];
    const owner = await together().create({ participant: [sms(taken)] });
    const error = await refused(together().create({ uniqueName: 'never', participant: [sms(free), JSON.stringify({ identity: 'bob' }), sms(taken)] }));
    expect(error).toMatchObject({ status: 409, code: 50425 });
    expect(error.message).toContain(owner.sid);
    expect(await refusal(conversations()('never').fetch())).toEqual([404, 20404]);
    expect((await refused(conversations()((await conversations().create({})).sid).participants.create({
      'messagingBinding.address': taken, 'messagingBinding.proxyAddress': proxy,
    }))).message).toContain(owner.sid);
    await conversations()(owner.sid).update({ state: 'closed' });
    await together().create({ uniqueName: 'never', participant: [sms(free), sms(taken)] });
  });
  it('are found or made once, however many ask at the same time', async () => {
    const pair = number();
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => together().create({ participant: [sms(pair), JSON.stringify({ identity: 'ann' })] })
      .then(({ sid }) => sid, (error: { code: number; message: string }) => (error.code === 50425 ? /CH[0-9a-f]{32}/.exec(error.message)![0] : Promise.reject(error as unknown as Error)))));
    expect(new Set(outcomes).size).toBe(1);
  });
  it.each<[string, string[], number]>([
    ['no JSON', ['{'], 50424], ['nobody', ['{}'], 50424], ['eleven', Array.from({ length: 11 }, (_, n) => JSON.stringify({ identity: `user ${n}` })), 50426],
    ['somebody twice', [JSON.stringify({ identity: 'ann' }), JSON.stringify({ identity: 'ann' })], 50433],
    ['a role that is not there', [JSON.stringify({ identity: 'ann', role_sid: `RL${'0'.repeat(32)}` })], 50109],
  ])('refuse %s', async (_what, participant, code) => expect((await refused(together().create({ participant }))).code).toBe(code));
  it('are made once by a repeated Idempotency-Key', async () => {
    const body = `Participant=${encodeURIComponent(sms(number()))}`;
    const [first, ...again] = await Promise.all([1, 2, 3].map(() =>
      parley.request('/v1/ConversationWithParticipants', { body, headers: { 'Idempotency-Key': 'together once' } })));
    expect(first!.status).toBe(202);
    expect(again.map((answer) => answer.body.sid)).toEqual([first!.body.sid, first!.body.sid]);
    const other = await parley.request('/v1/ConversationWithParticipants', { body: 'FriendlyName=x', headers: { 'Idempotency-Key': 'together once' } });
    expect([other.status, other.body.code]).toEqual([409, 20409]);
  });
});

describe(`addresses that open conversations (${topology})`, () => {
  const flow = `FW${'1'.repeat(32)}`;
  const textTo = async (address: string, from: string, sid = anySid('SM'), times = 1) => {
    const caller = new Caller(parley.account, parley.installation.info);
    const fields = { MessageSid: sid, From: from, To: address, Body: 'hello?', NumMedia: '0' };
    const answers = await Promise.all(Array.from({ length: times }, () => webhook(caller, '/twilio/sms', fields)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  };
  const openedBy = (from: string) => until(async () => {
    const [row] = await query<{ conversation_sid: string }>('select conversation_sid from model.address_binding where address = $1', from);
    return row && (await conversations()(row.conversation_sid).messages.list()).length > 0 && row.conversation_sid;
  }, 'the text is in its conversation');

  it.each([
    ['webhook', { webhookUrl: 'http://127.0.0.1:9/hook', webhookMethod: 'GET', webhookFilters: ['onMessageAdded', 'onParticipantAdded'] },
      { target: 'webhook', configuration: { url: 'http://127.0.0.1:9/hook', method: 'get', filters: ['onMessageAdded', 'onParticipantAdded'] } }],
    ['studio', { studioFlowSid: flow, studioRetryCount: 2 }, { target: 'studio', configuration: { flow_sid: flow } }],
    ['default', {}, undefined],
  ] as const)('of type %s: once per text, however often the carrier tells it', async (type, settings, expected) => {
    const [address, from] = [number(), number()];
    const auto = Object.fromEntries(Object.entries(settings).map(([name, value]) => [`autoCreation.${name}`, value]));
    await sdk.conversations.v1.addressConfigurations.create({ type: 'sms', address, 'autoCreation.enabled': true, 'autoCreation.type': type, ...auto });
    const sid = anySid('SM');
    await textTo(address, from, sid, 4);
    const conversation = await openedBy(from);
    await textTo(address, from, sid);
    await textTo(address, from);
    await until(async () => (await conversations()(conversation).messages.list()).length === 2, 'the second text joins it');
    const webhooks = await conversations()(conversation).webhooks.list();
    expect(webhooks.map(({ target, configuration }) => ({ target, configuration }))).toEqual(expected ? [expected] : []);
    expect((await conversations()(conversation).messages.list()).map(({ author }) => author)).toEqual([from, from]);
  });
  it('are found by their address', async () => {
    const address = number();
    const { sid } = await sdk.conversations.v1.addressConfigurations.create({ type: 'sms', address });
    expect((await sdk.conversations.v1.addressConfigurations(address).fetch()).sid).toBe(sid);
    expect((await parley.request(`/v1/Configuration/Addresses/${encodeURIComponent(address)}`)).body.sid).toBe(sid);
  });
});

it(`channel metadata of a message: none (${topology})`, async () => {
  const { sid } = await conversations().create({});
  const message = await conversations()(sid).messages.create({ body: 'x' });
  const answer = await parley.request(new URL(message.links['channel_metadata'] as string).pathname);
  expect([answer.status, answer.body.code]).toEqual([404, 50530]);
});
