/** Users, roles, what users are in, and what they may do themselves with an access token: the official SDK with another host. */
import twilio from 'twilio';
import { WebSocket } from 'ws';
import { Parley, START_MS, topology, until, type Credentials } from './installation.js';
import { refusal, refused } from './refusal.js';

const { AccessToken } = twilio.jwt;

let parley: Parley;
let sdk: twilio.Twilio;
let other: Credentials;
let service: string;
beforeAll(async () => {
  parley = await Parley.start();
  sdk = parley.sdk();
  other = await parley.newAccount();
  service = parley.account.serviceSid;
}, START_MS);
afterAll(() => parley?.stop(), START_MS);

const v1 = () => sdk.conversations.v1;
/** The service family has the same resources, typed apart. */
const own = () => inService() as unknown as ReturnType<typeof v1>;
const inService = () => v1().services(service);
const defaults: [string, string, string[]][] = [
  ['service admin', 'service', [
    'createConversation', 'joinConversation', 'deleteConversation', 'editConversationAttributes', 'editConversationName', 'addParticipant',
    'removeParticipant', 'editAnyParticipantAttributes', 'editAnyMessage', 'deleteAnyMessage', 'editAnyMessageAttributes', 'editAnyUserInfo']],
  ['service user', 'service', ['createConversation', 'joinConversation', 'editOwnUserInfo']],
  ['channel admin', 'conversation', [
    'sendMessage', 'sendMediaMessage', 'leaveConversation', 'editNotificationLevel', 'addParticipant', 'removeParticipant', 'deleteConversation',
    'editConversationName', 'editConversationAttributes', 'editAnyParticipantAttributes', 'editAnyMessage', 'editAnyMessageAttributes',
    'deleteAnyMessage']],
  ['channel user', 'conversation', [
    'sendMessage', 'sendMediaMessage', 'leaveConversation', 'editNotificationLevel', 'editOwnParticipantAttributes', 'editOwnMessage',
    'deleteOwnMessage']],
];
const roleNamed = async (name: string) => (await v1().roles.list()).find(({ friendlyName }) => friendlyName === name)!;

describe(`roles (${topology})`, () => {
  it('are there from the start', async () => {
    const roles = await v1().roles.list();
    expect(roles.map(({ friendlyName, type, permissions }) => [friendlyName, type, permissions]))
      .toEqual(expect.arrayContaining(defaults));
    expect(roles).toHaveLength(4);
  });
  it.each([['account', v1], ['service', own]] as const)('are created, fetched, updated, listed and deleted (%s)', async (family, at) => {
    const created = await at().roles.create({ friendlyName: `moderator of ${family}`, type: 'conversation', permission: ['sendMessage', 'deleteAnyMessage'] });
    const url = `${parley.url}/v1/${family === 'service' ? `Services/${service}/` : ''}Roles/${created.sid}`;
    expect(created).toMatchObject({
      accountSid: parley.account.accountSid, chatServiceSid: service, friendlyName: `moderator of ${family}`, type: 'conversation',
      permissions: ['sendMessage', 'deleteAnyMessage'], url,
    });
    expect((await at().roles(created.sid).fetch()).toJSON()).toEqual(created.toJSON());
    expect(await at().roles(created.sid).update({ permission: ['sendMessage'] })).toMatchObject({ permissions: ['sendMessage'] });
    expect((await at().roles.list({ pageSize: 2 })).map(({ sid }) => sid)).toContain(created.sid);
    expect(await refusal(at().roles.create({ friendlyName: `moderator of ${family}`, type: 'service', permission: ['sendMessage'] }))).toEqual([409, 20409]);
    expect(await at().roles(created.sid).remove()).toBe(true);
    expect(await refusal(at().roles(created.sid).fetch())).toEqual([404, 20404]);
    expect(await refusal(at().roles(created.sid).update({ permission: ['sendMessage'] }))).toEqual([404, 20404]);
  });
  it.each([
    [{ friendlyName: '', type: 'service', permission: ['sendMessage'] }, [400, 50000]],
    [{ friendlyName: 'x'.repeat(65), type: 'service', permission: ['sendMessage'] }, [400, 50003]],
    [{ friendlyName: 'x', type: 'deployment', permission: ['sendMessage'] }, [400, 50105]],
    [{ friendlyName: 'x', type: 'service', permission: ['fly'] }, [404, 50104]],
  ])('refuse %j', async (bad, code) => expect(await refusal(v1().roles.create(bad as never))).toEqual(code));
  it('keep the defaults', async () =>
    expect(await refusal(v1().roles((await roleNamed('channel user')).sid).remove())).toEqual([409, 20409]));
});

describe(`users (${topology})`, () => {
  it.each([['account', v1], ['service', own]] as const)('are created, found by SID and identity, updated, listed and deleted (%s)', async (family, at) => {
    const identity = `Ann ü/${family}`;
    const created = await at().users.create({ identity, friendlyName: 'Ann', attributes: '{ "a": 1 }' });
    const url = `${parley.url}/v1/${family === 'service' ? `Services/${service}/` : ''}Users/${created.sid}`;
    expect(created).toMatchObject({
      accountSid: parley.account.accountSid, chatServiceSid: service, identity, friendlyName: 'Ann', attributes: '{ "a": 1 }',
      roleSid: (await roleNamed('service user')).sid, isOnline: null, isNotifiable: null, url, links: { user_conversations: `${url}/Conversations` },
    });
    expect((await at().users(created.sid).fetch()).toJSON()).toEqual(created.toJSON());
    const byIdentity = encodeURIComponent(identity);
    expect((await at().users(byIdentity).fetch()).sid).toBe(created.sid);
    expect(await at().users(byIdentity).update({ friendlyName: '', roleSid: (await roleNamed('service admin')).sid }))
      .toMatchObject({ friendlyName: null, roleSid: (await roleNamed('service admin')).sid, attributes: '{ "a": 1 }' });
    expect((await at().users.list({ pageSize: 1 })).map(({ sid }) => sid)).toContain(created.sid);
    expect(await refusal(at().users.create({ identity }))).toEqual([409, 50201]);
    expect(await at().users(byIdentity).remove()).toBe(true);
    expect(await refusal(at().users(created.sid).fetch())).toEqual([404, 20404]);
    expect(await refusal(at().users(byIdentity).remove())).toEqual([404, 20404]);
    expect((await at().users.create({ identity })).sid).not.toBe(created.sid);
  });
  it.each([
    [{ identity: '' }, [400, 50204]],
    [{ identity: 'x'.repeat(257) }, [400, 50207]],
    [{ identity: `US${'a'.repeat(32)}` }, [400, 50206]],
    [{ identity: 'system' }, [400, 50203]],
    [{ identity: 'fine', attributes: '{' }, [400, 50304]],
    [{ identity: 'fine', friendlyName: 'x'.repeat(257) }, [400, 50003]],
    [{ identity: 'fine', roleSid: `RL${'0'.repeat(32)}` }, [404, 50102]],
  ])('refuse %j', async (bad, code) => expect(await refusal(v1().users.create(bad))).toEqual(code));
  it('take no role of conversations, participants none of the service', async () => {
    const [channel, chat] = [await roleNamed('channel user'), await roleNamed('service user')];
    expect(await refusal(v1().users.create({ identity: 'nobody', roleSid: channel.sid }))).toEqual([404, 50102]);
    const { sid } = await v1().conversations.create({});
    expect(await refusal(v1().conversations(sid).participants.create({ identity: 'bob', roleSid: chat.sid }))).toEqual([400, 50105]);
    expect(await refusal(v1().conversations(sid).participants.create({ identity: 'bob', roleSid: `RL${'0'.repeat(32)}` }))).toEqual([404, 50109]);
  });
  it('exist as soon as they take part', async () => {
    const { sid } = await v1().conversations.create({});
    await Promise.all(['new one', 'new two'].map((identity) => v1().conversations(sid).participants.create({ identity })));
    const user = await v1().users('new%20one').fetch();
    expect(user).toMatchObject({ identity: 'new one', friendlyName: null, attributes: '{}', roleSid: (await roleNamed('service user')).sid });
    await v1().users(user.sid).update({ friendlyName: 'New' });
    const { sid: second } = await v1().conversations.create({});
    await v1().conversations(second).participants.create({ identity: 'new one' });
    expect(await v1().users('new%20one').fetch()).toMatchObject({ sid: user.sid, friendlyName: 'New' });
    expect(await refusal(parley.sdk(other).conversations.v1.users(user.sid).fetch())).toEqual([404, 20404]);
  });
  it('are made and deleted once by a request that is repeated', async () => {
    const twice = async (path: string, request: { method?: string; body?: string }) => {
      const headers = { 'Idempotency-Key': `users ${path}` };
      return [await parley.request(path, { ...request, headers }), await parley.request(path, { ...request, headers })] as const;
    };
    const [made, again] = await twice('/v1/Users', { body: 'Identity=once' });
    expect([made.status, again.status, again.body]).toEqual([201, 201, made.body]);
    const [role, sameRole] = await twice('/v1/Roles', { body: 'FriendlyName=once&Type=service&Permission=editOwnUserInfo' });
    expect([role.status, sameRole.body]).toEqual([201, role.body]);
    for (const path of ['/v1/Users/once', `/v1/Roles/${role.body.sid}`])
      expect((await twice(path, { method: 'DELETE' })).map(({ status }) => status)).toEqual([204, 204]);
  });
  it('leave everything when they are deleted; what they wrote stays', async () => {
    const sids = await Promise.all([1, 2, 3].map(async () => (await v1().conversations.create({})).sid));
    for (const sid of sids) await v1().conversations(sid).participants.create({ identity: 'leaver' });
    await v1().conversations(sids[0]!).messages.create({ author: 'leaver', body: 'bye' });
    await v1().users('leaver').remove();
    for (const sid of sids) expect(await v1().conversations(sid).participants.list()).toEqual([]);
    expect(await v1().conversations(sids[0]!).messages.list()).toMatchObject([{ author: 'leaver', body: 'bye' }]);
    expect(await v1().participantConversations.list({ identity: 'leaver' })).toEqual([]);
  });
});

describe(`conversations of a user (${topology})`, () => {
  it.each([['account', v1], ['service', own]] as const)('count what is unread, are muted and left (%s)', async (family, at) => {
    const identity = `reader-${family}`;
    const uniqueName = `room of ${family}`;
    const conversation = await at().conversations.create({ uniqueName, friendlyName: 'Room', attributes: '{"x":1}' });
    const participant = await at().conversations(conversation.sid).participants.create({ identity });
    for (const body of ['a', 'b', 'c']) await at().conversations(conversation.sid).messages.create({ body });
    const { sid: userSid } = await at().users(identity).fetch();
    const prefix = `${parley.url}/v1/${family === 'service' ? `Services/${service}/` : ''}`;
    const [first, ...more] = await at().users(identity).userConversations.list();
    expect(more).toEqual([]);
    expect(first).toMatchObject({
      accountSid: parley.account.accountSid, chatServiceSid: service, conversationSid: conversation.sid, unreadMessagesCount: null,
      lastReadMessageIndex: null, participantSid: participant.sid, userSid, friendlyName: 'Room', conversationState: 'active', timers: {},
      attributes: '{"x":1}', createdBy: 'system', notificationLevel: 'default', uniqueName,
      url: `${prefix}Users/${userSid}/Conversations/${conversation.sid}`,
      links: { participant: `${prefix}Conversations/${conversation.sid}/Participants/${participant.sid}`, conversation: `${prefix}Conversations/${conversation.sid}` },
    });
    const one = () => at().users(userSid).userConversations(encodeURIComponent(uniqueName));
    expect(await one().update({ lastReadMessageIndex: 0, lastReadTimestamp: new Date('2026-01-01T00:00:00Z'), notificationLevel: 'muted' }))
      .toMatchObject({ lastReadMessageIndex: 0, unreadMessagesCount: 2, notificationLevel: 'muted' });
    expect(await at().conversations(conversation.sid).participants(participant.sid).fetch())
      .toMatchObject({ lastReadMessageIndex: 0, lastReadTimestamp: '2026-01-01T00:00:00Z' });
    expect(await one().update({ notificationLevel: 'default' })).toMatchObject({ notificationLevel: 'default', unreadMessagesCount: 2 });
    expect(await refusal(one().update({ notificationLevel: 'loud' as never }))).toEqual([400, 50210]);
    await one().update({ notificationLevel: 'muted' });
    expect(await one().remove()).toBe(true);
    expect(await refusal(one().fetch())).toEqual([404, 20404]);
    expect(await at().conversations(conversation.sid).participants.list()).toEqual([]);
    await at().conversations(conversation.sid).participants.create({ identity });
    expect(await one().fetch()).toMatchObject({ notificationLevel: 'default', lastReadMessageIndex: null });
  });
  it('are listed page by page, closed ones too', async () => {
    const sids: string[] = [];
    for (let i = 0; i < 5; i++) {
      const { sid } = await v1().conversations.create({});
      await v1().conversations(sid).participants.create({ identity: 'busy' });
      sids.push(sid);
    }
    await v1().conversations(sids[0]!).update({ state: 'closed' });
    const listed = await v1().users('busy').userConversations.list({ pageSize: 2 });
    expect(listed.map(({ conversationSid }) => conversationSid).sort()).toEqual([...sids].sort());
    const page = await v1().users('busy').userConversations.page({ pageSize: 2 });
    const next = await page.nextPage();
    expect((await next!.previousPage())!.instances.map(({ conversationSid }) => conversationSid))
      .toEqual(page.instances.map(({ conversationSid }) => conversationSid));
    expect(await refusal(v1().users('nobody at all').userConversations.list())).toEqual([404, 20404]);
  });
});

describe(`conversations of participants (${topology})`, () => {
  it.each([['account', v1], ['service', own]] as const)('are found by identity and by address (%s)', async (family, at) => {
    const identity = `found-${family}`;
    const address = family === 'account' ? '+15558675310' : '+15558675311';
    const conversation = await at().conversations.create({ friendlyName: 'Found' });
    const chat = await at().conversations(conversation.sid).participants.create({ identity });
    const sms = await at().conversations(conversation.sid).participants.create({ 'messagingBinding.address': address, 'messagingBinding.proxyAddress': '+15017122661' });
    const shared = { conversationSid: conversation.sid, conversationFriendlyName: 'Found', conversationState: 'active', conversationCreatedBy: 'system' };
    expect(await at().participantConversations.list({ identity })).toMatchObject([{
      ...shared, participantSid: chat.sid, participantIdentity: identity, participantMessagingBinding: null,
      participantUserSid: (await at().users(identity).fetch()).sid,
    }]);
    expect(await at().participantConversations.list({ address })).toMatchObject([{
      ...shared, participantSid: sms.sid, participantIdentity: null, participantUserSid: null,
      participantMessagingBinding: { address, proxy_address: '+15017122661', type: 'sms', level: null, name: null, projected_address: null },
    }]);
    expect(await at().participantConversations.list({ identity: 'nowhere' })).toEqual([]);
    expect(await refusal(at().participantConversations.list({ identity, address }))).toEqual([400, 50451]);
    expect(await parley.sdk(other).conversations.v1.participantConversations.list({ identity })).toEqual([]);
  });
  it('are asked for by one of both', async () => {
    expect((await parley.request('/v1/ParticipantConversations')).body).toMatchObject({ code: 20001, status: 400 });
    const { body } = await parley.request('/v1/ParticipantConversations?Address=%2B15550000000&PageSize=1');
    expect(body.meta.url).toBe(`${parley.url}/v1/ParticipantConversations?Address=%2B15550000000&PageSize=1&Page=0`);
    await expect(refused(v1().participantConversations.list({}))).resolves.toMatchObject({ status: 400 });
  });
});

describe(`access tokens (${topology})`, () => {
  type Asking = (path: string, form?: Record<string, string>, method?: string) => Promise<{ status: number; body: any }>;
  const asking = (token: string, header = 'authorization'): Asking => async (path, form, method = form ? 'POST' : 'GET') =>
    parley.request(`/v1${path}`, {
      method, as: null, headers: { [header]: header === 'authorization' ? `Bearer ${token}` : token }, ...(form && { body: new URLSearchParams(form).toString() }),
    });
  /** Made by the official SDK's own token builder. */
  const tokenOf = (identity: string, { accountSid, apiKeySid, apiKeySecret, serviceSid } = parley.account, deploymentRoleSid?: string) => {
    const token = new AccessToken(accountSid, apiKeySid, apiKeySecret, { identity });
    token.addGrant(new AccessToken.ChatGrant({ serviceSid, ...(deploymentRoleSid !== undefined && { deploymentRoleSid }) }));
    return token.toJwt();
  };
  const as = (identity: string) => asking(tokenOf(identity));
  const answered = async (asked: Promise<{ status: number; body: any }>) => {
    const { status, body } = await asked;
    return status < 400 ? status : [status, body.code];
  };
  let room: string;
  let creator: Asking;
  let guest: Asking;
  beforeAll(async () => {
    creator = as('creator');
    guest = as('guest');
    const made = await creator('/Conversations', { FriendlyName: 'Ours' });
    expect(made.status).toBe(201);
    room = made.body.sid;
    expect(await answered(creator(`/Conversations/${room}/Participants`, { Identity: 'guest' }))).toBe(201);
  });

  it('make the user, and make him admin of what he makes', async () => {
    expect(await v1().users('creator').fetch()).toMatchObject({ identity: 'creator', roleSid: (await roleNamed('service user')).sid });
    const participant = (await v1().conversations(room).participants.list()).find(({ identity }) => identity === 'creator');
    expect(participant).toMatchObject({ roleSid: (await roleNamed('channel admin')).sid });
    expect(await v1().users('creator').userConversations(room).fetch()).toMatchObject({ createdBy: 'creator' });
    const moderator = await v1().roles.create({ friendlyName: 'chosen by token', type: 'service', permission: ['editAnyUserInfo'] });
    expect(await answered(asking(tokenOf('with role', parley.account, moderator.sid))('/Users/with%20role'))).toBe(200);
    expect(await v1().users('with%20role').fetch()).toMatchObject({ roleSid: moderator.sid });
  });
  it('speak as their identity only', async () => {
    const said = await guest(`/Conversations/${room}/Messages`, { Body: 'hi' });
    expect(said).toMatchObject({ status: 201, body: { author: 'guest', participant_sid: expect.stringMatching(/^MB/) } });
    expect(await answered(guest(`/Conversations/${room}/Messages`, { Body: 'hi', Author: 'creator' }))).toEqual([403, 50107]);
    expect(await answered(guest(`/Conversations/${room}/Messages/${said.body.sid}`, { Body: 'hello' }))).toBe(200);
    expect(await answered(guest(`/Conversations/${room}/Messages/${said.body.sid}`, undefined, 'DELETE'))).toBe(204);
    const other = await creator(`/Conversations/${room}/Messages`, { Body: 'mine' });
    expect(await answered(guest(`/Conversations/${room}/Messages/${other.body.sid}`, { Body: 'yours' }))).toEqual([403, 50107]);
    expect(await answered(guest(`/Conversations/${room}/Messages/${other.body.sid}`, undefined, 'DELETE'))).toEqual([403, 50107]);
    expect(await answered(asking(tokenOf('guest'), 'x-twilio-token')(`/Conversations/${room}/Messages`))).toBe(200);
  });
  it('have idempotency keys of their own', async () => {
    const say = async (identity: string) => parley.request(`/v1/Conversations/${room}/Messages`, {
      as: null, headers: { authorization: `Bearer ${tokenOf(identity)}`, 'Idempotency-Key': 'the same' }, body: 'Body=again',
    });
    const [first, repeated, other] = [await say('guest'), await say('guest'), await say('creator')];
    expect(repeated.body.sid).toBe(first.body.sid);
    expect(other.body).toMatchObject({ author: 'creator', index: first.body.index + 1 });
  });
  it('may what the role says, as soon as it says so', async () => {
    const rename = () => answered(guest(`/Conversations/${room}`, { FriendlyName: 'Theirs' }));
    expect(await rename()).toEqual([403, 50107]);
    expect(await answered(creator(`/Conversations/${room}`, { FriendlyName: 'Mine' }))).toBe(200);
    const role = await v1().roles.create({ friendlyName: 'renamer', type: 'conversation', permission: ['editConversationName'] });
    await v1().conversations(room).participants('guest').update({ roleSid: role.sid });
    expect(await rename()).toBe(200);
    expect(await answered(guest(`/Conversations/${room}/Messages`, { Body: 'x' }))).toEqual([403, 50107]);
    await v1().roles(role.sid).update({ permission: ['sendMessage'] });
    expect(await rename()).toEqual([403, 50107]);
    expect(await answered(guest(`/Conversations/${room}/Messages`, { Body: 'x' }))).toBe(201);
    await v1().users('guest').update({ roleSid: (await roleNamed('service admin')).sid });
    expect(await rename()).toBe(200);
    await v1().users('guest').update({ roleSid: (await roleNamed('service user')).sid });
  });
  it('stay out of conversations they are not in, and of what is the account’s', async () => {
    const who = 'stranger';
    const stranger = as(who);
    for (const path of [`/Conversations/${room}`, `/Conversations/${room}/Messages`, `/Conversations/${room}/Participants`])
      expect(await answered(stranger(path))).toEqual([403, 50430]);
    expect(await answered(stranger(`/Conversations/${room}/Messages`, { Body: 'x' }))).toEqual([403, 50430]);
    const { sid: guestSid } = await v1().users('guest').fetch();
    for (const path of [
      '/Conversations', '/Users', '/Roles', '/Services', '/Configuration', '/Credentials', `/Users/${guestSid}/Conversations`,
      '/ParticipantConversations?Identity=guest', '/ParticipantConversations?Identity=stranger&a=?&Identity=guest',
    ])
      expect(await answered(stranger(path))).toEqual([403, 50107]);
    expect(await answered(stranger('/Users', { Identity: 'made up' }))).toEqual([403, 50107]);
    expect(await answered(stranger('/Users/stranger', { RoleSid: (await roleNamed('service admin')).sid }))).toEqual([403, 50205]);
    expect(await answered(stranger('/Users/guest', { FriendlyName: 'G' }))).toEqual([403, 50107]);
    expect(await answered(stranger('/Users/stranger', { FriendlyName: 'S' }))).toBe(200);
    expect(await answered(stranger('/Conversations/nowhere'))).toEqual([404, 20404]);
    expect(await answered(stranger(`/Conversations/${room}/Participants`, { Identity: 'stranger' }))).toBe(201); // joinConversation
    expect(await answered(stranger(`/Users/${who}/Conversations/${room}`, { NotificationLevel: 'muted' }))).toBe(200);
    expect(await answered(stranger(`/Users/${who}/Conversations/${room}`, undefined, 'DELETE'))).toBe(204);
    expect(await answered(stranger(`/Conversations/${room}`))).toEqual([403, 50430]);
  });
  it('do not become somebody else by being called like his SID', async () => {
    const victim = (await v1().conversations(room).participants.list()).find(({ identity }) => identity === 'creator')!;
    await v1().conversations(room).participants.create({ identity: victim.sid });
    const impostor = as(victim.sid);
    const path = `/Conversations/${room}/Participants/${victim.sid}`;
    expect(await answered(impostor(path, { LastReadMessageIndex: '0' }))).toEqual([403, 50107]);
    expect(await answered(impostor(path, { Attributes: '{"mine":true}' }))).toEqual([403, 50107]);
    expect(await answered(impostor(path, undefined, 'DELETE'))).toEqual([403, 50107]);
    const { sid: userSid } = await v1().users('creator').fetch();
    for (const identity of [userSid, 'system']) expect(await answered(as(identity)(`/Users/${userSid}/Conversations`))).toEqual([401, 51105]);
  });
  it('are of one service of one account', async () => {
    const second = await v1().services.create({ friendlyName: 'Second' });
    const elsewhere = asking(tokenOf('creator', { ...parley.account, serviceSid: second.sid }));
    expect(await answered(elsewhere(`/Conversations/${room}`))).toEqual([403, 50107]);
    expect(await answered(elsewhere(`/Services/${service}/Conversations/${room}`))).toEqual([403, 50107]);
    expect(await answered(elsewhere(`/Services/${second.sid}/Conversations`, { FriendlyName: 'There' }))).toBe(201);
    expect(await answered(asking(tokenOf('creator', other))(`/Conversations/${room}`))).toEqual([404, 20404]);
    expect(await answered(asking(tokenOf('creator', { ...other, serviceSid: service }))(`/Services/${service}/Conversations/${room}`))).toEqual([401, 51102]);
  });
  it('bring users into being by websocket too, who are online as long as they are connected', async () => {
    await inService().configuration().update({ reachabilityEnabled: true });
    const websocket = new WebSocket(`${parley.installation.info.wsUrl}?token=${tokenOf('surfer')}`);
    await new Promise((ready, failed) => websocket.once('message', ready).once('error', failed));
    expect(await v1().users('surfer').fetch()).toMatchObject({ identity: 'surfer', isOnline: true, isNotifiable: false });
    expect((await v1().users.list()).find(({ identity }) => identity === 'surfer')).toMatchObject({ isOnline: null, isNotifiable: null });
    websocket.close();
    await until(async () => (await v1().users('surfer').fetch()).isOnline === false, 'the user is offline');
    await inService().configuration().update({ reachabilityEnabled: false });
    expect(await v1().users('surfer').fetch()).toMatchObject({ isOnline: null, isNotifiable: null });
  });
  it('are checked', async () => {
    const good = tokenOf('guest');
    expect(await answered(asking(`${good.slice(0, -4)}AAAA`)('/Users/guest'))).toEqual([401, 20107]);
    expect(await answered(asking('no token')('/Users/guest'))).toEqual([401, 20101]);
    expect(await answered(asking('x'.repeat(5000))('/Users/guest'))).toEqual([401, 20101]);
    expect(await answered(asking(tokenOf('guest', { ...parley.account, apiKeySid: other.apiKeySid }))('/Users/guest'))).toEqual([401, 20103]);
    expect(await answered(asking(tokenOf('guest', { ...parley.account, apiKeySecret: 'wrong' }))('/Users/guest'))).toEqual([401, 20107]);
  });
});

it(`users, roles and what they set are the same after a rebuild (${topology})`, async () => {
  const everything = async () => {
    const users = await v1().users.list();
    const theirs = await Promise.all(users.map(async ({ sid }) => (await v1().users(sid).userConversations.list()).map((c) => c.toJSON())));
    return { users: users.map((u) => u.toJSON()), theirs, roles: (await v1().roles.list()).map((r) => r.toJSON()) };
  };
  const before = await everything();
  expect(before.users.length).toBeGreaterThan(5);
  await parley.command('rebuild');
  expect(await everything()).toEqual(before);
});
