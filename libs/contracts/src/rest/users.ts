/** Parameters of the User, User Conversation and Participant Conversation resources (API reference 1.10, 1.18 and 1.19). */
import { ADDRESS_CHARS_MAX } from '@parley/domain/address';
import { IDENTITY_CHARS_MAX, looksLikeUser, SYSTEM } from '@parley/domain/identity';
import { z } from 'zod';
import type { UpdateParticipant } from '../commands.js';
import { clearable, dateTime, fault, given, integer, jsonText, oneOf, sid, text } from './parameters.js';

const shared = {
  FriendlyName: clearable(256, 50003).optional(),
  Attributes: jsonText(4096).optional(),
  RoleSid: sid('RL', 50102).optional(),
};

export const createUser = z
  .object({
    ...shared,
    Identity: text(IDENTITY_CHARS_MAX, 50207).optional(),
  })
  .superRefine(({ Identity }, context) => {
    const code = Identity === undefined || Identity === '' ? 50204 : looksLikeUser(Identity) ? 50206 : Identity === SYSTEM ? 50203 : undefined;
    if (code !== undefined) context.addIssue({ code: 'custom', message: String(code) });
  })
  .transform((p) => ({ identity: p.Identity!, friendlyName: p.FriendlyName ?? null, attributes: p.Attributes ?? '{}', roleSid: p.RoleSid }));
export type CreateUser = z.output<typeof createUser>;

export const updateUser = z.object(shared).transform((p) =>
  given({ friendly_name: p.FriendlyName, attributes: p.Attributes, role_sid: p.RoleSid }));
export type UpdateUser = { friendly_name?: string | null; attributes?: string; role_sid?: string };

/** The literal `null`, or nothing, clears. */
const nothing = z.enum(['', 'null']).transform(() => null);
/** How far a participant has read. */
export const readHorizon = {
  LastReadMessageIndex: z.union([nothing, integer(0, 2_147_483_647, 50421)], fault(50421)).optional(),
  LastReadTimestamp: z.union([nothing, dateTime(50405)], fault(50405)).optional(),
};

export const updateUserConversation = z
  .object({ ...readHorizon, NotificationLevel: oneOf(['default', 'muted'], 50210).optional() })
  .transform((p) => ({
    notificationLevel: p.NotificationLevel,
    horizon: given({ lastReadMessageIndex: p.LastReadMessageIndex, lastReadTimestamp: p.LastReadTimestamp }) as UpdateParticipant,
  }));
export type UpdateUserConversation = { notificationLevel: 'default' | 'muted' | undefined; horizon: UpdateParticipant };

export const listParticipantConversations = z
  .object({
    Identity: text(IDENTITY_CHARS_MAX, 50207).min(1, fault(50204)).optional(),
    Address: text(ADDRESS_CHARS_MAX, 50407).min(1, fault(50411)).optional(),
  })
  .superRefine(({ Identity, Address }, context) => {
    if (Identity !== undefined && Address !== undefined) context.addIssue({ code: 'custom', message: '50451' });
    if (Identity === undefined && Address === undefined) context.addIssue({ code: 'custom', message: '20001', path: ['Identity or Address'] });
  });
export type ListParticipantConversations = z.output<typeof listParticipantConversations>;
