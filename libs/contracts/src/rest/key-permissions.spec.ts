import { apiPaths } from './operations.js';
import { isAllowed, permissionOf, permissions, unknownPermission } from './key-permissions.js';

it.each([
  ['GET', '/v1/Conversations', 'conversations/list'], ['POST', '/v1/Conversations', 'conversations/create'],
  ['GET', '/v1/Conversations/:Sid', 'conversations/read'], ['POST', '/v1/Conversations/:Sid', 'conversations/update'],
  ['DELETE', '/v1/Services/:ChatServiceSid/Conversations/:Sid', 'conversations/delete'],
  ['GET', '/v1/Services/:ChatServiceSid/Conversations/:ConversationSid/Messages', 'messages/list'],
  ['GET', '/v1/Conversations/:ConversationSid/Messages/:MessageSid/Receipts/:Sid', 'delivery-receipts/read'],
  ['GET', '/v1/Services', 'services/list'], ['DELETE', '/v1/Services/:Sid', 'services/delete'],
  ['GET', '/v1/Configuration', 'configurations/read'], ['POST', '/v1/Configuration/Webhooks', 'webhook-configurations/update'],
  ['POST', '/v1/Conversations/:ConversationSid/Webhooks', 'conversation-webhooks/create'],
  ['POST', '/v1/Configuration/Addresses', 'address-configurations/create'],
  ['POST', '/v1/ConversationWithParticipants', 'conversation-with-participants/create'],
  ['GET', '/v1/Services/:ChatServiceSid/Configuration/Notifications', 'service-notifications/read'],
  ['POST', '/v1/Content', 'content/create'], ['PUT', '/v1/Content/:Sid', 'content/update'], ['DELETE', '/v1/Content/:Sid', 'content/delete'],
  ['POST', '/v1/Services/:ChatServiceSid/Media', 'media/create'], ['GET', '/v1/Services/:ChatServiceSid/Media/:Sid/Content', 'media/read'],
  ['GET', '/v1/Conversations/:ConversationSid/Messages/:MessageSid/ChannelMetadata', 'channel-metadata/read'],
  ['GET', '/v1/Tea', '*'], ['POST', '/v1/Media', 'media/create'],
])('%s %s needs %s, which a key can be given', (method, route, permission) => {
  expect(permissionOf(method, route)).toBe(`/twilio/conversations/${permission}`);
  expect(permissions).toContain(`/twilio/conversations/${permission}`);
});

it('knows a permission for every operation, whatever the names in its route are', () => {
  for (const { path, verbs } of apiPaths) for (const verb of verbs)
    expect(permissions).toContain(permissionOf(verb, path.replaceAll('{Sid}', ':X')));
});

it.each([
  [['/twilio/conversations/messages/create'], true], [['/twilio/conversations/messages/*'], true], [['/twilio/conversations/*'], true],
  [['/twilio/conversations/messages/read'], false], [['/twilio/conversations/message/*'], false], [['/twilio/conversations/conversations/*'], false], [[], false],
])('%j: may create messages: %s', (allow, may) => expect(isAllowed(allow, '/twilio/conversations/messages/create')).toBe(may));

it.each(['/twilio/fake/thing', '/twilio/conversations/messages', '/twilio/*', '*', '', '/twilio/conversations/messages/list '])('%j is no permission', (entry) =>
  expect(unknownPermission(['/twilio/conversations/messages/list', entry])).toBe(entry));
