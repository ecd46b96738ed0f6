/** What holds for every resource: repetitions, the wall between accounts, and the answers to bad input, by plain HTTP. */
import type twilio from 'twilio';
import { Parley, START_MS, topology, type Credentials, type PlainRequest } from './installation.js';
import { refusal } from './refusal.js';

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

describe(`the same request again (${topology})`, () => {
  const again = async (path: string, options: PlainRequest) => [await parley.request(path, options), await parley.request(path, options)] as const;

  it('has no second effect with the same Idempotency-Key', async () => {
    const [one, two] = await again('/v1/Conversations', { body: 'UniqueName=idempotent', headers: { 'idempotency-key': 'create-1' } });
    expect([one.status, two.status, two.body.sid]).toEqual([201, 201, one.body.sid]);
    const path = `/v1/Conversations/${one.body.sid}`;
    const [first, second] = await again(`${path}/Messages`, { body: 'Body=once', headers: { 'idempotency-key': 'message-1' } });
    expect(second.body).toEqual(first.body);
    expect((await parley.request(`${path}/Messages`)).body.messages).toHaveLength(1);
    const [joined, still] = await again(`${path}/Participants`, { body: 'Identity=alice', headers: { 'idempotency-key': 'participant-1' } });
    expect([still.status, still.body.sid]).toEqual([201, joined.body.sid]);
    const gone = await again(`${path}/Participants/alice`, { method: 'DELETE', headers: { 'idempotency-key': 'leave-1' } });
    expect(gone.map(({ status }) => status)).toEqual([204, 204]);
    const deleted = await again('/v1/Conversations/idempotent', { method: 'DELETE', headers: { 'idempotency-key': 'delete-1' } });
    expect(deleted.map(({ status }) => status)).toEqual([204, 204]);
    expect((await parley.request('/v1/Conversations/idempotent', { method: 'DELETE' })).status).toBe(404);
  });
  it('is refused when the key was used for something else', async () => {
    const headers = { 'idempotency-key': 'reused' };
    expect((await parley.request('/v1/Conversations', { body: 'FriendlyName=a', headers })).status).toBe(201);
    expect((await parley.request('/v1/Conversations', { body: 'FriendlyName=b', headers })).body).toMatchObject({ status: 409, code: 20409 });
  });
  it('is another request with the key of another account', async () => {
    const headers = { 'idempotency-key': 'shared' };
    const mine = await parley.request('/v1/Conversations', { body: 'FriendlyName=a', headers });
    const theirs = await parley.request('/v1/Conversations', { body: 'FriendlyName=a', headers, as: other });
    expect([mine.status, theirs.status]).toEqual([201, 201]);
    expect(theirs.body.sid).not.toBe(mine.body.sid);
  });
});

describe(`another account (${topology})`, () => {
  it('meets a 404 wherever it tries, and changes nothing', async () => {
    const { sid } = await conversations().create({ uniqueName: 'secret' });
    const message = await conversations()(sid).messages.create({ body: 'mine' });
    const member = await conversations()(sid).participants.create({ identity: 'alice' });
    const strange = parley.sdk(other).conversations.v1;
    const own = await strange.conversations.create({});
    const at = strange.conversations(sid);
    for (const attempt of [
      at.fetch(), strange.conversations('secret').fetch(), at.update({ friendlyName: 'x' }), at.remove(), at.messages.list(), at.messages.create({ body: 'x' }),
      at.messages(message.sid).fetch(), at.messages(message.sid).update({ body: 'x' }), at.messages(message.sid).remove(),
      at.participants.list(), at.participants.create({ identity: 'x' }), at.participants(member.sid).fetch(), at.participants('alice').update({ attributes: '{}' }),
      at.participants(member.sid).remove(), at.messages(message.sid).deliveryReceipts.list(),
      strange.conversations(own.sid).messages(message.sid).fetch(), strange.conversations(own.sid).messages(message.sid).update({ body: 'x' }),
      strange.conversations(own.sid).messages(message.sid).remove(), strange.conversations(own.sid).participants(member.sid).remove(),
      strange.services(parley.account.serviceSid).fetch(), strange.services(parley.account.serviceSid).conversations(sid).messages.create({ body: 'x' }),
    ]) expect(await refusal(attempt)).toEqual([404, 20404]);
    expect((await conversations()(sid).messages.list()).map(({ body }) => body)).toEqual(['mine']);
    expect((await conversations()(sid).participants.list()).map(({ identity }) => identity)).toEqual(['alice']);
    expect(new Set((await strange.conversations.list()).map((c) => c.accountSid))).toEqual(new Set([other.accountSid]));
    expect((await parley.sdk(other).conversations.v1.configuration().fetch()).defaultChatServiceSid).toBe(other.serviceSid);
  });
});

describe(`bad input (${topology})`, () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const CH = `CH${'0'.repeat(32)}`;
  it.each<[string, string, PlainRequest, number, number]>([
    ['no credentials', '/v1/Conversations', { as: null }, 401, 20003],
    ['wrong credentials', '/v1/Conversations', { as: null, headers: { authorization: `Basic ${btoa('AC1:x')}` } }, 401, 20003],
    ['unknown SID', `/v1/Conversations/${CH}`, {}, 404, 20404],
    ['unknown path', '/v1/Tea', {}, 404, 20404],
    ['not built yet', '/v1/Conversations/x/Export', {}, 501, 20500],
    ['wrong verb', '/v1/Conversations', { method: 'PUT' }, 405, 20004],
    ['JSON', '/v1/Conversations', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }, 415, 19056],
    ['too large', '/v1/Conversations', { body: `FriendlyName=${'x'.repeat(2_000_000)}` }, 413, 20413],
    ['half an escape', '/v1/Conversations', { body: 'FriendlyName=%f' }, 400, 20001],
    ['half an escape in the path', '/v1/Conversations/%f', {}, 400, 20001],
    ['a NUL', '/v1/Conversations', { body: 'FriendlyName=%00' }, 400, 20001],
    ['half a character', '/v1/Conversations', { body: 'FriendlyName=%ED%A0%80', headers: form }, 400, 20001],
    ['a page token of nobody', '/v1/Conversations?PageToken=PTabc', {}, 400, 21481],
  ])('%s', async (_, path, request, status, code) => {
    const answer = await parley.request(path, request);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(Object.keys(answer.body as object)).toEqual(['code', 'message', 'more_info', 'status']);
  });
  it.each(['wsUrl', 'clientWsUrl'] as const)('a websocket, %s, without an upgrade', async (address) => {
    const answer = await fetch(parley.installation.info[address].replace(/^ws/, 'http'));
    expect([answer.status, await answer.json()]).toEqual([426, expect.objectContaining({ code: 20001, status: 426 })]);
  });
  it('ignores parameters it does not know', async () =>
    expect((await parley.request('/v1/Conversations', { body: 'FriendlyName=x&Tea=green' })).status).toBe(201));
});
