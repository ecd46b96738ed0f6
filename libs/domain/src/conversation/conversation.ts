/**
 * A conversation: its lifecycle, who takes part, the order of its messages. Messages themselves are not in the state,
 * only the next index, so deciding costs the same after ten messages and after ten million.
 */
import type { MessagingBinding } from '../address.js';
import type { Decider } from '../decider.js';
import { DomainError } from '../domain-error.js';
import type { MessageSid, ParticipantSid } from '../sid.js';
import type {
  ConversationCreated, ConversationEvent, ConversationState, ConversationUpdated, MessageAdded, MessageUpdated, Participant,
  ParticipantUpdated, Recipient, StateChangeReason, Timers,
} from './events.js';
import { GROUP_MEMBERS_MAX, groupSend, mustFitGroup, numberOf, projectedAs, type GroupMember } from './group.js';
import { deadlines, startOf, timerDeadlines } from './timers.js';

export type ConversationLimits = { participantsMax: number; nonChatParticipantsMax: number };
/** API reference 3.4: 1,000 participants, 50 of them not chat. */
export const defaultLimits: ConversationLimits = { participantsMax: 1000, nonChatParticipantsMax: 50 };

export type ConversationCommand =
  | { type: 'CreateConversation'; data: Omit<ConversationCreated, 'createdAt' | 'updatedAt'> & Dated & Together }
  | { type: 'UpdateConversation'; data: Omit<ConversationUpdated, 'updatedAt'> & { state?: ConversationState } & Dated }
  | { type: 'ChangeState'; data: { state: ConversationState; reason: StateChangeReason; now: string } }
  /** Does what a timer that has run out by `now` says; nothing when something was said in the meantime. */
  | { type: 'ApplyTimers'; data: { now: string } }
  | { type: 'DeleteConversation'; data: { now: string } }
  | { type: 'AddParticipant'; data: Participant & { limits: ConversationLimits } & OfCarrier & Dated }
  | { type: 'UpdateParticipant'; data: UpdateParticipant & OfCarrier & Dated }
  /** As a carrier says it of somebody outside the chat: only forward; nothing when he has left or all is over. */
  | { type: 'ReadUpTo'; data: { participantSid: ParticipantSid; index: number; now: string } }
  | { type: 'RemoveParticipant'; data: { participantSid: ParticipantSid; now: string } }
  /** `heldBy`: whoever has this address has the message already. */
  | { type: 'AddMessage'; data: NewMessage & Dated & { heldBy?: string } }
  | { type: 'UpdateMessage'; data: Omit<MessageUpdated, 'updatedAt' | 'participantSid'> & Dated }
  | { type: 'DeleteMessage'; data: { messageSid: MessageSid; index: number; now: string } };
/** `createdAt` and `updatedAt` are given only by imports; otherwise the time is `now`. */
type Dated = { now: string; createdAt?: string; updatedAt?: string };
/** Participants who join as the conversation is made: all of them, or there is no conversation. */
type Together = OfCarrier & { participants?: Participant[]; limits?: ConversationLimits; /** What opened it. */ message?: NewMessage };
/** Members of a group that its carrier takes; absent: as many as there may be. */
type OfCarrier = { groupMembersMax?: number };
export type NewMessage = Omit<MessageAdded, 'index' | 'participantSid' | 'recipients' | 'group' | 'createdAt' | 'updatedAt'>;
export type UpdateParticipant = Omit<ParticipantUpdated, 'updatedAt' | 'binding' | 'group'> & {
  /** Of a member of a group; null asks for its removal. */
  projectedAddress?: string | null;
  proxyAddress?: string | null;
  /** Where they are reached from now on: their number or id changed. */
  address?: string;
};

export type Conversation = {
  status: 'absent' | 'deleted' | ConversationState;
  chatServiceSid: string;
  timers: Timers;
  /** When something was last said, or the conversation made: the timers and the list order count from here. */
  lastActivityAt: string;
  /** When the timers were set or the conversation became active: they count from the later of the two. */
  timersFrom: string;
  nextIndex: number;
  participants: ReadonlyMap<ParticipantSid, Participant>;
  /** Author strings (identity or address) of the participants. */
  authors: ReadonlyMap<string, ParticipantSid>;
  /** Those outside the chat, in the order they joined. */
  recipients: readonly Recipient[];
  /** In a group everybody is one of these. */
  group: readonly GroupMember[];
  /** How far those outside the chat have read, as far as that is known. */
  readUpTo: ReadonlyMap<ParticipantSid, number>;
};

export const conversation: Decider<Conversation, ConversationCommand, ConversationEvent> = {
  initialState: {
    status: 'absent', chatServiceSid: '', timers: {}, lastActivityAt: '', timersFrom: '', nextIndex: 0,
    participants: new Map(), authors: new Map(), recipients: [], group: [], readUpTo: new Map(),
  },
  decide(command, state) {
    if (command.type === 'CreateConversation') {
      if (state.status !== 'absent') throw new DomainError('conflicting_modification');
      return createConversation(command.data);
    }
    if (state.status === 'absent' || state.status === 'deleted') throw new DomainError('conversation_not_found');
    if (command.type === 'DeleteConversation')
      return [{ type: 'ConversationDeleted', data: { deletedAt: command.data.now } }];
    if (state.status === 'closed') {
      if (command.type === 'ApplyTimers' || command.type === 'ReadUpTo') return [];
      if (command.type === 'ChangeState' && command.data.state === 'closed') return []; // a retry, not an error
      throw new DomainError('conversation_closed');
    }
    switch (command.type) {
      case 'UpdateConversation': return updateConversation(command.data, state);
      case 'ChangeState': return changeState(state, command.data.state, command.data.reason, command.data.now);
      case 'ApplyTimers': return applyTimers(state, command.data.now);
      case 'AddParticipant': return addParticipant(command.data, state);
      case 'UpdateParticipant': return updateParticipant(command.data, state);
      case 'ReadUpTo': {
        const { participantSid, index, now } = command.data;
        if (!state.participants.has(participantSid) || index <= (state.readUpTo.get(participantSid) ?? -1)) return [];
        return [{ type: 'ParticipantUpdated', data: { participantSid, lastReadMessageIndex: index, lastReadTimestamp: now, updatedAt: now } }];
      }
      case 'RemoveParticipant': {
        const { participantSid, now: removedAt } = command.data;
        const { identity } = participantOf(state, participantSid);
        return [{ type: 'ParticipantRemoved', data: { participantSid, ...(identity !== null && { identity }), removedAt } }];
      }
      case 'AddMessage': return addMessage(command.data, state);
      case 'UpdateMessage': {
        const { now, updatedAt = now, ...changes } = command.data;
        const author = changes.author === undefined ? {} : { participantSid: state.authors.get(changes.author) ?? null };
        return [{ type: 'MessageUpdated', data: { ...changes, ...author, updatedAt } }];
      }
      case 'DeleteMessage': {
        const { now: deletedAt, ...message } = command.data;
        return [{ type: 'MessageDeleted', data: { ...message, deletedAt } }];
      }
    }
  },
  evolve(state, { type, data }) {
    switch (type) {
      case 'ConversationCreated':
        return {
          ...state, status: data.state, chatServiceSid: data.chatServiceSid, timers: data.timers, lastActivityAt: data.createdAt,
          timersFrom: startOf(data.timers) ?? data.createdAt,
        };
      case 'ConversationUpdated':
        return data.timers ? { ...state, timers: data.timers, timersFrom: startOf(data.timers) ?? state.timersFrom } : state;
      case 'ConversationStateUpdated':
        return { ...state, status: data.to, timersFrom: data.to === 'active' ? data.updatedAt : state.timersFrom };
      case 'ConversationDeleted': return { ...conversation.initialState, status: 'deleted' };
      case 'ParticipantAdded': {
        const { createdAt: _created, updatedAt: _updated, ...participant } = data;
        return withRoster(state, new Map(state.participants).set(participant.participantSid, participant));
      }
      case 'ParticipantUpdated': {
        const known = state.participants.get(data.participantSid);
        if (!known) return state;
        const { participantSid, identity = known.identity, binding = known.binding } = data;
        const { attributes = known.attributes, roleSid = known.roleSid } = data;
        const group = data.group === undefined ? known.group : data.group;
        const changed = { participantSid, identity, binding, attributes, roleSid, ...(group && { group }) };
        const read = data.lastReadMessageIndex;
        const readUpTo = binding === null || read === undefined ? state.readUpTo : new Map(state.readUpTo).set(participantSid, read ?? -1);
        return { ...withRoster(state, new Map(state.participants).set(participantSid, changed)), readUpTo };
      }
      case 'ParticipantRemoved': {
        const participants = new Map(state.participants);
        participants.delete(data.participantSid);
        return withRoster(state, participants);
      }
      case 'MessageAdded': {
        // An imported message of long ago is no activity of today.
        const lastActivityAt = data.createdAt > state.lastActivityAt ? data.createdAt : state.lastActivityAt;
        return { ...state, nextIndex: data.index + 1, lastActivityAt };
      }
      case 'MessageUpdated':
      case 'MessageDeleted':
        return state;
    }
  },
};

/** What the roster implies is kept beside it, so that a message does not walk up to 1,000 participants. */
export function withRoster(state: Conversation, participants: ReadonlyMap<ParticipantSid, Participant>): Conversation {
  const authors = new Map<string, ParticipantSid>();
  const recipients: Recipient[] = [];
  const group: GroupMember[] = [];
  for (const participant of participants.values()) {
    const { participantSid, identity, binding } = participant;
    if (identity !== null) authors.set(identity, participantSid);
    if (participant.group) {
      group.push(participant as GroupMember);
      if (!authors.has(numberOf(participant.group))) authors.set(numberOf(participant.group), participantSid);
    }
    if (!binding) continue;
    if (!authors.has(binding.address)) authors.set(binding.address, participantSid);
    recipients.push({ participantSid, ...binding });
  }
  return { ...state, participants, authors, recipients, group };
}

type DataOf<T extends ConversationCommand['type']> = Extract<ConversationCommand, { type: T }>['data'];

function createConversation(data: DataOf<'CreateConversation'>): ConversationEvent[] {
  const { now, createdAt = now, updatedAt = createdAt, participants = [], limits = defaultLimits, groupMembersMax = GROUP_MEMBERS_MAX, message, ...fields } = data;
  if (fields.state === 'closed') throw new DomainError('initial_state_closed');
  const timers = deadlines(fields.timers, now);
  const created = (state: ConversationState): ConversationEvent =>
    ({ type: 'ConversationCreated', data: { ...fields, state, timers, createdAt, updatedAt } });
  if (participants.length === 0) return [created(fields.state)];
  const events = [created('initializing')];
  let state = conversation.evolve(conversation.initialState, events[0]!);
  for (const participant of participants) {
    const [added] = addParticipant({ ...participant, limits, groupMembersMax, now }, state);
    events.push(added!);
    state = conversation.evolve(state, added!);
  }
  if (message) {
    const added = messageAdded({ ...message, now }, state);
    events.push(added);
    state = conversation.evolve(state, added);
  }
  return [...events, ...changeState(state, fields.state, 'EVENT', now)];
}

function updateConversation(data: DataOf<'UpdateConversation'>, state: Conversation): ConversationEvent[] {
  const { now, updatedAt = now, state: to, ...changes } = data;
  const events: ConversationEvent[] = [];
  if (Object.values(changes).some((change) => change !== undefined) || data.updatedAt !== undefined) {
    const timers = changes.timers && { timers: deadlines({ ...state.timers, ...changes.timers }, now) };
    events.push({ type: 'ConversationUpdated', data: { ...changes, ...timers, updatedAt } });
  }
  return to === undefined ? events : [...events, ...changeState(state, to, 'API', now)];
}

function changeState(
  state: Conversation, to: ConversationState, reason: StateChangeReason, now: string,
): ConversationEvent[] {
  const from = state.status as ConversationState;
  return to === from ? [] : [{ type: 'ConversationStateUpdated', data: { from, to, reason, updatedAt: now } }];
}

/** Long overdue it is closed at once: what should have been inactive in between interests nobody any more. */
function applyTimers(state: Conversation, now: string): ConversationEvent[] {
  const from = Math.max(Date.parse(state.lastActivityAt), Date.parse(state.timersFrom) || 0);
  const due = timerDeadlines(state.status as ConversationState, state.timers, from);
  if (due.closed <= Date.parse(now)) return changeState(state, 'closed', 'TIMER', now);
  return due.inactive <= Date.parse(now) ? changeState(state, 'inactive', 'TIMER', now) : [];
}

function addParticipant(data: DataOf<'AddParticipant'>, state: Conversation): ConversationEvent[] {
  const { limits, groupMembersMax = GROUP_MEMBERS_MAX, now, createdAt = now, updatedAt = createdAt, ...participant } = data;
  const { identity, binding } = participant;
  const known = identity === null ? undefined : state.authors.get(identity);
  if (known && state.participants.get(known)?.identity === identity) throw new DomainError('participant_exists');
  if (binding && state.recipients.some((r) => samePair(r, binding))) throw new DomainError('address_pair_in_use');
  mustFitGroup(participant, state.group, state.participants.size, groupMembersMax);
  if (state.participants.size >= limits.participantsMax) throw new DomainError('participant_limit_exceeded');
  if (binding && state.recipients.length >= limits.nonChatParticipantsMax)
    throw new DomainError('non_chat_participant_limit_exceeded');
  return [{ type: 'ParticipantAdded', data: { ...participant, createdAt, updatedAt } }];
}

const samePair = (a: MessagingBinding, b: MessagingBinding) =>
  a.address === b.address && a.proxyAddress === b.proxyAddress;

function updateParticipant(data: DataOf<'UpdateParticipant'>, state: Conversation): ConversationEvent[] {
  const { now, updatedAt = now, proxyAddress, address, projectedAddress, groupMembersMax = GROUP_MEMBERS_MAX, ...changes } = data;
  const participant = participantOf(state, changes.participantSid);
  const { identity, binding } = participant;
  if (changes.identity !== undefined && changes.identity !== identity) mustTake(participant, changes.identity, state);
  if (projectedAddress !== undefined) {
    const group = projectedAs(projectedAddress, participant, state.group, state.participants.size, groupMembersMax);
    return [{ type: 'ParticipantUpdated', data: { ...changes, group, updatedAt } }];
  }
  if (address !== undefined) {
    if (!binding) throw new DomainError('proxy_address_cannot_be_added');
    return address === binding.address ? [] : [{ type: 'ParticipantUpdated', data: { ...changes, binding: { ...binding, address }, updatedAt } }];
  }
  if (proxyAddress === undefined) return [{ type: 'ParticipantUpdated', data: { ...changes, updatedAt } }];
  // Without its proxy an address pair could not be reached; the API refuses both directions (50440, 50441).
  if (proxyAddress === null) throw new DomainError('proxy_address_cannot_be_removed');
  if (!binding) throw new DomainError('proxy_address_cannot_be_added');
  const moved = { ...binding, proxyAddress };
  return [{ type: 'ParticipantUpdated', data: { ...changes, binding: moved, updatedAt } }];
}

/** A user may stand behind a number of ours in a group that nobody stands behind yet. */
function mustTake({ identity, group }: Participant, taken: string, state: Conversation): void {
  if (identity !== null || !group || !('projectedAddress' in group)) throw new DomainError('identity_cannot_be_added');
  if ([...state.participants.values()].some((other) => other.identity === taken)) throw new DomainError('participant_exists');
}

function participantOf(state: Conversation, sid: ParticipantSid): Participant {
  const participant = state.participants.get(sid);
  if (!participant) throw new DomainError('participant_not_found');
  return participant;
}

function addMessage(data: DataOf<'AddMessage'>, state: Conversation): ConversationEvent[] {
  if (state.status === 'initializing') throw new DomainError('conversation_initializing');
  const added = messageAdded(data, state);
  // Anything said wakes an inactive conversation (API reference 3.2, rule 6).
  return state.status === 'inactive' ? [...changeState(state, 'active', 'EVENT', data.now), added] : [added];
}

function messageAdded(data: DataOf<'AddMessage'>, state: Conversation): ConversationEvent {
  const { now, createdAt = now, updatedAt = createdAt, heldBy, ...message } = data;
  const participantSid = state.authors.get(message.author) ?? null;
  const audience = state.group.length > 0 ? inGroup(participantSid, state)
    : { recipients: state.recipients.length === 0 ? [] : recipientsOf(message, state).filter(({ address }) => address !== heldBy) };
  return { type: 'MessageAdded', data: { ...message, index: state.nextIndex, participantSid, ...audience, createdAt, updatedAt } };
}

/** A single phone is sent a message like any other; to more it goes once, to all of them. */
function inGroup(author: ParticipantSid | null, { group }: Conversation): Pick<MessageAdded, 'recipients' | 'group'> {
  const member = group.find(({ participantSid }) => participantSid === author);
  if (!member) throw new DomainError('author_not_in_group');
  const send = groupSend(group, member);
  if (!send) return { recipients: [] };
  const recipients = send.phones.map(({ participantSid, group: phone }): Recipient => ({ participantSid, type: 'sms', address: numberOf(phone), proxyAddress: send.sender }));
  return { recipients, group: send.to };
}

/** Everybody outside the chat but the author: an author string equal to an address leaves that participant out. */
const recipientsOf = ({ author }: NewMessage, { recipients, authors }: Conversation): Recipient[] =>
  recipients.filter((r) => r.address !== author && r.participantSid !== authors.get(author));
