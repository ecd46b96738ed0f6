/** What is wrong with a request is told by status and documented code, never as a 5xx (API reference 2.6, 2.7). */
import { DomainError } from '@parley/domain/domain-error';
import { TestGateway, unknown } from './gateway.testing.js';
import { pageToken } from './page-token.js';

let gateway: TestGateway;
let conversation: string;
beforeAll(async () => {
  gateway = await TestGateway.start();
  conversation = await gateway.conversation();
});
afterAll(() => gateway.stop());

const form = { 'content-type': 'application/x-www-form-urlencoded' };
const mebibyte = 'x'.repeat(1_048_576);
const path = () => `/Conversations/${conversation}`;

describe('authentication', () => {
  it.each([
    ['nothing', null, {}, 20003],
    ['a wrong token', undefined, { authorization: `Basic ${btoa(`${unknown('AC')}:x`)}` }, 20003],
    ['no token', null, { authorization: 'Bearer x' }, 20101],
    ['nonsense', null, { authorization: 'Basic %' }, 20003],
    ['neither', null, { authorization: 'Digest x' }, 20003],
  ])('%s is 401', async (_, as, headers, code) => {
    const { status, body, headers: answered } = await gateway.call('/Conversations', { as, headers });
    expect([status, body.code]).toEqual([401, code]);
    expect(Object.keys(body as object)).toEqual(['code', 'message', 'more_info', 'status']);
    expect(answered.get('www-authenticate')).toMatch(code === 20003 ? /^Basic / : /^Bearer /);
  });
  it('is asked for before a path is looked at', async () => {
    for (const [method, where] of [['PUT', path()], ['GET', '/Tea'], ['GET', '/Roles']] as const)
      expect((await gateway.call(where, { method, as: null })).status).toBe(401);
  });
  it('refuses an account that is not active', async () => {
    const { other, database } = gateway;
    await database.pool.query(`update registry.account set status = 'suspended' where sid = $1`, [other.sid]);
    expect((await gateway.call('/Conversations', { as: other })).body).toMatchObject({ code: 20005, status: 403 });
    await database.pool.query(`update registry.account set status = 'active' where sid = $1`, [other.sid]);
  });
});

describe('paths and verbs', () => {
  it.each([
    ['GET', '/Tea', 404, 20404],
    ['GET', '/Conversations/', 404, 20404],
    ['GET', `/Conversations/${unknown('CH')}/`, 404, 20404],
    ['GET', `/Conversations/${'x'.repeat(400)}`, 404, 20404],
    ['GET', '/Conversations/%00', 404, 20404],
    ['GET', '/Conversations/%00/Messages', 404, 20404],
    ['GET', '/Services/%00/Conversations', 404, 20404],
    ['GET', `/Services/%22x/Conversations/${unknown('CH')}/Messages`, 404, 20404],
    ['POST', '/Services/%00/Conversations', 404, 20404],
    ['GET', '/Conversations/%zz', 400, 20001],
    ['PUT', '/Conversations', 405, 20004],
    ['PATCH', '/Conversations/x', 405, 20004],
    ['DELETE', '/Conversations/x/Messages', 405, 20004],
    ['POST', '/Conversations/x/Messages/y/Receipts', 405, 20004],
    ['GET', '/Conversations/x/Messages/y/ChannelMetadata', 404, 20404],
    ['GET', `/Conversations/${unknown('CH')}/Messages/${unknown('IM')}/ChannelMetadata`, 404, 20404],
    ['POST', '/Conversations/x/Export', 501, 20500],
  ])('%s %s is %d', async (method, where, status, code) =>
    expect((await gateway.call(where, { method })).body).toMatchObject({ status, code }));
  it('tells a message without channel metadata from no message', async () =>
    expect((await gateway.call(`/Conversations/${conversation}/Messages/${await gateway.message(conversation, 7_000)}/ChannelMetadata`)).body)
      .toMatchObject({ status: 404, code: 50530 }));
  it('names the verbs a path has', async () =>
    expect((await gateway.call('/Conversations', { method: 'PUT' })).headers.get('allow')).toBe('GET, POST'));
  it('is told in the API\'s form outside /v1 too', async () =>
    expect((await gateway.call('https://api.example/nothing')).body).toMatchObject({ code: 20404, status: 404 }));
});

describe('bodies', () => {
  it.each([
    ['JSON', { 'content-type': 'application/json' }, '{"Body":"x"}', 415, 19056],
    ['multipart', { 'content-type': 'multipart/form-data; boundary=x' }, '--x--', 415, 19056],
    ['compressed', { ...form, 'content-encoding': 'gzip' }, 'x', 415, 19056],
    ['broken escapes', form, 'Body=%zz', 400, 20001],
    ['a NUL', form, 'Body=a%00b', 400, 20001],
    ['half a surrogate pair', form, 'Body=%ED%A0%80', 400, 20001],
    ['more than 1 MiB', form, `Body=${mebibyte}`, 413, 20413],
    ['much more', form, `Body=${mebibyte.repeat(4)}`, 413, 20413],
  ])('%s', async (_, headers, body, status, code) =>
    expect((await gateway.call(`${path()}/Messages`, { headers, body })).body).toMatchObject({ status, code }));
  it.each([
    ['a NUL', '{"command":"get","list":[{"media_sid":"a\\u0000"}]}'], ['half a character', '{"command":"\\ud83d"}'],
    ['nesting without end', `{"types":{"twilio/flows":{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}}}`],
  ])('of JSON with %s', async (_, body) => {
    for (const [method, where] of [['POST', `/Services/${gateway.account.service}/MediaSet`], ['POST', '/Content'], ['PUT', `/Content/${unknown('HX')}`]] as const)
      expect((await gateway.call(where, { method, headers: { 'content-type': 'application/json', 'idempotency-key': 'x' }, body })).body)
        .toMatchObject({ status: 400, code: 20001 });
  });
  it('may be as large as 1 MiB, which is no message', async () =>
    expect((await gateway.call(`${path()}/Messages`, { headers: form, body: `Body=${mebibyte.slice(5)}` })).body).toMatchObject({ code: 50504 }));
  it('are refused when sent in chunks too', async () => {
    const body = ReadableStream.from((function* () { for (let i = 0; i < 20; i++) yield Buffer.alloc(65_536, 'x'); })());
    expect((await gateway.call(`${path()}/Messages`, { headers: form, body })).body).toMatchObject({ status: 413, code: 20413 });
  });
});

describe('headers and queries', () => {
  it.each([
    ['/Conversations?PageSize=0', 20007], ['/Conversations?PageSize=x', 20007], ['/Conversations?Page=-1', 20001],
    ['/Conversations?PageToken=x', 21481], ['/Conversations?State=open', 50378], ['/Conversations?StartDate=x', 20001],
    ['/Conversations?StartDate=2026-01-02&EndDate=2026-01-01', 50396], ['/Conversations?State=%zz', 20001],
    ['/Services?PageToken=PTW10', 21481],
    ...[8e15, -7e13].map((at) => [`/Conversations?PageToken=${pageToken('last_activity_at', [at, unknown('CH')], false)}`, 21481] as [string, number]),
  ])('%s is %d', async (where, code) => expect((await gateway.call(where)).body).toMatchObject({ code, status: 400 }));
  it('wants a printable Idempotency-Key of at most 255 characters', async () => {
    for (const key of ['x'.repeat(256), 'ü'])
      expect((await gateway.call('/Conversations', { form: {}, headers: { 'idempotency-key': key } })).body).toMatchObject({ code: 20001 });
  });
});

describe('refusals of commands', () => {
  it.each([
    ['conversation_closed', 400, 50377], ['conversation_not_found', 404, 20404], ['conflicting_modification', 409, 50391],
    ['idempotency_key_reused', 409, 20409], ['overloaded', 503, 20503], ['unavailable', 503, 20503],
  ] as const)('%s is %d', async (refusal, status, code) => {
    gateway.commands.addMessage = () => Promise.reject(new DomainError(refusal));
    const answer = await gateway.call(`${path()}/Messages`, { form: { Body: 'x' } });
    expect(answer.body).toMatchObject({ status, code });
    expect(answer.headers.get('retry-after')).toBe(status === 503 ? '1' : null);
  });
  it('shows nothing of an error nobody foresaw', async () => {
    gateway.commands.addMessage = () => Promise.reject(new Error('secret at /somewhere'));
    const { body } = await gateway.call(`${path()}/Messages`, { form: { Body: 'x' } });
    expect(body).toEqual({
      code: 20500, message: 'Internal Server Error', more_info: 'https://www.twilio.com/docs/errors/20500', status: 500,
    });
  });
});
