/**
 * What users may do (API reference, section 6): a role is a set of permissions; users have one of the service, participants
 * one of the conversation, and both together count. Every service starts with four roles.
 */
import type { RegistryEvent, ServiceRow } from './registry-events.js';
import { newSid } from './sid.js';

export const permissions = [
  'addParticipant', 'addNonChatParticipant', 'createConversation', 'deleteAnyMessage', 'deleteConversation', 'deleteOwnMessage',
  'editAnyMessage', 'editAnyMessageAttributes', 'editAnyParticipantAttributes', 'editAnyUserInfo', 'editConversationAttributes',
  'editConversationName', 'editNotificationLevel', 'editOwnMessage', 'editOwnMessageAttributes', 'editOwnParticipantAttributes',
  'editOwnUserInfo', 'joinConversation', 'leaveConversation', 'readChannelMetadata', 'removeParticipant', 'sendMediaMessage', 'sendMessage',
] as const;
export type Permission = (typeof permissions)[number];
export type RoleType = 'conversation' | 'service';

export type RoleRow = {
  sid: string;
  account: string;
  chat_service_sid: string;
  friendly_name: string;
  type: RoleType;
  permissions: Permission[];
  created_at: string;
  updated_at: string;
};

const serviceAdmin: Permission[] = [
  'createConversation', 'joinConversation', 'deleteConversation', 'editConversationAttributes', 'editConversationName', 'addParticipant',
  'removeParticipant', 'editAnyParticipantAttributes', 'editAnyMessage', 'deleteAnyMessage', 'editAnyMessageAttributes', 'editAnyUserInfo',
];
const serviceUser: Permission[] = ['createConversation', 'joinConversation', 'editOwnUserInfo'];
const channelAdmin: Permission[] = [
  'sendMessage', 'sendMediaMessage', 'leaveConversation', 'editNotificationLevel', 'addParticipant', 'removeParticipant',
  'deleteConversation', 'editConversationName', 'editConversationAttributes', 'editAnyParticipantAttributes', 'editAnyMessage',
  'editAnyMessageAttributes', 'deleteAnyMessage',
];
const channelUser: Permission[] = [
  'sendMessage', 'sendMediaMessage', 'leaveConversation', 'editNotificationLevel', 'editOwnParticipantAttributes', 'editOwnMessage',
  'deleteOwnMessage',
];

/** The four roles of a service whose row names three of them; the fourth, its admins', is nobody's default. */
export function defaultRoles(service: ServiceRow): RegistryEvent[] {
  const { account, sid: chat_service_sid, created_at, updated_at } = service;
  const role = (sid: string, friendly_name: string, type: RoleType, granted: Permission[]): RegistryEvent => {
    const data: RoleRow = { sid, account, chat_service_sid, friendly_name, type, permissions: granted, created_at, updated_at };
    return { type: 'RoleCreated', data };
  };
  return [
    role(newSid('RL'), 'service admin', 'service', serviceAdmin),
    role(service.default_chat_service_role_sid, 'service user', 'service', serviceUser),
    role(service.default_conversation_creator_role_sid, 'channel admin', 'conversation', channelAdmin),
    role(service.default_conversation_role_sid, 'channel user', 'conversation', channelUser),
  ];
}

/** A service comes with its roles: facts of one append, so there is never one without the other. */
export function newService(
  { sid, account, friendly_name, created_at, updated_at }: Pick<ServiceRow, 'sid' | 'account' | 'friendly_name' | 'created_at' | 'updated_at'>,
): RegistryEvent[] {
  const row: ServiceRow = {
    sid, account, friendly_name, default_chat_service_role_sid: newSid('RL'), default_conversation_role_sid: newSid('RL'),
    default_conversation_creator_role_sid: newSid('RL'), reachability_enabled: false, created_at, updated_at,
  };
  return [...defaultRoles(row), { type: 'ServiceCreated', data: row }];
}
