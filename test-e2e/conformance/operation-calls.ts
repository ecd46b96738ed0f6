/**
 * How each published operation is called: on what, with which form or query, and what the answer must tell. Keys are the
 * verb and the path's shape; both families share a case, unless one begins with `Services:`.
 */
import { another, PROXY, type Form, type World } from './world.js';

export type OperationCall = {
  /** The path's parameters after the service, in order. */
  at?: readonly string[];
  form?: Form;
  query?: Readonly<Record<string, string>>;
  /** Part of the answer; of a list, of one of its items. */
  tells?: object;
};
type Case = (world: World) => Promise<OperationCall>;

const day = '2015-12-16T22:18:37Z';
const ours = { FriendlyName: 'Ours', Attributes: '{"topic":"feedback"}' };
const told = { friendly_name: 'Ours', attributes: '{"topic":"feedback"}' };
const hook = { 'Configuration.Url': 'https://example.com/other', 'Configuration.Method': 'GET', 'Configuration.Filters': ['onMessageAdded', 'onMessageRemoved'] };
const hookTold = { url: 'https://example.com/other', method: 'get', filters: ['onMessageAdded', 'onMessageRemoved'] };
const webhooks = { Method: 'GET', PreWebhookUrl: 'https://example.com/pre', PostWebhookUrl: 'https://example.com/post', Filters: ['onMessageAdd', 'onMessageAdded'] };
const webhooksTold = { method: 'GET', pre_webhook_url: 'https://example.com/pre', post_webhook_url: 'https://example.com/post', filters: ['onMessageAdd', 'onMessageAdded'] };
const automatic = {
  'AutoCreation.Enabled': 'true', 'AutoCreation.Type': 'webhook', 'AutoCreation.WebhookUrl': 'https://example.com', 'AutoCreation.WebhookMethod': 'POST',
  'AutoCreation.WebhookFilters': ['onParticipantAdded', 'onMessageAdded'],
};
const whole = {
  ...ours, 'DateCreated': day, 'DateUpdated': day, 'State': 'inactive', 'Timers.Closed': 'PT10M', 'Bindings.Email.Address': 'us@example.com', 'Bindings.Email.Name': 'Us',
};
const wholeTold = {
  ...told, date_created: day, date_updated: day, state: 'inactive', timers: { date_closed: expect.any(String) },
  bindings: { email: { projected_address: 'us@example.com', name: 'Us' } }, unique_name: expect.any(String),
};
const inConversation = async (world: World, child: (conversation: string) => Promise<string>, rest: Omit<OperationCall, 'at'> = {}): Promise<OperationCall> => {
  const conversation = await world.conversation();
  return { at: [conversation, await child(conversation)], ...rest };
};
/** Two of them, so that there is a second page. */
const twoIn = async (world: World, child: (conversation: string) => Promise<string>): Promise<OperationCall> => {
  const conversation = await world.conversation();
  const sids = [await child(conversation), await child(conversation)];
  return { at: [conversation], tells: { sid: sids[0] } };
};
const two = async (make: () => Promise<string>): Promise<OperationCall> => {
  const sid = await make();
  await make();
  return { tells: { sid } };
};

export const operationCalls: Readonly<Record<string, Case>> = {
  'GET Configuration': async ({ service }) => ({ tells: { default_chat_service_sid: service } }),
  'POST Configuration': async () => ({
    form: { DefaultClosedTimer: 'P30D', DefaultInactiveTimer: 'P1D' }, tells: { default_closed_timer: 'P30D', default_inactive_timer: 'P1D' },
  }),
  'GET Configuration/Addresses': async (world) => two(() => world.address()),
  'POST Configuration/Addresses': async ({ service }) => ({
    form: { Type: 'sms', Address: `+37256${Date.now() % 1_000_000}`, FriendlyName: 'Ours', AddressCountry: 'EE', 'AutoCreation.ConversationServiceSid': service, ...automatic },
    tells: {
      type: 'sms', friendly_name: 'Ours', address_country: 'EE', auto_creation: {
        enabled: true, type: 'webhook', conversation_service_sid: service, webhook_url: 'https://example.com', webhook_method: 'POST',
        webhook_filters: ['onParticipantAdded', 'onMessageAdded'],
      },
    },
  }),
  'GET Configuration/Addresses/{}': async (world) => ({ at: [await world.address()] }),
  'POST Configuration/Addresses/{}': async (world) => ({
    at: [await world.address()], form: { FriendlyName: 'Theirs', 'AutoCreation.Type': 'studio', 'AutoCreation.StudioFlowSid': `FW${'a'.repeat(32)}`, 'AutoCreation.StudioRetryCount': '2' },
    tells: { friendly_name: 'Theirs', auto_creation: { type: 'studio', studio_flow_sid: `FW${'a'.repeat(32)}`, studio_retry_count: 2 } },
  }),
  'DELETE Configuration/Addresses/{}': async (world) => ({ at: [await world.address()] }),
  'GET Configuration/Webhooks': async () => ({ tells: { target: 'webhook' } }),
  'POST Configuration/Webhooks': async () => ({ form: { ...webhooks, Target: 'webhook' }, tells: webhooksTold }),

  'POST Conversations': async () => ({ form: { ...whole, UniqueName: another('unique') }, tells: wholeTold }),
  'GET Conversations': async (world) => two(() => world.conversation()),
  'GET Conversations/{}': async (world) => ({ at: [await world.conversation()], tells: { friendly_name: 'Ours', timers: {}, bindings: {}, state: 'active' } }),
  'POST Conversations/{}': async (world) => ({ at: [await world.conversation()], form: { ...whole, UniqueName: another('unique') }, tells: { ...wholeTold, date_updated: expect.any(String) } }),
  'DELETE Conversations/{}': async (world) => ({ at: [await world.conversation()] }),

  'POST Conversations/{}/Messages': async (world) => {
    const { conversation, participant, identity } = await world.member();
    return {
      at: [conversation], form: { Author: identity, Body: 'I like pie. ü', DateCreated: day, DateUpdated: day, Attributes: '{"importance":"high"}', Subject: 'Pie' },
      tells: { author: identity, body: 'I like pie. ü', date_created: day, date_updated: day, participant_sid: participant, index: 0, media: null, delivery: null },
    };
  },
  'GET Conversations/{}/Messages': async (world) => twoIn(world, (conversation) => world.message(conversation)),
  'GET Conversations/{}/Messages/{}': async (world) => inConversation(world, (conversation) => world.message(conversation), { tells: { author: 'agent', index: 0 } }),
  'POST Conversations/{}/Messages/{}': async (world) => inConversation(world, (conversation) => world.message(conversation), {
    form: { Author: 'somebody', Body: 'Cake!', Attributes: '{"a":1}', DateCreated: day, DateUpdated: day, Subject: 'Cake' },
    tells: { author: 'somebody', body: 'Cake!', attributes: '{"a":1}', date_created: day, date_updated: day },
  }),
  'DELETE Conversations/{}/Messages/{}': async (world) => inConversation(world, (conversation) => world.message(conversation)),
  'GET Conversations/{}/Messages/{}/Receipts': async (world) => {
    const { conversation, message, receipts } = await world.receipts();
    return { at: [conversation, message], tells: { sid: receipts[0], error_code: 0 } };
  },
  'GET Conversations/{}/Messages/{}/Receipts/{}': async (world) => {
    const { conversation, message, receipts } = await world.receipts();
    return { at: [conversation, message, receipts[0]!], tells: { conversation_sid: conversation, message_sid: message } };
  },

  'POST Conversations/{}/Participants': async (world) => ({
    at: [await world.conversation()], form: { Identity: another('identity'), Attributes: '{"role":"driver"}', DateCreated: day, DateUpdated: day, RoleSid: await world.role() },
    tells: { messaging_binding: null, attributes: '{"role":"driver"}', date_created: day, last_read_message_index: null, last_read_timestamp: null },
  }),
  'GET Conversations/{}/Participants': async (world) => twoIn(world, (conversation) => world.phone(conversation)),
  'GET Conversations/{}/Participants/{}': async (world) => inConversation(world, (conversation) => world.phone(conversation), {
    tells: { identity: null, messaging_binding: { type: 'sms', proxy_address: PROXY } },
  }),
  'POST Conversations/{}/Participants/{}': async (world) => inConversation(world, (conversation) => world.participant(conversation), {
    form: { Attributes: '{"a":1}', LastReadMessageIndex: '3', LastReadTimestamp: day, RoleSid: await world.role(), DateCreated: day, DateUpdated: day },
    tells: { attributes: '{"a":1}', last_read_message_index: 3, last_read_timestamp: day, date_updated: day },
  }),
  'DELETE Conversations/{}/Participants/{}': async (world) => inConversation(world, (conversation) => world.participant(conversation)),

  'POST Conversations/{}/Webhooks': async (world) => ({
    at: [await world.conversation()], form: { Target: 'webhook', ...hook }, tells: { target: 'webhook', configuration: hookTold },
  }),
  'GET Conversations/{}/Webhooks': async (world) => twoIn(world, (conversation) => world.webhook(conversation)),
  'GET Conversations/{}/Webhooks/{}': async (world) => inConversation(world, (conversation) => world.webhook(conversation), { tells: { target: 'webhook' } }),
  'POST Conversations/{}/Webhooks/{}': async (world) => inConversation(world, (conversation) => world.webhook(conversation), { form: hook, tells: { configuration: hookTold } }),
  'DELETE Conversations/{}/Webhooks/{}': async (world) => inConversation(world, (conversation) => world.webhook(conversation)),

  'POST ConversationWithParticipants': async () => ({
    form: { ...ours, UniqueName: another('group'), Participant: [`{"identity":"${another('one')}"}`, `{"identity":"${another('two')}"}`] }, tells: told,
  }),
  'GET ParticipantConversations': async (world) => {
    const { identity, conversation, user } = await world.member();
    await world.create(`Conversations/${await world.conversation()}/Participants`, { Identity: identity });
    return {
      query: { Identity: identity },
      tells: { conversation_sid: conversation, participant_user_sid: user, participant_identity: identity, participant_messaging_binding: null, conversation_state: 'active' },
    };
  },

  'POST Credentials': async () => ({ form: { Type: 'apn', FriendlyName: 'Ours', Certificate: 'a certificate', PrivateKey: 'a key', Sandbox: 'true' }, tells: { friendly_name: 'Ours', type: 'apn', sandbox: 'True' } }),
  'GET Credentials': async (world) => two(() => world.credential()),
  'GET Credentials/{}': async (world) => ({ at: [await world.credential()] }),
  'POST Credentials/{}': async (world) => ({ at: [await world.credential()], form: { FriendlyName: 'Theirs', Secret: 'another key' }, tells: { friendly_name: 'Theirs' } }),
  'DELETE Credentials/{}': async (world) => ({ at: [await world.credential()] }),

  'POST Roles': async () => {
    const name = another('role');
    return { form: { FriendlyName: name, Type: 'conversation', Permission: ['sendMessage', 'leaveConversation'] }, tells: { friendly_name: name, type: 'conversation', permissions: ['sendMessage', 'leaveConversation'] } };
  },
  'GET Roles': async (world) => two(() => world.role()),
  'GET Roles/{}': async (world) => ({ at: [await world.role()], tells: { permissions: ['editOwnMessage'] } }),
  'POST Roles/{}': async (world) => ({ at: [await world.role()], form: { Permission: ['sendMessage'] }, tells: { permissions: ['sendMessage'] } }),
  'DELETE Roles/{}': async (world) => ({ at: [await world.role()] }),

  'POST Services': async () => ({ form: { FriendlyName: 'A service' }, tells: { friendly_name: 'A service' } }),
  'GET Services': async (world) => two(() => world.create('/v1/Services', { FriendlyName: another('service') })),
  'GET Services/{}': async ({ service }) => ({ at: [service], tells: { sid: service } }),
  'DELETE Services/{}': async (world) => ({ at: [await world.create('/v1/Services', { FriendlyName: another('service') })] }),

  'GET Bindings': async (world) => two(() => world.binding()),
  'GET Bindings/{}': async (world) => ({ at: [await world.binding()], tells: { binding_type: 'fcm', message_types: ['new_message'] } }),
  'DELETE Bindings/{}': async (world) => ({ at: [await world.binding()] }),
  'Services:GET Configuration': async ({ service }) => ({ tells: { chat_service_sid: service } }),
  'Services:POST Configuration': async (world) => {
    const [inConversation, inService] = [await world.role(), await world.role('service')];
    return {
      form: { DefaultConversationCreatorRoleSid: inConversation, DefaultConversationRoleSid: inConversation, DefaultChatServiceRoleSid: inService, ReachabilityEnabled: 'true' },
      tells: { default_conversation_creator_role_sid: inConversation, default_conversation_role_sid: inConversation, default_chat_service_role_sid: inService, reachability_enabled: true },
    };
  },
  'GET Configuration/Notifications': async () => ({ tells: { log_enabled: false } }),
  'POST Configuration/Notifications': async () => ({
    form: {
      'LogEnabled': 'true', 'NewMessage.Enabled': 'true', 'NewMessage.Template': '${MESSAGE}', 'NewMessage.Sound': 'ping', 'NewMessage.BadgeCountEnabled': 'true',
      'NewMessage.WithMedia.Enabled': 'true', 'NewMessage.WithMedia.Template': '${MEDIA}', 'AddedToConversation.Enabled': 'true', 'AddedToConversation.Template': 'added',
      'AddedToConversation.Sound': 'in', 'RemovedFromConversation.Enabled': 'true', 'RemovedFromConversation.Template': 'removed', 'RemovedFromConversation.Sound': 'out',
    },
    tells: {
      log_enabled: true,
      new_message: { enabled: true, template: '${MESSAGE}', sound: 'ping', badge_count_enabled: true, with_media: { enabled: true, template: '${MEDIA}' } },
      added_to_conversation: { enabled: true, template: 'added', sound: 'in' }, removed_from_conversation: { enabled: true, template: 'removed', sound: 'out' },
    },
  }),
  // One that was never configured has `method` null, as recorded from the original; the published document does not allow it.
  'Services:GET Configuration/Webhooks': async (world) => {
    await world.post('Configuration/Webhooks', webhooks);
    return { tells: { chat_service_sid: world.service, ...webhooksTold } };
  },
  'Services:POST Configuration/Webhooks': async () => ({ form: webhooks, tells: webhooksTold }),

  'POST Users': async (world) => ({
    form: { Identity: another('new user'), ...ours, RoleSid: await world.role('service') }, tells: told,
  }),
  'GET Users': async (world) => two(() => world.user()),
  'GET Users/{}': async (world) => ({ at: [await world.user()], tells: { friendly_name: null, attributes: '{}' } }),
  'POST Users/{}': async (world) => ({ at: [await world.user()], form: { ...ours, RoleSid: await world.role('service') }, tells: told }),
  'DELETE Users/{}': async (world) => ({ at: [await world.user()] }),
  'GET Users/{}/Conversations': async (world) => {
    const { user, identity, conversation, participant } = await world.member();
    await world.create(`Conversations/${await world.conversation()}/Participants`, { Identity: identity });
    return { at: [user], tells: { conversation_sid: conversation, participant_sid: participant, unread_messages_count: null, notification_level: 'default' } };
  },
  'GET Users/{}/Conversations/{}': async (world) => {
    const { user, conversation, participant } = await world.member();
    return { at: [user, conversation], tells: { participant_sid: participant, user_sid: user, last_read_message_index: null, friendly_name: 'Ours' } };
  },
  'POST Users/{}/Conversations/{}': async (world) => {
    const { user, conversation } = await world.member();
    for (const _ of [1, 2, 3]) await world.message(conversation);
    return {
      at: [user, conversation], form: { NotificationLevel: 'muted', LastReadMessageIndex: '0', LastReadTimestamp: day },
      tells: { notification_level: 'muted', last_read_message_index: 0, unread_messages_count: 2 },
    };
  },
  'DELETE Users/{}/Conversations/{}': async (world) => {
    const { user, conversation } = await world.member();
    return { at: [user, conversation] };
  },
};
