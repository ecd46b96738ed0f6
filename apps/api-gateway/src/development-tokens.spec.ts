/** The token endpoint for development: who gets a token, of whom, and who is told what is wrong. */
import { newSid } from '@parley/domain/sid';
import { gatewayConfig } from './config.js';
import { TestGateway, unknown } from './gateway.testing.js';

const PASSWORD = 'open sesame 17';
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await TestGateway.start({ DEVELOPMENT_TOKEN_PASSWORD: PASSWORD });
  const { database: { pool, box }, account } = gateway;
  await pool.query('insert into registry.api_key (sid, account, friendly_name, secret) values ($1, $2, $1, $3)', [newSid('SK'), account.sid, box.seal('x'.repeat(32))]);
});
afterAll(() => gateway?.stop());

const ask = (query: Record<string, string>, of = gateway) => of.fetch(`/development/token?${new URLSearchParams(query)}`, {}, null);
const told = async (query: Record<string, string>) => {
  const answer = await ask(query);
  return [answer.status, await answer.text()] as const;
};
/** Of ann's token. */
async function grants(query: Record<string, string> = {}): Promise<object> {
  const [, token] = await told({ identity: 'ann', password: PASSWORD, ...query });
  return (JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { grants: object }).grants;
}

it('gives a token that the REST API takes, as plain text, to a page of any origin', async () => {
  const answer = await ask({ identity: 'José/ 1', password: PASSWORD });
  expect(answer.status).toBe(200);
  expect(Object.fromEntries(answer.headers)).toMatchObject({ 'content-type': expect.stringContaining('text/plain'), 'access-control-allow-origin': '*', 'cache-control': 'no-store' });
  gateway.commands.ensureUser = async ({ account }, service, identity) => {
    await gateway.put('chat_user', { sid: newSid('US'), account, chat_service_sid: service, identity, attributes: '{}', role_sid: newSid('RL') });
    return true;
  };
  const { status, body } = await gateway.call(`/Users/${encodeURIComponent('José/ 1')}`, { as: null, headers: { authorization: `Bearer ${await answer.text()}` } });
  expect([status, body]).toEqual([200, expect.objectContaining({ identity: 'José/ 1', chat_service_sid: gateway.account.service })]);
});

it('names the service and the push credential that it is asked for', async () => {
  const [service, credential] = [newSid('IS'), newSid('CR')];
  await gateway.put('service', {
    sid: service, account: gateway.account.sid, friendly_name: 'Second', default_chat_service_role_sid: newSid('RL'), default_conversation_role_sid: newSid('RL'),
    default_conversation_creator_role_sid: newSid('RL'), reachability_enabled: false,
  });
  await gateway.put('credential', { sid: credential, account: gateway.account.sid, type: 'fcm', sandbox: 'False' });
  expect(await grants({ service_sid: service, push_credential_sid: credential })).toEqual({ identity: 'ann', chat: { service_sid: service, push_credential_sid: credential } });
});

it('names the service that is the default now, not the one the account was made with', async () => {
  const { account: { sid, service: made } } = gateway;
  expect(await grants()).toEqual({ identity: 'ann', chat: { service_sid: made } });
  const chosen = newSid('IS');
  await gateway.put('account_configuration', { sid, account: sid, default_chat_service_sid: chosen });
  expect(await grants()).toEqual({ identity: 'ann', chat: { service_sid: chosen } });
  await gateway.database.pool.query('update model.account_configuration set default_chat_service_sid = null where sid = $1', [sid]);
  expect(await grants()).toEqual({ identity: 'ann', chat: { service_sid: made } });
});

it.each([
  ['no password', { identity: 'ann' }, 401, 'password'],
  ['another one', { identity: 'ann', password: `${PASSWORD}8` }, 401, 'password'],
  ['nobody', { password: PASSWORD }, 400, 'identity'],
  ['who nobody can be', { password: PASSWORD, identity: 'system' }, 400, 'identity'],
  ['a service that is none', { password: PASSWORD, identity: 'ann', service_sid: 'IS1' }, 400, 'service_sid'],
  ['a service of nobody', { password: PASSWORD, identity: 'ann', service_sid: unknown('IS') }, 400, 'no such service'],
  ['a credential of nobody', { password: PASSWORD, identity: 'ann', push_credential_sid: unknown('CR') }, 400, 'no such push credential'],
  ['a parameter that is none', { password: PASSWORD, identity: 'ann', ttl: '5' }, 400, 'ttl'],
])('says in words what is wrong: %s', async (_what, query, status, word) => {
  const answer = await told(query as Record<string, string>);
  expect(answer).toEqual([status, expect.stringContaining(word)]);
  expect(answer[1]).not.toContain(PASSWORD);
});

it('is not there without a password, and takes none that is guessed', async () => {
  const closed = await TestGateway.start();
  try {
    const answer = await ask({ identity: 'ann', password: '' }, closed);
    expect([answer.status, ((await answer.json()) as { code: number }).code]).toEqual([404, 20404]);
  } finally {
    await closed.stop();
  }
  const shared = { databaseUrl: '', publicUrl: '' } as never;
  expect(gatewayConfig(shared, { DEVELOPMENT_TOKEN_PASSWORD: 'off' }).developmentTokenPassword).toBeUndefined();
  expect(() => gatewayConfig(shared, { DEVELOPMENT_TOKEN_PASSWORD: 'short' })).toThrow('DEVELOPMENT_TOKEN_PASSWORD');
});
