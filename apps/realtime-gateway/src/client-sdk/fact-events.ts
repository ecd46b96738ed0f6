/**
 * From facts of a conversation to the events of its objects. An event always carries the whole item, so what a fact only
 * changes is read as it is now; a later change then comes once more with its own id, and changes nothing.
 */
import type { MessageAdded, MessageDeleted, ParticipantAdded } from '@parley/domain/conversation/events';
import type { LogEvent } from '@parley/domain/event';
import type { ObjectEvent } from './object-subscription.js';
import { documentData, messageData, rosterData } from './sync-data.js';
import { documentUpdated, mapEvent, messageEvent, removedEvent } from './sync-events.js';
import type { ConversationPart } from './sync-names.js';
import type { SyncReads } from './sync-reads.js';

/** Which facts change which object. */
const about: Record<ConversationPart, ReadonlySet<string>> = {
  document: new Set(['ConversationUpdated', 'ConversationStateUpdated', 'MessageAdded', 'MessageDeleted', 'ConversationDeleted']),
  messages: new Set(['MessageAdded', 'MessageUpdated', 'MessageDeleted', 'DeliveryUpdated', 'ConversationDeleted']),
  roster: new Set(['ParticipantAdded', 'ParticipantUpdated', 'ParticipantRemoved', 'ConversationDeleted']),
};
export const concerns = (kind: ConversationPart, type: string): boolean => about[kind].has(type);

/** Told from the fact alone, the moment it is stored; undefined: something must be read (`eventsOf`). */
export function eventAtOnce(kind: ConversationPart, { type, position: id, conversation, data }: LogEvent): ObjectEvent | undefined {
  if (type === 'ConversationDeleted') return { id, frame: removedEvent(kind, conversation!, id) };
  // What kind of file each is, and how large those of carriers are, only the tables know.
  if (kind === 'messages' && type === 'MessageAdded' && !(data as MessageAdded).media?.length) return { id, frame: messageEvent('added', conversation!, id, (data as MessageAdded).index, addedMessage(data as MessageAdded)) };
  if (kind === 'messages' && type === 'MessageDeleted') return { id, frame: messageEvent('removed', conversation!, id, (data as MessageDeleted).index, {}) };
  if (kind === 'roster' && type === 'ParticipantAdded')
    return { id, frame: mapEvent('added', kind, conversation!, id, (data as ParticipantAdded).participantSid, addedParticipant(data as ParticipantAdded)) };
  if (kind === 'roster' && type === 'ParticipantRemoved') return { id, frame: mapEvent('removed', kind, conversation!, id, data['participantSid'] as string, {}) };
  return undefined;
}

/** In order; all of one conversation. `replay`: of a past that may have changed since, so only what is still there is shown. */
export async function eventsOf(reads: SyncReads, kind: ConversationPart, facts: readonly LogEvent[], replay?: number): Promise<ObjectEvent[]> {
  const wanted = facts.filter(({ type }) => concerns(kind, type));
  const last = wanted.at(-1);
  if (!last) return [];
  const conversation = last.conversation!;
  if (kind === 'document') {
    const row = last.type === 'ConversationDeleted' ? undefined : await reads.documentNow(conversation);
    const frame = row ? documentUpdated(conversation, last.position, documentData(row), replay) : removedEvent(kind, conversation, last.position);
    return [{ id: last.position, frame }];
  }
  const known = kind === 'messages' ? await messagesOf(reads, conversation, wanted) : await participantsOf(reads, wanted);
  const events: ObjectEvent[] = [];
  for (const fact of wanted) {
    const { type, position: id } = fact;
    if (type === 'ConversationDeleted' || type === 'MessageDeleted' || type === 'ParticipantRemoved') {
      const removed = Object.keys(fact.data).length === 0 ? undefined : eventAtOnce(kind, fact); // erased: the client learns of it when it reads
      if (removed) events.push(removed);
      continue;
    }
    const frame = known(fact, type === 'MessageAdded' || type === 'ParticipantAdded' ? 'added' : 'updated', replay);
    if (frame) events.push({ id, frame });
  }
  return events;
}

type Known = (fact: LogEvent, change: 'added' | 'updated', replay?: number) => Buffer | undefined;

async function messagesOf(reads: SyncReads, conversation: string, facts: readonly LogEvent[]): Promise<Known> {
  const rows = await reads.messagesNow(conversation, sidsIn(facts, 'messageSid'));
  return ({ position, data }, change, replay) => {
    const row = rows.get(data['messageSid'] as string);
    return row && messageEvent(change, conversation, position, row.index, messageData(row), replay);
  };
}

async function participantsOf(reads: SyncReads, facts: readonly LogEvent[]): Promise<Known> {
  const rows = await reads.rosterNow(sidsIn(facts, 'participantSid'));
  return ({ position, conversation, data }, change, replay) => {
    const row = rows.get(data['participantSid'] as string);
    return row && mapEvent(change, 'roster', conversation!, position, row.sid, rosterData(row), replay);
  };
}

const sidsIn = (facts: readonly LogEvent[], field: string): string[] => [...new Set(facts.map(({ data }) => data[field]).filter((sid) => typeof sid === 'string'))];

const addedMessage = (m: MessageAdded): object => messageData({
  index: m.index, sid: m.messageSid, author: m.author, participant_sid: m.participantSid, body: m.body, attributes: m.attributes, media: null,
  content_sid: m.contentSid, subject: m.subject, recipients: m.recipients.length || null, created_at: m.createdAt, updated_at: m.updatedAt, receipts: null,
});

const addedParticipant = (p: ParticipantAdded): object => rosterData({
  sid: p.participantSid, identity: p.identity, type: p.binding?.type ?? (p.group ? 'sms' : null), address: p.binding?.address ?? (p.group && 'address' in p.group ? p.group.address : null), attributes: p.attributes, role_sid: p.roleSid,
  last_read_message_index: null, last_read_timestamp: null, created_at: p.createdAt, updated_at: p.updatedAt,
});
