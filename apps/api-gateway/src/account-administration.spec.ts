/** Accounts, keys and auth tokens over HTTP: what is answered, what is refused, and that secrets are shown once. */
import * as answers from '@parley/contracts/rest/account-answers';
import { listOf } from '@parley/contracts/rest/answer-fields';
import { KEYS_MAX } from '@parley/event-store/account-registry';
import { TestGateway, unknown, type TestAccount } from './gateway.testing.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await TestGateway.start();
  gateway.commands.create = () => Promise.resolve();
});
afterAll(() => gateway.stop());

const host = 'https://api.example';
const accounts = `${host}/2010-04-01/Accounts`;
const rfc2822 = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000$/;
const isoSeconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const by = (sid: string, token: string): TestAccount => ({ sid, token, service: '' });

async function subaccount(FriendlyName = 'Sub'): Promise<TestAccount> {
  const { status, body } = await gateway.call(`${accounts}.json`, { form: { FriendlyName } });
  expect(status).toBe(201);
  return by(body.sid, body.auth_token);
}
async function key(form: Record<string, string> = {}, of = gateway.account): Promise<TestAccount> {
  const { status, body } = await gateway.call('/Keys', { form: { AccountSid: of.sid, ...form }, as: of });
  expect(status).toBe(201);
  return by(body.sid, body.secret);
}
/** As the published schema has it, to the field. */
const fits = (schema: { parse(value: unknown): unknown }, value: unknown) => expect(schema.parse(value)).toEqual(value);
const restricted = (...allow: string[]) => key({ KeyType: 'restricted', Policy: JSON.stringify({ allow: allow.map((entry) => `/twilio/conversations/${entry}`) }) });

describe('accounts', () => {
  it('are made with a token that is shown once', async () => {
    const made = await gateway.call(`${accounts}.json`, { form: { FriendlyName: 'Branch' } });
    const { sid, auth_token } = made.body;
    expect(made).toMatchObject({
      status: 201, body: {
        owner_account_sid: gateway.account.sid, friendly_name: 'Branch', type: 'Full', status: 'active', date_created: expect.stringMatching(rfc2822),
        date_updated: expect.stringMatching(rfc2822), uri: `/2010-04-01/Accounts/${sid}.json`, subresource_uris: { keys: `/2010-04-01/Accounts/${sid}/Keys.json` },
      },
    });
    expect(auth_token).toMatch(/^[0-9a-f]{32}$/);
    const fetched = await gateway.call(`${accounts}/${sid}.json`);
    for (const { body } of [made, fetched]) fits(answers.account, body);
    fits(answers.pageOf2010('accounts', answers.account), (await gateway.call(`${accounts}.json`)).body);
    expect(fetched).toMatchObject({ status: 200, body: { ...made.body, auth_token: null } });
    expect((await gateway.call(`${accounts}/${sid}.json`, { as: by(sid, auth_token) })).body).toEqual(fetched.body);
    expect((await gateway.call('/Conversations', { as: by(sid, auth_token) })).status).toBe(200);
    expect((await gateway.call('/Conversations', { as: by(sid, gateway.account.token) })).status).toBe(401);
  });
  it('are the caller\'s own and its subaccounts', async () => {
    const own = gateway.account.sid;
    const sub = await subaccount('Listed');
    const { body } = await gateway.call(`${accounts}.json?FriendlyName=Listed`);
    expect(body).toMatchObject({
      accounts: [{ sid: sub.sid, auth_token: null }], page: 0, page_size: 50, start: 0, end: 0, next_page_uri: null, previous_page_uri: null,
      uri: '/2010-04-01/Accounts.json?FriendlyName=Listed&PageSize=50&Page=0', first_page_uri: '/2010-04-01/Accounts.json?FriendlyName=Listed&PageSize=50&Page=0',
    });
    const seen: string[] = [];
    for (let path = `${accounts}.json?PageSize=2`; path;) {
      const page = (await gateway.call(path)).body;
      seen.push(...page.accounts.map(({ sid }: { sid: string }) => sid));
      path = page.next_page_uri && host + page.next_page_uri;
    }
    expect(seen).toEqual([...new Set(seen)].sort());
    expect(seen).toEqual(expect.arrayContaining([own, sub.sid]));
    expect(seen).not.toContain(gateway.other.sid);
    expect((await gateway.call(`${accounts}.json`, { as: sub })).body.accounts).toMatchObject([{ sid: sub.sid, owner_account_sid: own }]);
    const second = await gateway.call(`${accounts}.json?PageSize=1`);
    const next = await gateway.call(host + second.body.next_page_uri);
    expect((await gateway.call(host + next.body.previous_page_uri)).body.accounts).toEqual(second.body.accounts);
  });
  it('are walls: somebody else\'s are not there', async () => {
    const sub = await subaccount();
    for (const [as, sid] of [[gateway.other, sub.sid], [sub, gateway.account.sid], [gateway.account, gateway.other.sid], [gateway.account, unknown('AC')]] as const)
      for (const path of ['', '/Keys', '/SigningKeys', `/Keys/${unknown('SK')}`])
        expect((await gateway.call(`${accounts}/${sid}${path}.json`, { as })).body).toMatchObject({ code: 20404, status: 404 });
  });
  it('are suspended, opened again and closed by their parent', async () => {
    const sub = await subaccount();
    const path = `${accounts}/${sub.sid}.json`;
    const statusAfter = async (Status: string) => (await gateway.call(path, { form: { Status } })).body.status as string;
    for (const status of ['suspended', 'active', 'suspended', 'closed']) {
      expect(await statusAfter(status)).toBe(status);
      const { body } = await gateway.call('/Conversations', { as: sub });
      expect(body).toMatchObject(status === 'active' ? { conversations: [] } : { code: 20005, status: 403, message: 'Account not active' });
    }
    expect((await gateway.call(path, { form: { Status: 'active' } })).body).toMatchObject({ code: 20001, status: 400 });
    expect((await gateway.call(`${accounts}/${sub.sid}/Keys.json`, { form: {} })).body).toMatchObject({ code: 20005 });
    expect((await gateway.call(path, { form: { FriendlyName: 'Gone' } })).body).toMatchObject({ friendly_name: 'Gone', status: 'closed' });
  });
  it.each([
    ['a subaccount of a subaccount', 21101, 400, async () => gateway.call(`${accounts}.json`, { form: {}, as: await subaccount() })],
    ['one\'s own status', 20006, 403, () => gateway.call(`${accounts}/${gateway.account.sid}.json`, { form: { Status: 'suspended' } })],
    ['a status there is not', 20001, 400, async () => gateway.call(`${accounts}/${(await subaccount()).sid}.json`, { form: { Status: 'asleep' } })],
    ['a name that is too long', 20001, 400, () => gateway.call(`${accounts}.json`, { form: { FriendlyName: 'x'.repeat(65) } })],
    ['another verb', 20004, 405, () => gateway.call(`${accounts}.json`, { method: 'DELETE' })],
    ['another path', 20404, 404, () => gateway.call(`${accounts}/${gateway.account.sid}/Calls.json`)],
    ['another path with a verb', 20404, 404, () => gateway.call(`${accounts}/${gateway.account.sid}/Calls.json`, { form: {} })],
    ['a page token of another list', 21481, 400, () => gateway.call(`${accounts}.json?PageToken=PTW10`)],
    ['nobody', 20003, 401, () => gateway.call(`${accounts}.json`, { as: null })],
  ])('refuse %s', async (_, code, status, call) => expect((await call()).body).toMatchObject({ code, status }));
  it('with an Idempotency-Key are made once', async () => {
    const make = (FriendlyName: string) => gateway.call(`${accounts}.json`, { form: { FriendlyName }, headers: { 'idempotency-key': 'one branch' } });
    const [first, second] = [await make('Branch'), await make('Branch')];
    expect(second.body).toEqual(first.body);
    expect((await make('Another')).body).toMatchObject({ code: 20409 });
    // A day later: never a second one.
    await gateway.database.pool.query('delete from log.command where account = $1', [gateway.account.sid]);
    expect((await make('Branch')).body).toMatchObject({ code: 20409, status: 409 });
  });
});

describe.each(['Keys', 'SigningKeys'])('%s of 2010-04-01', (name) => {
  const list = () => `${accounts}/${gateway.account.sid}/${name}`;
  it('are made, renamed and deleted; the secret is shown once', async () => {
    const { status, body: made } = await gateway.call(`${list()}.json`, { form: { FriendlyName: 'Batch', KeyType: 'restricted', Policy: 'no parameter here' } });
    const { secret, ...shown } = made;
    fits(answers.newKey, made);
    fits(answers.key, shown);
    fits(answers.pageOf2010(name === 'Keys' ? 'keys' : 'signing_keys', answers.key), (await gateway.call(`${list()}.json`)).body);
    expect([status, Object.keys(shown)]).toEqual([201, ['sid', 'friendly_name', 'date_created', 'date_updated']]);
    expect(made).toMatchObject({ sid: expect.stringMatching(/^SK/), friendly_name: 'Batch', date_created: expect.stringMatching(rfc2822), secret: expect.stringMatching(/^\w{32}$/) });
    expect((await gateway.call(`${list()}/${made.sid}.json`)).body).toEqual(shown);
    expect((await gateway.call('/Conversations', { as: by(made.sid, secret) })).status).toBe(200);
    expect((await gateway.call(`${list()}/${made.sid}.json`, { form: { FriendlyName: 'Renamed' } })).body).toMatchObject({ friendly_name: 'Renamed' });
    const { body } = await gateway.call(`${list()}.json`);
    expect(body[name === 'Keys' ? 'keys' : 'signing_keys'].at(-1)).toMatchObject({ sid: made.sid, friendly_name: 'Renamed' });
    expect(JSON.stringify(body)).not.toContain(secret);
    expect((await gateway.call(`${list()}/${made.sid}.json`, { method: 'DELETE' })).status).toBe(204);
    expect((await gateway.call('/Conversations', { as: by(made.sid, secret) })).body).toMatchObject({ code: 20003 });
    expect((await gateway.call(`${list()}/${made.sid}.json`)).body).toMatchObject({ code: 20404 });
  });
  it('of a subaccount are the parent\'s to make, and work for the subaccount only', async () => {
    const sub = await subaccount();
    const { body: made } = await gateway.call(`${accounts}/${sub.sid}/${name}.json`, { form: {} });
    expect(made.friendly_name).toBeNull();
    expect((await gateway.call('/Configuration', { as: by(made.sid, made.secret) })).body).toMatchObject({ account_sid: sub.sid });
    expect((await gateway.call(`${list()}/${made.sid}.json`)).body).toMatchObject({ code: 20404 });
    expect((await gateway.call(`${accounts}/${sub.sid}/${name}/${made.sid}.json`, { method: 'DELETE' })).status).toBe(204);
  });
  it.each([
    ['a name of 65 characters', 70001, () => gateway.call(`${list()}.json`, { form: { FriendlyName: 'x'.repeat(65) } })],
    ['a SID that is none', 70002, () => gateway.call(`${list()}/${unknown('AC')}.json`)],
    ['a key there is not', 20404, () => gateway.call(`${list()}/${unknown('SK')}.json`, { method: 'DELETE' })],
    ['an API key that asks', 20003, async () => gateway.call(`${list()}.json`, { as: await key() })],
    ['a restricted key that asks', 20003, async () => gateway.call(`${list()}.json`, { form: {}, as: await restricted('*') })],
  ])('refuse %s', async (_, code, call) => expect((await call()).body).toMatchObject({ code }));
});

describe('keys with policies', () => {
  it('are made, listed, changed and deleted', async () => {
    const Policy = JSON.stringify({ allow: ['/twilio/conversations/messages/create'] });
    const { body: made } = await gateway.call('/Keys', { form: { AccountSid: gateway.account.sid, KeyType: 'restricted', Policy, FriendlyName: 'Sender' } });
    expect(made).toMatchObject({ policy: JSON.parse(Policy), friendly_name: 'Sender', secret: expect.stringMatching(/^\w{32}$/) });
    const { secret, ...shown } = made;
    fits(answers.newApiKey, made);
    fits(answers.apiKey, shown);
    fits(listOf('keys', answers.listedApiKey), (await gateway.call(`/Keys?AccountSid=${gateway.account.sid}`)).body);
    expect((await gateway.call(`/Keys/${made.sid}`)).body).toEqual(shown);
    const { body } = await gateway.call(`/Keys?AccountSid=${gateway.account.sid}&PageSize=100`);
    expect(body.meta).toMatchObject({ key: 'keys', url: `${host}/v1/Keys?AccountSid=${gateway.account.sid}&PageSize=100&Page=0` });
    expect(body.keys.find(({ sid }: { sid: string }) => sid === made.sid)).toMatchObject({ flags: ['rest_api'] });
    expect(JSON.stringify(body)).not.toContain(secret);
    const changed = { allow: ['/twilio/conversations/messages/read', '/twilio/conversations/messages/list'] };
    expect((await gateway.call(`/Keys/${made.sid}`, { form: { Policy: JSON.stringify(changed) } })).body).toMatchObject({ policy: changed, friendly_name: 'Sender' });
    expect((await gateway.call(`/Keys/${made.sid}`, { method: 'DELETE', headers: { 'idempotency-key': 'away' } })).status).toBe(204);
    expect((await gateway.call(`/Keys/${made.sid}`, { method: 'DELETE', headers: { 'idempotency-key': 'away' } })).status).toBe(204);
    expect((await gateway.call(`/Keys/${made.sid}`, { method: 'DELETE' })).status).toBe(404);
  });
  it('may do what they list and nothing else', async () => {
    const conversation = await gateway.conversation();
    const path = `/Conversations/${conversation}`;
    const one = await restricted('messages/list', 'conversations/read');
    const all = await restricted('messages/*');
    const tries: [TestAccount, string, string, Record<string, string>?][] = [
      [one, `${path}/Messages`, 'ok'], [one, `/Services/${gateway.account.service}${path}/Messages`, 'ok'], [one, path, 'ok'],
      [one, '/Conversations', 'conversations/list'], [one, `${path}/Messages/${unknown('IM')}`, 'messages/read'],
      [one, `${path}/Messages`, 'messages/create', { Body: 'x' }], [one, path, 'conversations/update', { FriendlyName: 'x' }],
      [one, '/Services', 'services/list'], [one, `${path}/Participants`, 'participants/list'], [all, `${path}/Messages`, 'ok'], [all, path, 'conversations/read'],
    ];
    for (const [as, where, wanted, form] of tries) {
      const { status, body } = await gateway.call(where, { as, ...(form && { form }) });
      if (wanted === 'ok') expect([where, status]).toEqual([where, 200]);
      else expect(body).toMatchObject({ code: 70051, status: 401, message: `Authorization Error: required permission twilio/conversations/${wanted} is missing` });
    }
    const head = await gateway.call(path, { as: all, method: 'HEAD' });
    expect(head.status).toBe(401);
  });
  it.each([
    ['no account', 20001, {}],
    ['an account that is none', 20001, { AccountSid: 'me' }],
    ['another kind', 70001, { KeyType: 'main' }],
    ['a restricted key without policy', 70001, { KeyType: 'restricted' }],
    ['a standard key with a policy', 70001, { Policy: '{"allow":["/twilio/conversations/*"]}' }],
    ['a policy that is no JSON', 70001, { KeyType: 'restricted', Policy: '{' }],
    ['a policy of another shape', 70001, { KeyType: 'restricted', Policy: '["/twilio/conversations/*"]' }],
    ['an empty policy', 70001, { KeyType: 'restricted', Policy: '{"allow":[]}' }],
    ['more than 100 permissions', 70001, { KeyType: 'restricted', Policy: JSON.stringify({ allow: Array.from({ length: 101 }, () => '/twilio/conversations/*') }) }],
    ['a permission there is not', 70002, { KeyType: 'restricted', Policy: '{"allow":["/twilio/tea/cups/read"]}' }],
  ])('refuse %s', async (_, code, form) => {
    const account: Record<string, string> = code === 20001 ? {} : { AccountSid: gateway.account.sid };
    expect((await gateway.call('/Keys', { form: { ...account, ...(form as Record<string, string>) } })).body).toMatchObject({ code, status: 400 });
  });
  it('are not made for somebody else\'s account, nor beyond the limit', async () => {
    expect((await gateway.call('/Keys', { form: { AccountSid: gateway.other.sid } })).body).toMatchObject({ code: 20404 });
    expect((await gateway.call(`/Keys/${(await key()).sid}`, { as: gateway.other })).body).toMatchObject({ code: 20404 });
    const full = await subaccount();
    await gateway.database.pool.query(
      `insert into registry.api_key (sid, account, secret) select 'SK' || lpad(to_hex(n), 32, '0'), $1, '' from generate_series(1, $2) n`, [full.sid, KEYS_MAX],
    );
    expect((await gateway.call('/Keys', { form: { AccountSid: full.sid } })).body).toMatchObject({ code: 70151, status: 400 });
  });
});

describe('auth tokens', () => {
  it('are replaced without a moment in which none is valid', async () => {
    const sub = await subaccount();
    const made = await gateway.call('/AuthTokens/Secondary', { method: 'POST', as: sub });
    expect(made).toMatchObject({
      status: 201,
      body: { account_sid: sub.sid, date_created: expect.stringMatching(isoSeconds), date_updated: expect.stringMatching(isoSeconds), url: `${host}/v1/AuthTokens/Secondary` },
    });
    const second = by(sub.sid, made.body.secondary_auth_token);
    fits(answers.secondaryAuthToken, made.body);
    for (const as of [sub, second]) expect((await gateway.call('/Conversations', { as })).status).toBe(200);
    expect((await gateway.call('/AuthTokens/Secondary', { method: 'POST', as: sub })).body).toMatchObject({ code: 20409, status: 409 });
    const promoted = await gateway.call('/AuthTokens/Promote', { method: 'POST', as: second });
    expect(promoted).toMatchObject({ status: 200, body: { account_sid: sub.sid, auth_token: second.token, url: `${host}/v1/AuthTokens/Promote` } });
    fits(answers.promotedAuthToken, promoted.body);
    expect((await gateway.call('/Conversations', { as: sub })).body).toMatchObject({ code: 20003 });
    expect((await gateway.call('/Conversations', { as: second })).status).toBe(200);
    expect((await gateway.call('/AuthTokens/Promote', { method: 'POST', as: second })).body).toMatchObject({ code: 20404 });
  });
  it('are taken back', async () => {
    const sub = await subaccount();
    const { body } = await gateway.call('/AuthTokens/Secondary', { method: 'POST', as: sub });
    expect((await gateway.call('/AuthTokens/Secondary', { method: 'DELETE', as: sub })).status).toBe(204);
    expect((await gateway.call('/Conversations', { as: by(sub.sid, body.secondary_auth_token) })).status).toBe(401);
    expect((await gateway.call('/AuthTokens/Secondary', { method: 'DELETE', as: sub })).body).toMatchObject({ code: 20404 });
  });
  it('are no business of API keys', async () =>
    expect((await gateway.call('/AuthTokens/Secondary', { method: 'POST', as: await key() })).body).toMatchObject({ code: 20003, status: 401 }));
  it.each([['GET', 'Secondary'], ['DELETE', 'Promote']])('%s %s is 405', async (method, path) =>
    expect((await gateway.call(`/AuthTokens/${path}`, { method })).body).toMatchObject({ code: 20004 }));
});
