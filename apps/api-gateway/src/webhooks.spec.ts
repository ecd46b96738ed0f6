import { isSid, newSid } from '@parley/domain/sid';
import { DomainError } from '@parley/domain/domain-error';
import { TestGateway, unknown } from './gateway.testing.js';

const form = { 'content-type': 'application/x-www-form-urlencoded' };
let gateway: TestGateway;
beforeAll(async () => (gateway = await TestGateway.start()));
afterAll(() => gateway.stop());

/** Rows as RegistryCommands would write them. */
function storeInto(table: string) {
  const write = async ({ account }: { account: string }, row: Record<string, unknown>, changes: Record<string, unknown> = {}) => {
    const { rowCount } = await gateway.database.pool.query(`select 1 from model.${table} where sid = $1`, [row['sid']]);
    const effect = rowCount === 0 ? ['+', { ...row, account }] : ['~', { ...changes, sid: row['sid'] }];
    await gateway.database.pool.query('select model.apply_to_row($1, $2)', [`${table}${effect[0] as string}`, effect[1]]);
  };
  gateway.commands.create = (caller, _kind, row) => write(caller, row);
  gateway.commands.update = (caller, _kind, sid, changes) => write(caller, { sid }, changes);
  gateway.commands.createOrUpdate = (caller, _kind, row, changes) => write(caller, row, changes);
  gateway.commands.remove = async (_caller, _kind, sid) => {
    await gateway.database.pool.query('select model.apply_to_row($1, $2)', [`${table}-`, { sid }]);
  };
}

describe('the account\'s webhooks', () => {
  it('have defaults, keep what was set, and answer as documented', async () => {
    storeInto('webhook_configuration');
    const { sid } = gateway.account;
    const defaults = {
      account_sid: sid, method: 'POST', filters: [], pre_webhook_url: null, post_webhook_url: null, target: 'webhook',
      url: 'https://api.example/v1/Configuration/Webhooks',
    };
    expect(await gateway.call('/Configuration/Webhooks')).toMatchObject({ status: 200, body: defaults });
    expect(await gateway.call('/Configuration/Webhooks', { body: 'PostWebhookUrl=https%3A%2F%2Fexample.com%2Fpost&Filters=onMessageAdded&Filters=onUserAdded', headers: form }))
      .toMatchObject({ status: 200, body: { ...defaults, post_webhook_url: 'https://example.com/post', filters: ['onMessageAdded', 'onUserAdded'] } });
    const second = await gateway.call('/Configuration/Webhooks', { form: { Method: 'get', Filters: 'onConversationAdd', Target: 'flex' } });
    expect(second.body).toEqual({ ...defaults, post_webhook_url: 'https://example.com/post', method: 'GET', filters: ['onConversationAdd'], target: 'flex' });
    expect((await gateway.call('/Configuration/Webhooks', { as: gateway.other })).body).toMatchObject({ filters: [], target: 'webhook' });
  });
  it.each([
    [{ PostWebhookUrl: 'http://127.0.0.1/x' }, 50054], [{ PreWebhookUrl: 'http://localhost/x' }, 50054], [{ PreWebhookUrl: 'x' }, 50054],
    [{ Filters: 'onTea' }, 50365], [{ Method: 'PUT' }, 50055],
  ])('refuse %j with %d', async (given, code) =>
    expect(await gateway.call('/Configuration/Webhooks', { form: given as Record<string, string> })).toMatchObject({ status: 400, body: { code } }));
});

describe('a service\'s webhooks', () => {
  it('are null until they are set', async () => {
    storeInto('webhook_configuration');
    const { sid, service } = gateway.account;
    const path = `/Services/${service}/Configuration/Webhooks`;
    const none = {
      account_sid: sid, chat_service_sid: service, pre_webhook_url: null, post_webhook_url: null, filters: null, method: null,
      url: `https://api.example/v1${path}`,
    };
    expect((await gateway.call(path)).body).toEqual(none);
    expect((await gateway.call(path, { form: { PreWebhookUrl: 'https://example.com/pre' } })).body)
      .toEqual({ ...none, pre_webhook_url: 'https://example.com/pre', filters: [], method: 'POST' });
    expect(await gateway.call(path, { form: { Filters: 'onUserAdded' } })).toMatchObject({ status: 400, body: { code: 50365 } });
    expect((await gateway.call(`/Services/${unknown('IS')}/Configuration/Webhooks`)).status).toBe(404);
    expect((await gateway.call(path, { as: gateway.other })).status).toBe(404);
  });
});

describe('webhooks of a conversation', () => {
  const hook = { Target: 'webhook', 'Configuration.Url': 'https://example.com/h', 'Configuration.Filters': 'onMessageAdded' };

  it.each(['', 'Services'])('are made, read, changed and removed (%s)', async (family) => {
    storeInto('conversation_webhook');
    const { sid: account, service } = gateway.account;
    const conversation = await gateway.conversation({ unique_name: `hooked${family}` });
    const base = `${family && `/Services/${service}`}/Conversations`;
    const made = await gateway.call(`${base}/hooked${family}/Webhooks`, { form: hook });
    expect(made.status).toBe(201);
    expect(isSid(made.body.sid, 'WH')).toBe(true);
    const path = `${base}/${conversation}/Webhooks/${made.body.sid}`;
    expect(made.body).toEqual({
      sid: made.body.sid, account_sid: account, ...(family && { chat_service_sid: service }), conversation_sid: conversation, target: 'webhook',
      url: `https://api.example/v1${path}`, configuration: { url: 'https://example.com/h', method: 'post', filters: ['onMessageAdded'] },
      date_created: expect.stringMatching(/Z$/), date_updated: expect.stringMatching(/Z$/),
    });
    expect((await gateway.call(path)).body).toEqual(made.body);
    expect((await gateway.call(path, { form: { 'Configuration.Method': 'GET' } })).body.configuration)
      .toEqual({ url: 'https://example.com/h', method: 'get', filters: ['onMessageAdded'] });
    expect(await gateway.call(path, { form: { 'Configuration.Filters': '' } })).toMatchObject({ status: 400, body: { code: 50370 } });
    for (const other of [gateway.account, gateway.other])
      expect((await gateway.call(`${base}/${conversation}/Webhooks/${other === gateway.other ? made.body.sid : unknown('WH')}`, { as: other })).status).toBe(404);
    expect((await gateway.call(path, { method: 'DELETE' })).status).toBe(204);
    expect((await gateway.call(path)).status).toBe(404);
  });

  it('come in pages of five, at most five', async () => {
    storeInto('conversation_webhook');
    const conversation = await gateway.conversation();
    const path = `/Conversations/${conversation}/Webhooks`;
    for (let n = 0; n < 5; n++)
      await gateway.put('conversation_webhook', { sid: newSid('WH'), account: gateway.account.sid, conversation_sid: conversation, target: 'studio', flow_sid: `FW${'0'.repeat(32)}` });
    const all = await gateway.call(path);
    expect(all.body.meta).toMatchObject({ key: 'webhooks', page_size: 5, next_page_url: null });
    expect(all.body.webhooks.map((w: { configuration: object }) => w.configuration)).toEqual(Array.from({ length: 5 }, () => ({ flow_sid: `FW${'0'.repeat(32)}` })));
    const first = await gateway.call(`${path}?PageSize=3`);
    const second = await gateway.call(first.body.meta.next_page_url);
    expect([...first.body.webhooks, ...second.body.webhooks]).toEqual(all.body.webhooks);
    gateway.commands.create = () => Promise.reject(new DomainError('resource_limit_exceeded'));
    expect(await gateway.call(path, { form: hook })).toMatchObject({ status: 400, body: { code: 50361 } });
  });

  it('of a closed conversation are neither made nor changed, and can be removed', async () => {
    storeInto('conversation_webhook');
    const conversation = await gateway.conversation({ unique_name: 'shut', state: 'closed' });
    const sid = newSid('WH');
    await gateway.put('conversation_webhook', { sid, account: gateway.account.sid, conversation_sid: conversation, target: 'studio', flow_sid: `FW${'0'.repeat(32)}` });
    for (const path of [`/Conversations/shut/Webhooks`, `/Conversations/${conversation}/Webhooks`, `/Conversations/${conversation}/Webhooks/${sid}`])
      expect(await gateway.call(path, { form: hook })).toMatchObject({ status: 400, body: { code: 50377 } });
    expect((await gateway.call(`/Conversations/${conversation}/Webhooks`)).body.webhooks).toHaveLength(1);
    expect((await gateway.call(`/Conversations/${conversation}/Webhooks/${sid}`, { method: 'DELETE' })).status).toBe(204);
  });
  it('need a conversation that is there, and a public target', async () => {
    const conversation = await gateway.conversation();
    expect((await gateway.call(`/Conversations/${unknown('CH')}/Webhooks`)).status).toBe(404);
    expect((await gateway.call(`/Conversations/${unknown('CH')}/Webhooks`, { form: hook })).status).toBe(404);
    expect((await gateway.call(`/Conversations/${conversation}/Webhooks`, { form: hook, as: gateway.other })).status).toBe(404);
    expect(await gateway.call(`/Conversations/${conversation}/Webhooks`, { form: { ...hook, 'Configuration.Url': 'http://10.0.0.1' } }))
      .toMatchObject({ status: 400, body: { code: 50054, message: expect.stringContaining('private network') } });
  });
});
