/**
 * The official SDK, with another host, on every resource of both path families: create, fetch, update, list, page by page
 * in both directions, remove. What each answer must hold beyond that is conformance.e2e.ts's part.
 */
import { another, World } from './conformance/world.js';
import { Parley, START_MS, topology } from './installation.js';
import { refusal } from './refusal.js';

/** As the SDK makes them, without the types that differ between the families. */
type Instance = Record<string, any> & { sid: string };
type Context = { fetch(): Promise<Instance>; update(form: object): Promise<Instance>; remove(): Promise<boolean> };
type Page = { instances: Instance[]; nextPage(): Promise<Page> | undefined; previousPage(): Promise<Page> | undefined; nextPageUrl?: string };
type Resource = ((sid: string) => Context) & {
  create(form: object): Promise<Instance>;
  list(options?: object): Promise<Instance[]>;
  page(options?: object): Promise<Page>;
  getPage(url: string): Promise<Page>;
  each(options: object): void;
};

let parley: Parley;
const worlds = {} as Record<'account' | 'service', World>;
beforeAll(async () => {
  parley = await Parley.start();
  worlds.account = await World.make(parley, 'account');
  worlds.service = await World.make(parley, 'service');
}, START_MS);
afterAll(() => parley?.stop(), START_MS);

const families = ['account', 'service'] as const;
type Family = (typeof families)[number];
/** The resources of a family: the SDK gives both the same names. */
const at = (family: Family): any =>
  family === 'account' ? parley.sdk().conversations.v1 : parley.sdkWithKey().conversations.v1.services(worlds.service.service);
const sidsOf = (instances: readonly Instance[]) => instances.map(({ sid }) => sid);

/** The newest items of a list in its order, read page by page, there and back, and by callback. */
async function iterate(resource: Resource, made: readonly string[], filters: object): Promise<void> {
  const whole = sidsOf(await resource.list(filters));
  expect(whole).toEqual(expect.arrayContaining([...made]));
  expect(sidsOf(await resource.list({ ...filters, pageSize: 2 }))).toEqual(whole);
  expect(sidsOf(await resource.list({ ...filters, limit: 2 }))).toEqual(whole.slice(0, 2));
  const first = await resource.page({ ...filters, pageSize: 1 });
  const second = (await first.nextPage())!;
  expect([...sidsOf(first.instances), ...sidsOf(second.instances)]).toEqual(whole.slice(0, 2));
  expect(sidsOf((await second.previousPage())!.instances)).toEqual(whole.slice(0, 1));
  expect(first.previousPage()).toBeUndefined();
  expect(sidsOf((await resource.getPage(first.nextPageUrl!)).instances)).toEqual(whole.slice(1, 2));
  const seen: string[] = [];
  await new Promise<void>((resolve, reject) => resource.each({
    ...filters, pageSize: 2, callback: ({ sid }: Instance) => void seen.push(sid), done: (error?: Error) => (error ? reject(error) : resolve()),
  }));
  expect(seen).toEqual(whole);
}

type Life = {
  /** What is created, three times. */
  form: () => object | Promise<object>;
  /** What an update changes, and how the SDK tells it; absent where there is no update. */
  update?: object;
  filters?: object;
};

/** From the first to the last call on a resource. */
async function live(resource: Resource, { form, update, filters = {} }: Life): Promise<void> {
  const made: Instance[] = [];
  for (let i = 0; i < 3; i++) made.push(await resource.create(await form()));
  const [one] = made as [Instance];
  expect((await resource(one.sid).fetch())['toJSON']()).toEqual(one['toJSON']());
  if (update) {
    const changed = await resource(one.sid).update(update);
    expect(changed.sid).toBe(one.sid);
    expect((await resource(one.sid).fetch())['toJSON']()).toEqual(changed['toJSON']());
  }
  await iterate(resource, sidsOf(made), filters);
  expect(await resource(one.sid).remove()).toBe(true);
  expect(await refusal(resource(one.sid).fetch())).toEqual([404, 20404]);
  expect(await refusal(resource(one.sid).remove())).toEqual([404, 20404]);
  expect(sidsOf(await resource.list(filters))).not.toContain(one.sid);
}

describe.each(families)(`the official SDK on the %s's paths (${topology})`, (family) => {
  const world = () => worlds[family];
  const conversation = async () => at(family).conversations(await world().conversation());

  it('conversations', async () => {
    await live(at(family).conversations, { form: () => ({ friendlyName: 'Ours', uniqueName: another('sdk') }), update: { friendlyName: 'Theirs', state: 'inactive' } });
    const name = another('by name');
    const { sid } = await at(family).conversations.create({ uniqueName: name });
    expect((await at(family).conversations(name).fetch()).sid).toBe(sid);
    expect(await refusal(at(family).conversations.create({ uniqueName: name }))).toEqual([409, 50353]);
    const day = new Date('2015-12-16T22:18:37Z');
    expect(await at(family).conversations(name).update({ dateUpdated: day })).toMatchObject({ dateUpdated: day });
  });
  it('messages', async () => live((await conversation()).messages, { form: () => ({ author: 'agent', body: another('message') }), update: { body: 'other words', attributes: '{"a":1}' } }));
  it('participants', async () => {
    const { participants } = await conversation();
    await live(participants, { form: () => ({ identity: another('identity') }), update: { attributes: '{"a":1}', lastReadMessageIndex: 2 } });
    const identity = another('by identity');
    const { sid } = await participants.create({ identity });
    expect((await participants(identity).fetch()).sid).toBe(sid);
    expect(await refusal(participants.create({ identity }))).toEqual([409, 50433]);
  });
  it('conversation webhooks', async () => live((await conversation()).webhooks, {
    form: () => ({ 'target': 'webhook', 'configuration.url': 'https://example.com/hook', 'configuration.method': 'get', 'configuration.filters': ['onMessageAdded', 'onParticipantAdded'] }),
    update: { 'configuration.url': 'https://example.com/other', 'configuration.filters': ['onMessageAdded'] },
  }));
  it('delivery receipts', async () => {
    const { conversation, message, receipts } = await world().receipts();
    const { deliveryReceipts } = at(family).conversations(conversation).messages(message);
    expect(sidsOf(await deliveryReceipts.list({ pageSize: 1 }))).toEqual(receipts);
    expect(await deliveryReceipts(receipts[0]).fetch()).toMatchObject({ sid: receipts[0], messageSid: message, errorCode: 0 });
  });
  it('roles', async () => live(at(family).roles, {
    form: () => ({ friendlyName: another('role'), type: 'conversation', permission: ['sendMessage', 'leaveConversation'] }), update: { permission: ['sendMessage'] },
  }));
  it('users', async () => {
    await live(at(family).users, { form: () => ({ identity: another('user'), attributes: '{"a":1}' }), update: { friendlyName: 'A name', attributes: '{"b":2}' } });
    const identity = another('by identity');
    const { sid } = await at(family).users.create({ identity });
    expect((await at(family).users(identity).fetch()).sid).toBe(sid);
    expect(await refusal(at(family).users.create({ identity }))).toEqual([409, 50201]);
  });
  it('user conversations', async () => {
    const { user, identity, conversation: first, participant } = await world().member();
    const { sid: second } = await at(family).conversations.create({});
    await at(family).conversations(second).participants.create({ identity });
    const mine = at(family).users(user).userConversations;
    expect((await mine.list({ pageSize: 1 })).map(({ conversationSid }: Instance) => conversationSid).sort()).toEqual([first, second].sort());
    expect(await mine(first).fetch()).toMatchObject({ participantSid: participant, userSid: user, unreadMessagesCount: null, notificationLevel: 'default' });
    expect(await mine(first).update({ notificationLevel: 'muted', lastReadMessageIndex: 0 })).toMatchObject({ notificationLevel: 'muted', lastReadMessageIndex: 0 });
    expect(await at(family).users(identity).userConversations(first).fetch()).toMatchObject({ notificationLevel: 'muted' });
    expect(await mine(first).remove()).toBe(true);
    expect(await refusal(mine(first).fetch())).toEqual([404, 20404]);
    expect(await refusal(at(family).conversations(first).participants(participant).fetch())).toEqual([404, 20404]);
  });
  it('participant conversations', async () => {
    const { identity, conversation: first } = await world().member();
    const address = '+15558675309';
    const second = await conversation();
    await second.participants.create({ 'messagingBinding.address': address, 'messagingBinding.proxyAddress': family === 'account' ? '+15017122661' : '+15017122662' });
    const found = await at(family).participantConversations.list({ identity });
    expect(found).toMatchObject([{ conversationSid: first, participantIdentity: identity, participantMessagingBinding: null }]);
    const [byAddress] = await at(family).participantConversations.list({ address });
    expect(byAddress).toMatchObject({ participantMessagingBinding: { type: 'sms', address }, participantUserSid: null });
    expect(await refusal(at(family).participantConversations.list({ identity, address }))).toEqual([400, 50451]);
  });
  it('conversations with participants', async () => {
    const identity = another('together');
    const created = await at(family).conversationWithParticipants.create({ friendlyName: 'Together', participant: [JSON.stringify({ identity })] });
    expect(created).toMatchObject({ friendlyName: 'Together', sid: expect.stringMatching(/^CH/) });
    expect((await at(family).conversations(created.sid).participants.list())[0]).toMatchObject({ identity });
    expect((await at(family).conversations(created.sid).fetch()).state).toBe('active');
  });
});

describe(`services are walls (${topology})`, () => {
  it('for the account-level paths, which mean the default service, and for each other', async () => {
    const { sid } = await at('service').conversations.create({ uniqueName: 'in a service of its own' });
    const user = await worlds.service.user();
    const role = await worlds.service.role();
    const ours = at('account');
    for (const attempt of [
      ours.conversations(sid).fetch(), ours.conversations('in a service of its own').fetch(), ours.conversations(sid).update({ friendlyName: 'x' }), ours.conversations(sid).remove(),
      ours.conversations(sid).messages.create({ body: 'x' }), ours.conversations(sid).participants.list(), ours.conversations(sid).webhooks.list(),
      ours.users(user).fetch(), ours.users(user).update({ friendlyName: 'x' }), ours.users(user).remove(), ours.roles(role).fetch(), ours.roles(role).remove(),
    ]) expect(await refusal(attempt)).toEqual([404, 20404]);
    expect((await ours.conversations.create({ uniqueName: 'in a service of its own' })).chatServiceSid).toBe(worlds.account.service);
    expect((await at('service').conversations(sid).fetch()).friendlyName).toBeNull();
  });
});

describe(`the official SDK on what accounts and services configure (${topology})`, () => {
  const v1 = () => parley.sdk().conversations.v1;
  const service = () => v1().services(worlds.service.service);

  it('addresses', async () => {
    let n = 0;
    await live(v1().addressConfigurations as never, {
      form: () => ({ type: 'sms', address: `+3725700${100 + n++}`, friendlyName: 'Ours' }), update: { friendlyName: 'Theirs', 'autoCreation.enabled': true },
    });
    expect(await v1().addressConfigurations('+3725700101').fetch()).toMatchObject({ friendlyName: 'Ours' });
  });
  it('credentials', async () => live(v1().credentials as never, { form: () => ({ type: 'fcm', friendlyName: another('key'), secret: 'a key' }), update: { friendlyName: 'Ours' } }));
  it('services', async () => live(v1().services as never, { form: () => ({ friendlyName: another('service') }) }));
  it('bindings', async () => {
    const made = [await worlds.service.binding(), await worlds.service.binding(), await worlds.service.binding()];
    await iterate(service().bindings as never, made, {});
    const one = await service().bindings(made[0]!).fetch();
    expect(await service().bindings.list({ identity: [one.identity], bindingType: ['fcm'] })).toHaveLength(1);
    expect(await service().bindings.list({ bindingType: ['apn'] })).toEqual([]);
    expect(await service().bindings(made[0]!).remove()).toBe(true);
    expect(await refusal(service().bindings(made[0]!).fetch())).toEqual([404, 20404]);
  });
  it('the configuration of the account', async () => {
    const changed = await v1().configuration().update({ defaultInactiveTimer: 'PT1H', defaultClosedTimer: 'P1D' });
    expect(changed).toMatchObject({ defaultInactiveTimer: 'PT1H', defaultClosedTimer: 'P1D', defaultChatServiceSid: parley.account.serviceSid });
    expect((await v1().configuration().fetch()).toJSON()).toEqual(changed.toJSON());
    expect(await v1().conversations.create({})).toMatchObject({ timers: { date_inactive: expect.any(String), date_closed: expect.any(String) } });
  });
  it('webhooks of the account', async () => {
    const settings = { method: 'GET', filters: ['onMessageAdded'], preWebhookUrl: 'https://example.com/pre', postWebhookUrl: 'https://example.com/post' };
    expect(await v1().configuration.webhooks().update(settings)).toMatchObject(settings);
    expect(await v1().configuration.webhooks().fetch()).toMatchObject({ ...settings, target: 'webhook' });
  });
  it('the configuration of a service', async () => {
    const configuration = service().configuration();
    const role = await worlds.service.role();
    expect(await configuration.update({ defaultConversationRoleSid: role, reachabilityEnabled: true })).toMatchObject({ defaultConversationRoleSid: role, reachabilityEnabled: true });
    expect(await configuration.fetch()).toMatchObject({ defaultConversationRoleSid: role, reachabilityEnabled: true, chatServiceSid: worlds.service.service });
    const { sid } = await service().conversations.create({});
    expect(await service().conversations(sid).participants.create({ identity: another('with role') })).toMatchObject({ roleSid: role });
  });
  it('notifications of a service', async () => {
    const notifications = service().configuration.notifications();
    expect(await notifications.fetch()).toMatchObject({ newMessage: { enabled: false }, logEnabled: false });
    expect(await notifications.update({ 'newMessage.enabled': true, 'newMessage.template': '${MESSAGE}', 'newMessage.withMedia.enabled': true })).toMatchObject({
      newMessage: { enabled: true, template: '${MESSAGE}', with_media: { enabled: true } }, addedToConversation: { enabled: false },
    });
  });
  it('webhooks of a service', async () => {
    const settings = { method: 'POST', filters: ['onMessageAdded', 'onConversationAdd'], preWebhookUrl: 'https://example.com/pre', postWebhookUrl: 'https://example.com/post' };
    expect(await service().configuration.webhooks().update(settings)).toMatchObject(settings);
    expect(await service().configuration.webhooks().fetch()).toMatchObject({ ...settings, chatServiceSid: worlds.service.service });
  });
});
