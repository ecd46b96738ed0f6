/** Answers of the resources that only one path family has: what an account or a service configures (API reference 1). */
import { z } from 'zod';
import { answersOfFamily } from './answers.js';
import { linksOf, listOf, sidOf, textOrNull, time, urlOf, type Family } from './answer-fields.js';

const times = { date_created: time, date_updated: time };
const account = { account_sid: sidOf('AC') };
const method = z.enum(['GET', 'POST']);

const configuration = z.strictObject({
  ...account, default_chat_service_sid: sidOf('IS').nullable(), default_messaging_service_sid: sidOf('MG').nullable(),
  default_inactive_timer: textOrNull, default_closed_timer: textOrNull, url: urlOf('account', 'Configuration'),
  links: linksOf('account', { service: 'Services/{IS}/Configuration', webhooks: 'Configuration/Webhooks' }),
});
/** What `auto_creation` holds besides `enabled` and `type` depends on the type. */
const autoCreation = z.strictObject({
  enabled: z.boolean(), type: z.enum(['webhook', 'studio', 'default']), conversation_service_sid: sidOf('IS').nullable().optional(),
  webhook_url: textOrNull.optional(), webhook_method: method.nullable().optional(), webhook_filters: z.array(z.string()).nullable().optional(),
  studio_flow_sid: sidOf('FW').nullable().optional(), studio_retry_count: z.int().nullable().optional(),
});
const addressConfiguration = z.strictObject({
  ...account, sid: sidOf('IG'), type: z.string(), address: z.string(), friendly_name: textOrNull, auto_creation: autoCreation, ...times,
  url: urlOf('account', 'Configuration/Addresses/{IG}'), address_country: textOrNull,
});
const webhookConfiguration = z.strictObject({
  ...account, method, filters: z.array(z.string()).nullable(), pre_webhook_url: textOrNull, post_webhook_url: textOrNull,
  target: z.enum(['webhook', 'flex']), url: urlOf('account', 'Configuration/Webhooks'),
});
const credential = z.strictObject({
  ...account, sid: sidOf('CR'), friendly_name: textOrNull, type: z.enum(['apn', 'gcm', 'fcm', 'webpush']), sandbox: z.enum(['True', 'False']).nullable(),
  ...times, url: urlOf('account', 'Credentials/{CR}'),
  // Ours; absent where they were not given.
  key_id: z.string().optional(), team_id: z.string().optional(), topic: z.string().optional(), subject: z.string().optional(), public_key: z.string().optional(),
});
const service = z.strictObject({
  ...account, sid: sidOf('IS'), friendly_name: textOrNull, ...times, url: urlOf('account', 'Services/{IS}'),
  links: linksOf('service', {
    conversations: 'Conversations', users: 'Users', roles: 'Roles', bindings: 'Bindings', configuration: 'Configuration',
    participant_conversations: 'ParticipantConversations', conversation_with_participants: 'ConversationWithParticipants',
  }),
});

const binding = z.strictObject({
  ...account, sid: sidOf('BS'), chat_service_sid: sidOf('IS'), credential_sid: sidOf('CR').nullable(), ...times, endpoint: z.string(),
  identity: textOrNull, binding_type: z.enum(['apn', 'gcm', 'fcm', 'webpush', 'twilsock']),
  message_types: z.array(z.enum(['new_message', 'added_to_conversation', 'removed_from_conversation'])), url: urlOf('service', 'Bindings/{BS}'),
});
/** There is no `account_sid` here. */
const serviceConfiguration = z.strictObject({
  chat_service_sid: sidOf('IS'), default_conversation_creator_role_sid: sidOf('RL').nullable(), default_conversation_role_sid: sidOf('RL').nullable(),
  default_chat_service_role_sid: sidOf('RL').nullable(), url: urlOf('service', 'Configuration'),
  links: linksOf('service', { notifications: 'Configuration/Notifications', webhooks: 'Configuration/Webhooks' }), reachability_enabled: z.boolean(),
});
/** A kind that was never configured is `{"enabled": false}` alone. */
const notice = { enabled: z.boolean(), template: textOrNull.optional(), sound: textOrNull.optional() };
const serviceNotification = z.strictObject({
  ...account, chat_service_sid: sidOf('IS'),
  new_message: z.strictObject({
    ...notice, badge_count_enabled: z.boolean().optional(),
    with_media: z.strictObject({ enabled: z.boolean(), template: textOrNull.optional() }).optional(),
  }),
  added_to_conversation: z.strictObject(notice), removed_from_conversation: z.strictObject(notice), log_enabled: z.boolean(),
  url: urlOf('service', 'Configuration/Notifications'),
});
const serviceWebhookConfiguration = z.strictObject({
  ...account, chat_service_sid: sidOf('IS'), pre_webhook_url: textOrNull, post_webhook_url: textOrNull, filters: z.array(z.string()).nullable(),
  method: method.nullable(), url: urlOf('service', 'Configuration/Webhooks'),
});

const ofAccount = {
  'Configuration': configuration, 'Address Configuration': addressConfiguration, 'Webhook Configuration': webhookConfiguration,
  'Credential': credential, 'Service': service,
};
const ofService = {
  'Binding': binding, 'Service Configuration': serviceConfiguration, 'Service Notification': serviceNotification,
  'Service Webhook Configuration': serviceWebhookConfiguration,
};

/** The answer of one resource, by its name in operations.ts. */
export const answersOf = (family: Family): Readonly<Record<string, z.ZodType>> =>
  ({ ...answersOfFamily(family), ...(family === 'account' ? ofAccount : ofService) });

/** Resources with lists: the key of the items, and how many a page has at most. */
export const lists: Readonly<Record<string, { key: string; pageSizeMax: number }>> = {
  'Address Configuration': { key: 'address_configurations', pageSizeMax: 50 },
  'Conversation': { key: 'conversations', pageSizeMax: 100 },
  'Message': { key: 'messages', pageSizeMax: 100 },
  'Delivery Receipt': { key: 'delivery_receipts', pageSizeMax: 50 },
  'Participant': { key: 'participants', pageSizeMax: 100 },
  'Conversation Webhook': { key: 'webhooks', pageSizeMax: 5 },
  'Participant Conversation': { key: 'conversations', pageSizeMax: 50 },
  'Credential': { key: 'credentials', pageSizeMax: 100 },
  'Role': { key: 'roles', pageSizeMax: 50 },
  'Service': { key: 'services', pageSizeMax: 100 },
  'Binding': { key: 'bindings', pageSizeMax: 100 },
  'User': { key: 'users', pageSizeMax: 50 },
  'User Conversation': { key: 'conversations', pageSizeMax: 50 },
};
/** A page of this resource. */
export const listAnswerOf = (family: Family, resource: string): z.ZodType | undefined => {
  const list = lists[resource];
  const item = answersOf(family)[resource];
  return list && item && listOf(list.key, item);
};
