/**
 * Group texting (API reference 3.5, channel facts 1.12): who may be in a group, what it is known by, and how a member's message goes out.
 * Three kinds of member: a phone (its address alone), a user behind a number of ours, a number of ours that nobody stands behind.
 */
import { DomainError } from '../domain-error.js';
import type { GroupBinding, Participant } from './events.js';

/** API reference 3.6. A carrier may take fewer. */
export const GROUP_MEMBERS_MAX = 10;
export type GroupMember = Participant & { group: GroupBinding };

/** A phone's number, or that of ours: what everybody else in the group sees. */
export const numberOf = (group: GroupBinding): string => ('address' in group ? group.address : group.projectedAddress);

/** Long codes of the US and Canada: no toll-free or premium numbers, and none of the islands that share their country code. */
const elsewhere = '242|246|264|268|284|340|345|441|473|649|658|664|670|671|684|721|758|767|784|787|809|829|849|868|869|876|900|939';
const longCode = new RegExp(`^\\+1(?!8(?:00|33|44|55|66|77|88)|${elsewhere})[2-9]\\d{9}$`);
export const isGroupNumber = (number: string): boolean => longCode.test(number);

/** The same for the same numbers, in whatever order and from whichever side they are seen. */
export const groupKey = (numbers: readonly string[]): string => [...new Set(numbers)].sort().join(',');

/** Throws when this participant cannot join those there are: a group and other ways of taking part do not mix. `max`: members its carrier takes. */
export function mustFitGroup({ binding, group }: Participant, members: readonly GroupMember[], participants: number, max: number): void {
  if (!group) {
    if (members.length > 0) throw new DomainError(binding ? 'proxy_address_cannot_be_added' : 'projected_address_missing');
    return;
  }
  if (members.length < participants) throw new DomainError('group_activation_failed');
  if (members.some((member) => numberOf(member.group) === numberOf(group))) throw new DomainError('group_participant_exists');
  if (members.length >= max) throw new DomainError('group_participant_limit_exceeded');
}

/** The number that `one` answers from, from now on; null: its removal is asked for. Throws when that cannot be. `max`: members its carrier takes. */
export function projectedAs(projectedAddress: string | null, one: Participant, members: readonly GroupMember[], participants: number, max: number): GroupBinding | null {
  const others = members.filter(({ participantSid }) => participantSid !== one.participantSid);
  const held = one.group !== undefined && 'projectedAddress' in one.group;
  if (projectedAddress === null) {
    // A user without a number has no place in a group, and a number without a user is nothing else.
    if (!held || one.identity === null || others.length > 0) throw new DomainError('projected_address_cannot_be_removed');
    return null;
  }
  if (one.binding || (one.group && !held) || others.length < participants - 1) throw new DomainError('projected_address_cannot_be_added');
  if (others.some((member) => numberOf(member.group) === projectedAddress)) throw new DomainError('group_participant_exists');
  if (others.length >= max) throw new DomainError('group_participant_limit_exceeded');
  return { projectedAddress };
}

/**
 * One send of the carrier to everybody else, phones first. undefined: the network has brought a phone's message to all of them already, or
 * there is no phone to bring it to.
 */
export function groupSend(members: readonly GroupMember[], author: GroupMember): { sender: string; phones: GroupMember[]; to: string[] } | undefined {
  if ('address' in author.group) return undefined;
  const others = members.filter((member) => member !== author);
  const phones = others.filter(({ group }) => 'address' in group);
  if (phones.length === 0) return undefined;
  const ours = others.filter(({ group }) => 'projectedAddress' in group);
  return { sender: author.group.projectedAddress, phones, to: [...phones, ...ours].map(({ group }) => numberOf(group)) };
}
