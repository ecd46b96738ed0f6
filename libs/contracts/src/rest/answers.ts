/** Answers of the resources of both path families: their exact fields, and which may be null (API reference 1). */
import { z } from 'zod';
import {
  count, delivery, jsonInText, linksOf, serviceSid, sidOf, state, textOrNull, time, timers, urlOf, type Family,
} from './answer-fields.js';

const times = { date_created: time, date_updated: time };
const account = { account_sid: sidOf('AC') };
const email = z.strictObject({ email: z.strictObject({ projected_address: textOrNull, name: textOrNull }).optional() });

const conversationFields = {
  ...account, chat_service_sid: sidOf('IS'), messaging_service_sid: sidOf('MG').nullable(), sid: sidOf('CH'), friendly_name: textOrNull,
  unique_name: textOrNull, attributes: jsonInText, state, ...times, timers, bindings: email,
};
const conversationLinks = {
  participants: 'Conversations/{CH}/Participants', messages: 'Conversations/{CH}/Messages', webhooks: 'Conversations/{CH}/Webhooks',
};
const conversation = (family: Family) => z.strictObject({
  ...conversationFields, url: urlOf(family, 'Conversations/{CH}'), links: linksOf(family, { ...conversationLinks, export: 'Conversations/{CH}/Export' }),
});
/** As a conversation, but its `links` have no `export`. */
const conversationWithParticipants = (family: Family) => z.strictObject({
  ...conversationFields, url: urlOf(family, 'Conversations/{CH}'), links: linksOf(family, conversationLinks),
});

const media = z.strictObject({ sid: sidOf('ME'), size: count, content_type: z.string(), filename: textOrNull });
const message = (family: Family) => z.strictObject({
  ...account, ...serviceSid(family), conversation_sid: sidOf('CH'), sid: sidOf('IM'), index: count, author: z.string(), body: textOrNull,
  media: z.array(media).nullable(), attributes: jsonInText, participant_sid: sidOf('MB').nullable(), ...times, delivery: delivery.nullable(),
  url: urlOf(family, 'Conversations/{CH}/Messages/{IM}'), content_sid: sidOf('HX').nullable(),
  links: linksOf(family, {
    delivery_receipts: 'Conversations/{CH}/Messages/{IM}/Receipts', channel_metadata: 'Conversations/{CH}/Messages/{IM}/ChannelMetadata',
  }),
});
const receipt = (family: Family) => z.strictObject({
  ...account, ...serviceSid(family), conversation_sid: sidOf('CH'), message_sid: sidOf('IM'), sid: sidOf('DY'),
  channel_message_sid: z.string().regex(/^[A-Z]{2}[0-9a-f]{32}$/).nullable(), participant_sid: sidOf('MB').nullable(),
  status: z.enum(['read', 'failed', 'delivered', 'undelivered', 'sent']).nullable(), error_code: count, ...times,
  url: urlOf(family, 'Conversations/{CH}/Messages/{IM}/Receipts/{DY}'),
});

const binding = z.strictObject({
  type: z.string(), address: z.string().optional(), proxy_address: z.string().optional(), projected_address: z.string().optional(),
  name: textOrNull.optional(), level: textOrNull.optional(),
});
const participant = (family: Family) => z.strictObject({
  ...account, ...serviceSid(family), conversation_sid: sidOf('CH'), sid: sidOf('MB'), identity: textOrNull, attributes: jsonInText,
  messaging_binding: binding.nullable(), role_sid: sidOf('RL').nullable(), ...times, url: urlOf(family, 'Conversations/{CH}/Participants/{MB}'),
  last_read_message_index: count.nullable(), last_read_timestamp: time.nullable(),
});
const participantConversation = (family: Family) => z.strictObject({
  ...account, chat_service_sid: sidOf('IS'), participant_sid: sidOf('MB').nullable(), participant_user_sid: sidOf('US').nullable(),
  participant_identity: textOrNull,
  participant_messaging_binding: z.strictObject({
    address: textOrNull, proxy_address: textOrNull, type: textOrNull, level: textOrNull, name: textOrNull, projected_address: textOrNull,
  }).nullable(),
  conversation_sid: sidOf('CH'), conversation_unique_name: textOrNull, conversation_friendly_name: textOrNull, conversation_attributes: jsonInText,
  conversation_date_created: time, conversation_date_updated: time, conversation_created_by: textOrNull, conversation_state: state,
  conversation_timers: timers,
  links: linksOf(family, { participant: 'Conversations/{CH}/Participants/{MB}', conversation: 'Conversations/{CH}' }),
});

const conversationWebhook = (family: Family) => z.strictObject({
  ...account, ...serviceSid(family), conversation_sid: sidOf('CH'), sid: sidOf('WH'), target: z.enum(['webhook', 'trigger', 'studio']),
  url: urlOf(family, 'Conversations/{CH}/Webhooks/{WH}'),
  configuration: z.strictObject({
    url: textOrNull.optional(), method: z.enum(['get', 'post']).nullable().optional(), filters: z.array(z.string()).nullable().optional(),
    triggers: z.array(z.string()).nullable().optional(), flow_sid: sidOf('FW').nullable().optional(), replay_after: count.nullable().optional(),
  }),
  ...times,
});

const role = (family: Family) => z.strictObject({
  ...account, sid: sidOf('RL'), chat_service_sid: sidOf('IS'), friendly_name: textOrNull, type: z.enum(['conversation', 'service']),
  permissions: z.array(z.string()), ...times, url: urlOf(family, 'Roles/{RL}'),
});
const user = (family: Family) => z.strictObject({
  ...account, sid: sidOf('US'), chat_service_sid: sidOf('IS'), role_sid: sidOf('RL').nullable(), identity: textOrNull, friendly_name: textOrNull,
  attributes: jsonInText, is_online: z.boolean().nullable(), is_notifiable: z.boolean().nullable(), ...times, url: urlOf(family, 'Users/{US}'),
  links: linksOf(family, { user_conversations: 'Users/{US}/Conversations' }),
});
const userConversation = (family: Family) => z.strictObject({
  ...account, chat_service_sid: sidOf('IS'), conversation_sid: sidOf('CH'), unread_messages_count: count.nullable(),
  last_read_message_index: count.nullable(), participant_sid: sidOf('MB').nullable(), user_sid: sidOf('US'), friendly_name: textOrNull,
  conversation_state: state, timers, attributes: jsonInText, ...times, created_by: textOrNull, notification_level: z.enum(['default', 'muted']),
  unique_name: textOrNull, url: urlOf(family, 'Users/{US}/Conversations/{CH}'),
  links: linksOf(family, { participant: 'Conversations/{CH}/Participants/{MB}', conversation: 'Conversations/{CH}' }),
});

/** By the resource's name in operations.ts. */
export const answersOfFamily = (family: Family) => ({
  'Conversation': conversation(family),
  'Conversation with Participants': conversationWithParticipants(family),
  'Message': message(family),
  'Delivery Receipt': receipt(family),
  'Participant': participant(family),
  'Participant Conversation': participantConversation(family),
  'Conversation Webhook': conversationWebhook(family),
  'Role': role(family),
  'User': user(family),
  'User Conversation': userConversation(family),
});
