/**
 * Parameters of the Participant resource (API reference 1.7 and 3.4): a chat member has an Identity, everybody else an
 * Address and the ProxyAddress of ours that talks to it. In a group on phones (3.5) a phone has an Address alone, a member of ours a
 * ProjectedAddress.
 */
import { isGroupNumber } from '@parley/domain/conversation/group';
import { ADDRESS_CHARS_MAX, channelOf, channelOfProxy, type MessagingBinding } from '@parley/domain/address';
import { IDENTITY_CHARS_MAX, looksLikeUser, SYSTEM } from '@parley/domain/identity';
import { isSid } from '@parley/domain/sid';
import { z } from 'zod';
import type { UpdateParticipant } from '../commands.js';
import type { ErrorCode } from '../error-catalogue.js';
import { dateTime, fault, given, jsonText, sid, text } from './parameters.js';
import { readHorizon } from './users.js';

const shared = {
  DateCreated: dateTime(50308).optional(),
  DateUpdated: dateTime(50309).optional(),
  Attributes: jsonText(4096).optional(),
  RoleSid: sid('RL', 50109).optional(),
};
const identity = text(IDENTITY_CHARS_MAX, 50207).min(1, fault(50204))
  .refine((value) => !looksLikeUser(value), fault(50206)).refine((value) => value !== SYSTEM, fault(50203));

/** Undefined when the pair can talk to each other, else the documented code. */
export function bindingFault(address: string, proxyAddress: string): ErrorCode | undefined {
  if (address === '') return 50411;
  if (proxyAddress === '') return 50412;
  const channel = channelOf(address);
  if (channel === undefined) return 50407;
  if (isSid(proxyAddress, 'MG')) return undefined; // a messaging service: the gateway picks one of its senders
  const proxyChannel = channelOfProxy(proxyAddress);
  if (proxyChannel === undefined) return 50408;
  if (channel !== proxyChannel) return 50414;
  return address === proxyAddress ? 50409 : undefined;
}

export const createParticipant = z
  .object({
    ...shared,
    Identity: identity.optional(),
    'MessagingBinding.Address': text(ADDRESS_CHARS_MAX, 50407).optional(),
    'MessagingBinding.ProxyAddress': text(ADDRESS_CHARS_MAX, 50408).optional(),
    'MessagingBinding.ProjectedAddress': text(ADDRESS_CHARS_MAX, 50439).optional(),
  })
  .superRefine((p, context) => {
    const code = kindFault(p.Identity, p['MessagingBinding.Address'], p['MessagingBinding.ProxyAddress'],
      p['MessagingBinding.ProjectedAddress']);
    if (code !== undefined) context.addIssue({ code: 'custom', message: String(code) });
  })
  .transform((p) => {
    const [address, proxyAddress, projectedAddress] = [p['MessagingBinding.Address'], p['MessagingBinding.ProxyAddress'], p['MessagingBinding.ProjectedAddress']];
    const binding = address === undefined || proxyAddress === undefined ? null : bindingOf(address, proxyAddress);
    const group = projectedAddress !== undefined ? { projectedAddress } : address !== undefined && !binding ? { address } : undefined;
    return {
      identity: p.Identity ?? null, binding, ...(group && { group }), attributes: p.Attributes, roleSid: p.RoleSid,
      createdAt: p.DateCreated, updatedAt: p.DateUpdated,
    };
  });

function kindFault(identity?: string, address?: string, proxy?: string, projected?: string): ErrorCode | undefined {
  if (projected !== undefined) return address === undefined && proxy === undefined ? projectedFault(projected) : 50420;
  if (identity !== undefined) return address === undefined && proxy === undefined ? undefined : 50211;
  if (address === undefined && proxy === undefined) return 50204;
  // A phone in a group: by SMS alone.
  if (address && proxy === undefined && channelOf(address) === 'sms') return isGroupNumber(address) ? undefined : 50407;
  return bindingFault(address ?? '', proxy ?? '');
}

/** Whose number it is, the gateway finds out. */
const projectedFault = (projected: string): ErrorCode | undefined => (projected === '' ? 50434 : isGroupNumber(projected) ? undefined : 50439);

const bindingOf = (address: string, proxyAddress: string): MessagingBinding =>
  ({ type: channelOf(address)!, address, proxyAddress });

export const updateParticipant = z
  .object({
    ...shared,
    Identity: identity.optional(),
    'MessagingBinding.ProxyAddress': z.union([z.literal('null').transform(() => null),
      text(ADDRESS_CHARS_MAX, 50408).min(1, fault(50412))], fault(50408)).optional(),
    'MessagingBinding.ProjectedAddress': z.union([z.literal('null').transform(() => null), text(ADDRESS_CHARS_MAX, 50439)], fault(50439)).optional(),
    ...readHorizon,
  })
  .superRefine((p, context) => {
    const projected = p['MessagingBinding.ProjectedAddress'];
    const code = projected === undefined || projected === null ? undefined : projectedFault(projected);
    const both = projected !== undefined && p['MessagingBinding.ProxyAddress'] !== undefined;
    if (both || code !== undefined) context.addIssue({ code: 'custom', message: String(both ? 50420 : code) });
  })
  .transform((p): UpdateParticipant => given({
    identity: p.Identity, proxyAddress: p['MessagingBinding.ProxyAddress'], projectedAddress: p['MessagingBinding.ProjectedAddress'], attributes: p.Attributes, roleSid: p.RoleSid,
    lastReadMessageIndex: p.LastReadMessageIndex, lastReadTimestamp: p.LastReadTimestamp,
    createdAt: p.DateCreated, updatedAt: p.DateUpdated,
  }));
