/** Services, their configuration, account configuration, credentials and bindings: from form to command, from row to answer. */
import { DomainError } from '@parley/domain/domain-error';
import { newSid } from '@parley/domain/sid';
import { PUBLIC_URL, TestGateway, unknown } from './gateway.testing.js';

let gateway: TestGateway;
beforeAll(async () => { gateway = await TestGateway.start(); });
afterAll(() => gateway.stop());

type Command = [command: string, kind: string, row: Record<string, any>];
let told: Command[];
beforeEach(() => {
  told = [];
  const { commands } = gateway;
  commands.create = async (_caller, kind, row) => { told.push(['create', kind, row]); };
  commands.update = async (_caller, kind, sid, changes) => { told.push(['update', kind, { sid, ...changes }]); };
  commands.createOrUpdate = async (_caller, kind, row, changes) => { told.push(['createOrUpdate', kind, { row, changes }]); };
  commands.remove = async (_caller, kind, sid) => { told.push(['remove', kind, { sid }]); };
});

async function role(type: string, service = gateway.account.service, account = gateway.account.sid): Promise<string> {
  const sid = newSid('RL');
  await gateway.put('role', { sid, account, chat_service_sid: service, friendly_name: sid, type, permissions: [] });
  return sid;
}

describe('services', () => {
  it('are made by one command, which makes their roles too', async () => {
    await gateway.call('/Services', { form: { FriendlyName: 'Support "ü"' } });
    expect(told).toMatchObject([['create', 'Service', { sid: expect.stringMatching(/^IS/), friendly_name: 'Support "ü"', account: gateway.account.sid }]]);
  });
  it.each([[{}, 50000], [{ FriendlyName: '' }, 50000], [{ FriendlyName: 'x'.repeat(257) }, 50003]])('%j is refused', async (form, code) => {
    const { status, body } = await gateway.call('/Services', { form: { Other: 'x', ...form } as Record<string, string> });
    expect([status, body.code]).toEqual([400, code]);
  });
  it('have the same SID when the request is sent again with its key', async () => {
    for (let n = 0; n < 2; n++) await gateway.call('/Services', { form: { FriendlyName: 'x' }, headers: { 'idempotency-key': 'once' } });
    expect(told[0]![2]['sid']).toBe(told[1]![2]['sid']);
  });
  it('are removed by SID only', async () => {
    const service = newSid('IS');
    expect(await gateway.call(`/Services/${service}`, { method: 'DELETE' })).toMatchObject({ status: 204 });
    expect(told).toEqual([['remove', 'Service', { sid: service }]]);
    expect(await gateway.call('/Services/support', { method: 'DELETE' })).toMatchObject({ status: 404, body: { code: 20404 } });
  });
  it('take along at once what they hold, though it goes later', async () => {
    const [service, kept] = [newSid('IS'), newSid('IS')];
    const held = await Promise.all([service, kept].map((chat_service_sid) => gateway.conversation({ chat_service_sid })));
    const answers = () => Promise.all([[service, held[0]], [kept, held[1]]].map(async ([of, sid]) => (await gateway.call(`/Services/${of}/Conversations/${sid}`)).status));
    expect(await answers()).toEqual([200, 200]);
    gateway.commands.remove = () => Promise.reject(new DomainError('conflicting_modification'));
    await gateway.call(`/Services/${service}`, { method: 'DELETE' });
    expect(await answers()).toEqual([200, 200]);
    gateway.commands.remove = () => Promise.resolve();
    await gateway.call(`/Services/${service}`, { method: 'DELETE' });
    expect(await answers()).toEqual([404, 200]);
  });
});

describe('service configuration', () => {
  const path = () => `/Services/${gateway.account.service}/Configuration`;
  it('tells roles and reachability, and no account', async () => {
    const { body } = await gateway.call(path());
    const url = `${PUBLIC_URL}/v1${path()}`;
    expect(Object.keys(body)).not.toContain('account_sid');
    expect(body).toMatchObject({
      chat_service_sid: gateway.account.service, reachability_enabled: false, url,
      links: { notifications: `${url}/Notifications`, webhooks: `${url}/Webhooks` },
      default_chat_service_role_sid: expect.stringMatching(/^RL/),
    });
  });
  it('takes roles of this service and of the right type', async () => {
    const [service, conversation] = [await role('service'), await role('conversation')];
    const foreign = await role('conversation', gateway.other.service, gateway.other.sid);
    const answer = async (form: Record<string, string>) => {
      const { status, body } = await gateway.call(path(), { form });
      return [status, body.code];
    };
    expect(await answer({ DefaultConversationCreatorRoleSid: unknown('RL') })).toEqual([404, 50106]);
    expect(await answer({ DefaultConversationRoleSid: foreign })).toEqual([404, 50109]);
    expect(await answer({ DefaultChatServiceRoleSid: unknown('RL') })).toEqual([404, 50102]);
    expect(await answer({ DefaultChatServiceRoleSid: conversation })).toEqual([400, 50105]);
    expect(await answer({ DefaultConversationRoleSid: service })).toEqual([400, 50105]);
    expect(await answer({ DefaultConversationCreatorRoleSid: service })).toEqual([400, 50105]);
    expect(told).toEqual([]);
    expect(await answer({
      DefaultConversationCreatorRoleSid: conversation, DefaultConversationRoleSid: conversation, DefaultChatServiceRoleSid: service,
      ReachabilityEnabled: 'TRUE',
    })).toEqual([200, undefined]);
    expect(told).toEqual([['update', 'Service', {
      sid: gateway.account.service, default_conversation_creator_role_sid: conversation, default_conversation_role_sid: conversation,
      default_chat_service_role_sid: service, reachability_enabled: true,
    }]]);
  });
  it('without parameters changes nothing', async () => {
    expect(await gateway.call(path(), { form: {} })).toMatchObject({ status: 200 });
    expect(await gateway.call(`${path()}/Notifications`, { form: {} })).toMatchObject({ status: 200 });
    expect(told).toEqual([]);
  });
  it.each(['Configuration', 'Configuration/Notifications', 'Bindings'])('is not there without its service: %s', async (resource) => {
    for (const service of [unknown('IS'), gateway.other.service])
      expect(await gateway.call(`/Services/${service}/${resource}`)).toMatchObject({ status: 404, body: { code: 20404 } });
  });
});

describe('notifications', () => {
  const path = () => `/Services/${gateway.account.service}/Configuration/Notifications`;
  it('are off before anybody changed them', async () => {
    expect((await gateway.call(path())).body).toEqual({
      account_sid: gateway.account.sid, chat_service_sid: gateway.account.service, new_message: { enabled: false },
      added_to_conversation: { enabled: false }, removed_from_conversation: { enabled: false }, log_enabled: false, url: `${PUBLIC_URL}/v1${path()}`,
    });
  });
  it('are answered in groups, with what was given', async () => {
    await gateway.put('service_notification', {
      sid: gateway.account.service, account: gateway.account.sid, log_enabled: true, new_message_enabled: true, new_message_badge_count_enabled: false,
      new_message_with_media_template: '${MEDIA}', added_to_conversation_sound: 'ring',
    });
    expect((await gateway.call(path())).body).toMatchObject({
      new_message: { enabled: true, badge_count_enabled: false, with_media: { enabled: false, template: '${MEDIA}' } },
      added_to_conversation: { enabled: false, sound: 'ring' }, removed_from_conversation: { enabled: false }, log_enabled: true,
    });
  });
  it('are changed one by one', async () => {
    await gateway.call(path(), { form: { 'NewMessage.WithMedia.Enabled': 'true', 'RemovedFromConversation.Template': 'bye' } });
    const changes = { new_message_with_media_enabled: true, removed_from_conversation_template: 'bye' };
    expect(told).toMatchObject([['createOrUpdate', 'ServiceNotification', { row: { sid: gateway.account.service, ...changes }, changes }]]);
  });
});

describe('the configuration of the account', () => {
  it('chooses the service of account-level paths', async () => {
    const { sid: account, service } = gateway.account;
    const next = newSid('IS');
    await gateway.put('service', {
      sid: next, account, friendly_name: 'Next', default_chat_service_role_sid: newSid('RL'), default_conversation_role_sid: newSid('RL'),
      default_conversation_creator_role_sid: newSid('RL'), reachability_enabled: false,
    });
    gateway.commands.createOrUpdate = async (_caller, _kind, row) => gateway.put('account_configuration', { ...row, account });
    const conversation = await gateway.conversation({ chat_service_sid: next });
    expect((await gateway.call(`/Conversations/${conversation}`)).status).toBe(404);
    expect((await gateway.call('/Configuration')).body).toMatchObject({ default_chat_service_sid: service, default_inactive_timer: null });
    const { body } = await gateway.call('/Configuration', { form: { DefaultChatServiceSid: next, DefaultInactiveTimer: 'PT1M' } });
    expect(body).toEqual({
      account_sid: account, default_chat_service_sid: next, default_messaging_service_sid: null, default_inactive_timer: 'PT1M',
      default_closed_timer: null, url: `${PUBLIC_URL}/v1/Configuration`,
      links: { service: `${PUBLIC_URL}/v1/Services/${next}/Configuration`, webhooks: `${PUBLIC_URL}/v1/Configuration/Webhooks` },
    });
    expect((await gateway.call(`/Conversations/${conversation}`)).status).toBe(200);
  });
  it.each([
    [{ DefaultChatServiceSid: unknown('IS') }, 404, 50050], [{ DefaultChatServiceSid: '' }, 400, 50051],
    [{ DefaultMessagingServiceSid: 'MG1' }, 400, 50341], [{ DefaultClosedTimer: 'PT1M' }, 400, 50376],
  ])('refuses %j', async (form, status, code) => {
    expect(await gateway.call('/Configuration', { form: form as Record<string, string> })).toMatchObject({ status, body: { code } });
    expect(told).toEqual([]);
  });
  it('refuses the service of another account', async () => {
    const { body } = await gateway.call('/Configuration', { form: { DefaultChatServiceSid: gateway.other.service } });
    expect(body.code).toBe(50050);
  });
});

describe('credentials', () => {
  it('are sealed before any command hears of them', async () => {
    await gateway.call('/Credentials', { form: { Type: 'APN', Certificate: 'cert', PrivateKey: 'key', Sandbox: 'true' } });
    const [, , row] = told[0]!;
    expect(row).toMatchObject({ type: 'apn', sandbox: 'True', friendly_name: null, sid: expect.stringMatching(/^CR/) });
    expect(gateway.database.box.open(Buffer.from(row['certificate'] as string, 'base64'))).toBe('cert');
    expect(gateway.database.box.open(Buffer.from(row['private_key'] as string, 'base64'))).toBe('key');
    const sid = newSid('CR');
    await gateway.put('credential', { sid, account: gateway.account.sid, type: 'gcm', sandbox: 'False' });
    await gateway.call(`/Credentials/${sid}`, { form: { Type: 'fcm', Secret: 's3cret' } });
    expect(told[1]).toMatchObject(['update', 'Credential', { sid, type: 'fcm' }]);
    expect(JSON.stringify(told)).not.toContain('s3cret');
  });
  it('are answered without their secrets, to their account', async () => {
    const sid = newSid('CR');
    await gateway.put('credential', { sid, account: gateway.account.sid, friendly_name: 'Phones', type: 'fcm', sandbox: 'False', secret: 'sealed' });
    expect((await gateway.call(`/Credentials/${sid}`)).body).toEqual({
      sid, account_sid: gateway.account.sid, friendly_name: 'Phones', type: 'fcm', sandbox: 'False', date_created: '2026-01-01T00:00:00Z',
      date_updated: '2026-01-01T00:00:01Z', url: `${PUBLIC_URL}/v1/Credentials/${sid}`,
    });
    expect((await gateway.call(`/Credentials/${sid}`, { as: gateway.other })).status).toBe(404);
    expect((await gateway.call('/Credentials', { as: gateway.other })).body).toMatchObject({ credentials: [], meta: { key: 'credentials' } });
    const { body: first } = await gateway.call('/Credentials?PageSize=1');
    const { body: second } = await gateway.call(first.meta.next_page_url as string);
    expect(second.credentials).toHaveLength(1);
    expect((await gateway.call(second.meta.previous_page_url as string)).body.credentials).toEqual(first.credentials);
  });
  it.each([{}, { Type: 'mail' }, { Type: 'fcm', Secret: '' }])('%j is refused', async (form) =>
    expect(await gateway.call('/Credentials', { form: form as Record<string, string> })).toMatchObject({ status: 400, body: { code: 20001 } }));
  it.each(['CR1', unknown('CR'), `${unknown('CR')}0`])('%s is unknown', async (sid) =>
    expect((await gateway.call(`/Credentials/${sid}`)).status).toBe(404));
});

describe('bindings', () => {
  const path = () => `/Services/${gateway.account.service}/Bindings`;
  const sids: string[] = [];
  beforeAll(async () => {
    const rows = [['alice', 'apn'], ['bob', 'fcm'], ['bob', 'apn'], ['carol, "c"', 'gcm'], ['alice', 'twilsock']];
    for (const [identity, binding_type] of rows) {
      const sid = newSid('BS');
      sids.push(sid);
      await gateway.put('push_binding', {
        sid, account: gateway.account.sid, chat_service_sid: gateway.account.service, credential_sid: newSid('CR'), endpoint: `${identity}-device`,
        identity, binding_type, message_types: ['new_message'], address: 'secret token',
      });
    }
  });
  const listed = async (query: string) => ((await gateway.call(`${path()}${query}`)).body.bindings as { sid: string }[]).map(({ sid }) => sids.indexOf(sid)).sort();
  it.each([
    ['', [0, 1, 2, 3, 4]], ['?BindingType=APN', [0, 2]], ['?BindingType=apn&BindingType=fcm', [0, 1, 2]], ['?Identity=bob', [1, 2]],
    ['?Identity=bob&Identity=carol%2C+%22c%22', [1, 2, 3]], ['?Identity=bob&BindingType=fcm', [1]], ['?Identity=nobody', []],
  ])('of %s', async (query, found) => expect(await listed(query)).toEqual(found));
  it('keep their filters from page to page', async () => {
    const seen: number[] = [];
    let url: string | null = `${path()}?Identity=bob&Identity=alice&BindingType=apn&PageSize=1`;
    while (url) {
      const { body } = await gateway.call(url) as { body: any };
      seen.push(...body.bindings.map(({ sid }: { sid: string }) => sids.indexOf(sid)));
      url = body.meta.next_page_url;
    }
    expect(seen.sort()).toEqual([0, 2]);
  });
  it('tell everything but the device address', async () => {
    const { body } = await gateway.call(`${path()}/${sids[3]}`);
    expect(body).toEqual({
      sid: sids[3], account_sid: gateway.account.sid, chat_service_sid: gateway.account.service, credential_sid: expect.stringMatching(/^CR/),
      date_created: '2026-01-01T00:00:00Z', date_updated: '2026-01-01T00:00:01Z', endpoint: 'carol, "c"-device', identity: 'carol, "c"',
      binding_type: 'gcm', message_types: ['new_message'], url: `${PUBLIC_URL}/v1${path()}/${sids[3]}`,
    });
  });
  it('are removed, from their own service only', async () => {
    expect((await gateway.call(`/Services/${gateway.other.service}/Bindings/${sids[0]}`, { method: 'DELETE' })).status).toBe(404);
    expect((await gateway.call(`${path()}/${unknown('BS')}`, { method: 'DELETE' })).status).toBe(404);
    expect(told).toEqual([]);
    expect((await gateway.call(`${path()}/${sids[0]}`, { method: 'DELETE' })).status).toBe(204);
    expect(told).toEqual([['remove', 'PushBinding', { sid: sids[0] }]]);
  });
  it.each([['?BindingType=twilsock', 50209], ['?Identity=', 50204], [`?Identity=${'x'.repeat(257)}`, 50207]])('refuse %s', async (query, code) =>
    expect(await gateway.call(`${path()}${query}`)).toMatchObject({ status: 400, body: { code } }));
});
