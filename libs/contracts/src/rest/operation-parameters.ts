/** Which schema reads the form or the query of which operation: by resource name (operations.ts), as the controllers use them. */
import type { z } from 'zod';
import { createAddressConfiguration, listAddressConfigurations, updateAddressConfiguration } from './addresses.js';
import { listBindings } from './bindings.js';
import { updateConfiguration } from './configuration.js';
import { createConversationWithParticipants } from './conversation-with-participants.js';
import { createConversation, listConversations, updateConversation } from './conversations.js';
import { createCredential, updateCredential } from './credentials.js';
import { createMessage, listMessages, updateMessage } from './messages.js';
import { createParticipant, updateParticipant } from './participants.js';
import { createRole, updateRole } from './roles.js';
import { createService, updateServiceConfiguration, updateServiceNotification } from './services.js';
import { createUser, listParticipantConversations, updateUser, updateUserConversation } from './users.js';
import { createConversationWebhook, updateConversationWebhook, updateGlobalWebhooks, updateServiceWebhooks } from './webhooks.js';

export type ResourceParameters = { create?: z.ZodType; update?: z.ZodType; list?: z.ZodType };

export const resourceParameters: Readonly<Record<string, ResourceParameters>> = {
  'Configuration': { update: updateConfiguration },
  'Address Configuration': { create: createAddressConfiguration, update: updateAddressConfiguration, list: listAddressConfigurations },
  'Webhook Configuration': { update: updateGlobalWebhooks },
  'Conversation': { create: createConversation, update: updateConversation, list: listConversations },
  'Conversation with Participants': { create: createConversationWithParticipants },
  'Message': { create: createMessage, update: updateMessage, list: listMessages },
  'Participant': { create: createParticipant, update: updateParticipant },
  'Conversation Webhook': { create: createConversationWebhook, update: updateConversationWebhook },
  'Participant Conversation': { list: listParticipantConversations },
  'Credential': { create: createCredential, update: updateCredential },
  'Role': { create: createRole, update: updateRole },
  'Service': { create: createService },
  'Binding': { list: listBindings },
  'Service Configuration': { update: updateServiceConfiguration },
  'Service Notification': { update: updateServiceNotification },
  'Service Webhook Configuration': { update: updateServiceWebhooks },
  'User': { create: createUser, update: updateUser },
  'User Conversation': { update: updateUserConversation },
};

/** The operations that take `X-Twilio-Webhook-Enabled`: every change of these. */
export const webhookEnabled: ReadonlySet<string> = new Set(['Conversation', 'Conversation with Participants', 'Message', 'Participant', 'User']);
