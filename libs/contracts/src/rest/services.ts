/** Parameters of Services, their configuration and their push notification texts (API reference 1.13, 1.15, 1.16). */
import { z } from 'zod';
import type { ErrorCode } from '../error-catalogue.js';
import { clearable, fault, flag, given, sid } from './parameters.js';

export const createService = z
  .object({ FriendlyName: z.string(fault(50000)).min(1, fault(50000)).max(256, fault(50003)) })
  .transform(({ FriendlyName }) => ({ friendlyName: FriendlyName }));
export type CreateService = z.output<typeof createService>;

const roleSid = (notFound: ErrorCode) => z.string().min(1, fault(50103)).pipe(sid('RL', notFound)).optional();

/** Which columns hold the default roles, of what type each must be, and the code of one that does not exist. */
export const defaultRoles = [
  ['default_conversation_creator_role_sid', 'conversation', 50106],
  ['default_conversation_role_sid', 'conversation', 50109],
  ['default_chat_service_role_sid', 'service', 50102],
] as const;

export const updateServiceConfiguration = z
  .object({
    DefaultConversationCreatorRoleSid: roleSid(50106),
    DefaultConversationRoleSid: roleSid(50109),
    DefaultChatServiceRoleSid: roleSid(50102),
    ReachabilityEnabled: flag(20001).optional(),
  })
  .transform((p) => given({
    default_conversation_creator_role_sid: p.DefaultConversationCreatorRoleSid, default_conversation_role_sid: p.DefaultConversationRoleSid,
    default_chat_service_role_sid: p.DefaultChatServiceRoleSid, reachability_enabled: p.ReachabilityEnabled,
  }));
export type ServiceConfigurationChanges = z.output<typeof updateServiceConfiguration>;

const onOff = flag(20001).optional();
/** The reference names no limits; these are far above what a push message can carry. */
const template = clearable(1024, 50058).optional();
const sound = clearable(256, 50059).optional();

/** Columns of the read model; a setting that was never given is null there and absent in answers. */
export const updateServiceNotification = z
  .object({
    LogEnabled: onOff,
    'NewMessage.Enabled': onOff,
    'NewMessage.Template': template,
    'NewMessage.Sound': sound,
    'NewMessage.BadgeCountEnabled': onOff,
    'NewMessage.WithMedia.Enabled': onOff,
    'NewMessage.WithMedia.Template': template,
    'AddedToConversation.Enabled': onOff,
    'AddedToConversation.Template': template,
    'AddedToConversation.Sound': sound,
    'RemovedFromConversation.Enabled': onOff,
    'RemovedFromConversation.Template': template,
    'RemovedFromConversation.Sound': sound,
  })
  .transform((p) => given({
    log_enabled: p.LogEnabled, new_message_enabled: p['NewMessage.Enabled'], new_message_template: p['NewMessage.Template'],
    new_message_sound: p['NewMessage.Sound'], new_message_badge_count_enabled: p['NewMessage.BadgeCountEnabled'],
    new_message_with_media_enabled: p['NewMessage.WithMedia.Enabled'], new_message_with_media_template: p['NewMessage.WithMedia.Template'],
    added_to_conversation_enabled: p['AddedToConversation.Enabled'], added_to_conversation_template: p['AddedToConversation.Template'],
    added_to_conversation_sound: p['AddedToConversation.Sound'], removed_from_conversation_enabled: p['RemovedFromConversation.Enabled'],
    removed_from_conversation_template: p['RemovedFromConversation.Template'], removed_from_conversation_sound: p['RemovedFromConversation.Sound'],
  }));
export type ServiceNotificationChanges = z.output<typeof updateServiceNotification>;
