/** Services, their configuration and notifications, the account's configuration, push credentials and bindings, as the official SDK sees them. */
import type twilio from 'twilio';
import { connectDatabase } from '../infra/local/database.mjs';
import { Caller } from './caller.js';
import { webhook } from './carrier.js';
import { Parley, START_MS, topology, until } from './installation.js';
import { killAndBringBack } from './parts.js';
import { refusal, refused } from './refusal.js';

let parley: Parley;
let sdk: twilio.Twilio;
beforeAll(async () => {
  parley = await Parley.start();
  sdk = parley.sdk();
}, START_MS);
afterAll(() => parley?.stop(), START_MS);

const v1 = () => sdk.conversations.v1;
const nobody = (prefix: string) => `${prefix}${'0'.repeat(32)}`;

describe(`services (${topology})`, () => {
  it('are created with their four roles, fetched, listed and removed', async () => {
    const service = await v1().services.create({ friendlyName: 'Support' });
    const url = `${parley.url}/v1/Services/${service.sid}`;
    expect(service).toMatchObject({
      friendlyName: 'Support', accountSid: parley.account.accountSid, url,
      links: {
        conversations: `${url}/Conversations`, users: `${url}/Users`, roles: `${url}/Roles`, bindings: `${url}/Bindings`,
        configuration: `${url}/Configuration`, participant_conversations: `${url}/ParticipantConversations`,
        conversation_with_participants: `${url}/ConversationWithParticipants`,
      },
    });
    const roles = await v1().services(service.sid).roles.list();
    expect(roles.map(({ friendlyName }) => friendlyName).sort()).toEqual(['channel admin', 'channel user', 'service admin', 'service user']);
    const named = (name: string) => roles.find(({ friendlyName }) => friendlyName === name)!.sid;
    expect(await v1().services(service.sid).configuration().fetch()).toMatchObject({
      chatServiceSid: service.sid, reachabilityEnabled: false, defaultChatServiceRoleSid: named('service user'),
      defaultConversationRoleSid: named('channel user'), defaultConversationCreatorRoleSid: named('channel admin'),
    });
    expect((await v1().services(service.sid).fetch()).toJSON()).toEqual(service.toJSON());
    expect((await v1().services.list({ pageSize: 1 })).map(({ sid }) => sid)).toEqual(expect.arrayContaining([parley.account.serviceSid, service.sid]));
    expect(await v1().services(service.sid).remove()).toBe(true);
    expect(await refusal(v1().services(service.sid).fetch())).toEqual([404, 20404]);
    expect(await refusal(v1().services(service.sid).remove())).toEqual([404, 20404]);
    expect(await refusal(v1().services(service.sid).conversations.create({}))).toEqual([404, 20404]);
  });
  it.each([['', 50000], ['x'.repeat(257), 50003]])('refuse the name %#', async (friendlyName, code) =>
    expect(await refusal(v1().services.create({ friendlyName }))).toEqual([400, code]));
  it('are made once with an Idempotency-Key, and removed once', async () => {
    const make = { body: 'FriendlyName=Once', headers: { 'idempotency-key': 'service-1' } };
    const [one, two] = [await parley.request('/v1/Services', make), await parley.request('/v1/Services', make)];
    expect([one.status, two.status, two.body.sid]).toEqual([201, 201, one.body.sid]);
    expect(await v1().services(one.body.sid).roles.list()).toHaveLength(4);
    const remove = { method: 'DELETE', headers: { 'idempotency-key': 'service-2' } };
    for (let n = 0; n < 2; n++) expect((await parley.request(`/v1/Services/${one.body.sid}`, remove)).status).toBe(204);
  });
  it('take with them what they hold, and nothing else', async () => {
    const { sid } = await v1().services.create({ friendlyName: 'Short-lived' });
    const service = v1().services(sid);
    const conversations = await Promise.all(Array.from({ length: 5 }, (_, n) => service.conversations.create({ uniqueName: `thread ${n}` })));
    const user = await service.users.create({ identity: 'alice' });
    const address = '+15550009901';
    await service.conversations(conversations[0]!.sid).participants.create({
      'messagingBinding.address': address, 'messagingBinding.proxyAddress': '+15017122661',
    });
    await service.configuration.notifications().update({ logEnabled: true });
    const other = await v1().conversations.create({ uniqueName: 'thread 0' });
    await service.remove();
    const status = async (path: string) => (await parley.request(`/v1/Services/${sid}/${path}`)).status;
    for (const path of [...conversations.map((conversation) => `Conversations/${conversation.sid}`), `Users/${user.sid}`, 'Conversations', 'Roles']) expect(await status(path)).toBe(404);
    await until(() => isEmpty(sid), 'what a deleted service held goes');
    // Its address pairs are free again.
    expect(await v1().conversations(other.sid).participants.create({
      'messagingBinding.address': address, 'messagingBinding.proxyAddress': '+15017122661',
    })).toMatchObject({ conversationSid: other.sid });
  });
});

/** Asked of the database: the API tells nothing of a deleted service, whether it was emptied or not. */
async function isEmpty(service: string): Promise<boolean> {
  const client = await connectDatabase(parley.installation.info.databaseUrl);
  const { rowCount } = await client.query('select 1 from model.conversation where chat_service_sid = $1 union all select 1 from model.chat_user where chat_service_sid = $1', [service]);
  await client.end();
  return rowCount === 0;
}

it(`a deleted service is emptied even if the process that does it is killed (${topology})`, async () => {
  const { sid } = await v1().services.create({ friendlyName: 'Crowded' });
  const made: string[] = [];
  for (let n = 0; n < 15; n++)
    made.push(...(await Promise.all(Array.from({ length: 20 }, () => v1().services(sid).conversations.create({})))).map((conversation) => conversation.sid));
  await v1().services(sid).remove();
  const { apps } = parley.installation;
  await killAndBringBack(apps[topology === 'one' ? 'parley' : 'conversation-service']!);
  await until(() => isEmpty(sid), 'every conversation goes');
  expect((await parley.request(`/v1/Services/${sid}/Conversations/${made[0]}`)).status).toBe(404);
}, START_MS);

describe(`the configuration of a service (${topology})`, () => {
  it('names roles of the right kind, and reachability', async () => {
    const { sid } = await v1().services.create({ friendlyName: 'Configured' });
    const { configuration, roles } = v1().services(sid);
    const before = await configuration().fetch();
    const service = await roles.create({ friendlyName: 'guest', type: 'service', permission: ['joinConversation'] });
    const conversation = await roles.create({ friendlyName: 'reader', type: 'conversation', permission: ['leaveConversation'] });
    expect(await configuration().update({ reachabilityEnabled: true, defaultChatServiceRoleSid: service.sid, defaultConversationRoleSid: conversation.sid }))
      .toMatchObject({
        reachabilityEnabled: true, defaultChatServiceRoleSid: service.sid, defaultConversationRoleSid: conversation.sid,
        defaultConversationCreatorRoleSid: before.defaultConversationCreatorRoleSid,
      });
    expect((await v1().services(sid).users.create({ identity: 'bob' })).roleSid).toBe(service.sid);
    const { sid: thread } = await v1().services(sid).conversations.create({});
    expect((await v1().services(sid).conversations(thread).participants.create({ identity: 'bob' })).roleSid).toBe(conversation.sid);
    expect(await refusal(configuration().update({ defaultChatServiceRoleSid: conversation.sid }))).toEqual([400, 50105]);
    expect(await refusal(configuration().update({ defaultConversationRoleSid: service.sid }))).toEqual([400, 50105]);
    expect(await refusal(configuration().update({ defaultConversationRoleSid: nobody('RL') }))).toEqual([404, 50109]);
    expect(await refusal(configuration().update({ defaultConversationCreatorRoleSid: nobody('RL') }))).toEqual([404, 50106]);
    expect(await refusal(configuration().update({ defaultChatServiceRoleSid: nobody('RL') }))).toEqual([404, 50102]);
    expect(await refusal(v1().services(nobody('IS')).configuration().fetch())).toEqual([404, 20404]);
  });
  it('has notification settings, which are off at first', async () => {
    const { sid } = await v1().services.create({ friendlyName: 'Notified' });
    const { notifications } = v1().services(sid).configuration;
    expect(await notifications().fetch()).toMatchObject({
      chatServiceSid: sid, newMessage: { enabled: false }, addedToConversation: { enabled: false }, removedFromConversation: { enabled: false }, logEnabled: false,
    });
    const template = 'You have a new message in ${CONVERSATION} from ${PARTICIPANT}: ${MESSAGE}';
    await notifications().update({
      logEnabled: true, 'newMessage.enabled': true, 'newMessage.template': template, 'newMessage.badgeCountEnabled': true,
      'newMessage.withMedia.enabled': true, 'addedToConversation.sound': 'ring',
    });
    expect(await notifications().update({ 'newMessage.sound': 'pop', 'addedToConversation.sound': '' })).toMatchObject({
      logEnabled: true, newMessage: { enabled: true, template, sound: 'pop', badge_count_enabled: true, with_media: { enabled: true } },
      addedToConversation: { enabled: false },
    });
    expect((await notifications().fetch()).addedToConversation).toEqual({ enabled: false });
    expect(await refusal(notifications().update({ 'newMessage.template': 'x'.repeat(1025) }))).toEqual([400, 50058]);
    expect(await refusal(notifications().update({ 'newMessage.sound': 'x'.repeat(257) }))).toEqual([400, 50059]);
  });
});

describe(`the configuration of the account (${topology})`, () => {
  it('gives new conversations their timers and messaging service, unless they name their own', async () => {
    const messagingService = `MG${'1'.repeat(32)}`;
    const old = await v1().conversations.create({});
    expect(await v1().configuration().update({ defaultInactiveTimer: 'PT1M', defaultClosedTimer: 'P1D', defaultMessagingServiceSid: messagingService }))
      .toMatchObject({ defaultInactiveTimer: 'PT1M', defaultClosedTimer: 'P1D', defaultMessagingServiceSid: messagingService });
    const { timers, messagingServiceSid } = await v1().conversations.create({});
    expect([Object.keys(timers as object).sort(), messagingServiceSid]).toEqual([['date_closed', 'date_inactive'], messagingService]);
    expect(await v1().conversations.create({ 'timers.inactive': '', 'timers.closed': '', messagingServiceSid: '' }))
      .toMatchObject({ timers: {}, messagingServiceSid: null });
    expect((await v1().conversations(old.sid).fetch()).timers).toEqual({});
    expect(await v1().configuration().update({ defaultInactiveTimer: '', defaultClosedTimer: '', defaultMessagingServiceSid: '' }))
      .toMatchObject({ defaultInactiveTimer: null, defaultClosedTimer: null, defaultMessagingServiceSid: null });
    expect((await v1().conversations.create({})).timers).toEqual({});
  });
  it('chooses the service that account-level paths act on, at once', async () => {
    const before = parley.account.serviceSid;
    const { sid: after } = await v1().services.create({ friendlyName: 'Next' });
    const inOld = await v1().conversations.create({ uniqueName: 'moved?' });
    expect(await v1().configuration().update({ defaultChatServiceSid: after })).toMatchObject({
      defaultChatServiceSid: after, links: { service: `${parley.url}/v1/Services/${after}/Configuration` },
    });
    expect((await v1().conversations.create({ uniqueName: 'moved?' })).chatServiceSid).toBe(after);
    expect(await refusal(v1().conversations(inOld.sid).fetch())).toEqual([404, 20404]);
    expect((await v1().services(before).conversations(inOld.sid).fetch()).sid).toBe(inOld.sid);
    expect(await refused(v1().services(after).remove())).toMatchObject({ status: 409, code: 20409 });
    expect((await v1().services(after).fetch()).sid).toBe(after);
    await v1().configuration().update({ defaultChatServiceSid: before });
    expect((await v1().configuration().fetch()).defaultChatServiceSid).toBe(before);
    expect((await v1().conversations(inOld.sid).fetch()).sid).toBe(inOld.sid);
    expect(await v1().services(after).remove()).toBe(true);
  });
  it('counts for conversations that a text from outside opens', async () => {
    const { sid: service } = await v1().services.create({ friendlyName: 'Texts' });
    const address = '+15550009910';
    await v1().addressConfigurations.create({ type: 'sms', address, 'autoCreation.enabled': true, 'autoCreation.type': 'default' });
    await v1().configuration().update({ defaultChatServiceSid: service, defaultClosedTimer: 'P3D' });
    const fields = { MessageSid: `SM${'7'.repeat(32)}`, From: '+15550009911', To: address, Body: 'hello?', NumMedia: '0' };
    expect((await webhook(new Caller(parley.account, parley.installation.info), '/twilio/sms', fields)).status).toBe(200);
    const [opened] = await until(async () => {
      const found = await v1().services(service).conversations.list();
      return found.length > 0 && found;
    }, 'the text opened a conversation in the default service');
    expect(Object.keys(opened!.timers as object)).toEqual(['date_closed']);
    await v1().configuration().update({ defaultChatServiceSid: parley.account.serviceSid, defaultClosedTimer: '' });
  });
  it('refuses what is no service, no duration, no messaging service', async () => {
    const { configuration } = v1();
    expect(await refusal(configuration().update({ defaultChatServiceSid: nobody('IS') }))).toEqual([404, 50050]);
    expect(await refusal(configuration().update({ defaultMessagingServiceSid: 'MG' }))).toEqual([400, 50341]);
    expect(await refusal(configuration().update({ defaultInactiveTimer: 'PT1S' }))).toEqual([400, 50375]);
    expect(await refusal(configuration().update({ defaultInactiveTimer: 'soon' }))).toEqual([400, 50379]);
    expect(await refusal(configuration().update({ defaultClosedTimer: 'PT1M' }))).toEqual([400, 50376]);
    expect(await refusal(configuration().update({ defaultClosedTimer: 'later' }))).toEqual([400, 50380]);
  });
});

describe(`credentials (${topology})`, () => {
  it('are created, fetched, changed, listed and removed; nobody sees a secret again', async () => {
    const apn = await v1().credentials.create({ type: 'apn', friendlyName: 'iPhones', certificate: 'top-secret-1', privateKey: 'top-secret-2', sandbox: true });
    expect(apn).toMatchObject({ type: 'apn', friendlyName: 'iPhones', sandbox: 'True', url: `${parley.url}/v1/Credentials/${apn.sid}` });
    const fcm = await v1().credentials.create({ type: 'fcm', secret: 'top-secret-3' });
    const gcm = await v1().credentials.create({ type: 'gcm', apiKey: 'top-secret-4' });
    expect(await v1().credentials(gcm.sid).update({ friendlyName: 'Old phones', type: 'fcm', secret: 'top-secret-5' }))
      .toMatchObject({ friendlyName: 'Old phones', type: 'fcm', sandbox: 'False' });
    const made = [apn.sid, fcm.sid, gcm.sid].sort();
    expect((await v1().credentials.list({ pageSize: 2 })).map(({ sid }) => sid)).toEqual(made);
    expect(JSON.stringify((await parley.request('/v1/Credentials')).body)).not.toContain('top-secret');
    expect(await refusal(v1().credentials.create({ type: 'fax' as 'apn' }))).toEqual([400, 20001]);
    expect(await refusal(v1().credentials.create({ type: 'fcm', secret: '{"project_id":"cut' }))).toEqual([400, 20001]);
    expect(await refusal(v1().credentials(apn.sid).update({ privateKey: '-----' }))).toEqual([400, 20001]);
    expect(await refusal(v1().credentials.create({ type: 'fcm', friendlyName: 'x'.repeat(65) }))).toEqual([400, 50003]);
    for (const sid of made) expect(await v1().credentials(sid).remove()).toBe(true);
    expect(await refusal(v1().credentials(apn.sid).fetch())).toEqual([404, 20404]);
    expect(await v1().credentials.list()).toEqual([]);
  });
});

describe(`bindings (${topology})`, () => {
  it('are none before a device registered', async () => {
    const { bindings } = v1().services(parley.account.serviceSid);
    expect(await bindings.list({ bindingType: ['apn', 'fcm'], identity: ['alice'] })).toEqual([]);
    expect(await refusal(bindings(nobody('BS')).fetch())).toEqual([404, 20404]);
    expect(await refusal(bindings(nobody('BS')).remove())).toEqual([404, 20404]);
    expect(await refusal(bindings.list({ bindingType: ['pigeon' as 'apn'] }))).toEqual([400, 50209]);
    expect(await refusal(v1().services(nobody('IS')).bindings.list())).toEqual([404, 20404]);
  });
});

describe(`the read models built again (${topology})`, () => {
  it('say the same of everything that was configured', async () => {
    await v1().credentials.create({ type: 'fcm', friendlyName: 'Kept' });
    await v1().configuration().update({ defaultClosedTimer: 'P2D' });
    const paths = ['/v1/Services', '/v1/Credentials', '/v1/Configuration'];
    for (const { sid } of await v1().services.list())
      paths.push(...['Configuration', 'Configuration/Notifications', 'Roles'].map((resource) => `/v1/Services/${sid}/${resource}`));
    const answers = () => Promise.all(paths.map(async (path) => (await parley.request(path)).body as unknown));
    const before = await answers();
    await parley.command('rebuild');
    expect(await answers()).toEqual(before);
  });
});
