/**
 * Parameters of ConversationWithParticipants (API reference 1.9): those of a conversation, and up to ten participants, each
 * JSON text whose keys are the Participant resource's parameters in snake_case.
 */
import { z } from 'zod';
import type { AddParticipant, CreateConversation } from '../commands.js';
import { ApiError } from '../error-catalogue.js';
import { conversationFields, conversationOf } from './conversations.js';
import { fault, given, isStorable, parameters } from './parameters.js';
import { createParticipant } from './participants.js';

const PARTICIPANTS_MAX = 10;
const bindingKeys = { address: 'Address', proxy_address: 'ProxyAddress', projected_address: 'ProjectedAddress' } as const;

/** The form the same participant would be created with alone; undefined when it is no participant. */
function formOf(text: string): Record<string, string> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value) || !isStorable(value)) return undefined;
  const { identity, attributes, role_sid, messaging_binding = {} } = value;
  if (messaging_binding !== null && !isObject(messaging_binding)) return undefined;
  const form = given({
    Identity: identity ?? undefined, RoleSid: role_sid ?? undefined,
    // JSON inside JSON may come as it is.
    Attributes: isObject(attributes) ? JSON.stringify(attributes) : (attributes ?? undefined),
  }) as Record<string, unknown>;
  for (const [key, name] of Object.entries(bindingKeys)) {
    const part = messaging_binding?.[key];
    if (part !== undefined && part !== null) form[`MessagingBinding.${name}`] = part;
  }
  return Object.values(form).every((field) => typeof field === 'string') ? (form as Record<string, string>) : undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const participant = z.string().transform((text, context): AddParticipant => {
  const form = formOf(text);
  try {
    if (form) return parameters(createParticipant, form);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
  context.addIssue({ code: 'custom', message: '50424' });
  return z.NEVER;
});

export const createConversationWithParticipants = z
  .object({ ...conversationFields, Participant: z.array(participant).max(PARTICIPANTS_MAX, fault(50426)).optional() })
  .transform((p): Omit<CreateConversation, 'chatServiceSid'> => given({ ...conversationOf(p), participants: p.Participant }));
