/**
 * From facts to the rows the API reads: pure, so that the append and a rebuild give the same result. Messages and the
 * conversations' activity travel as arrays of their own; everything else is an effect on one row, given as JSON.
 * A recorded fact is a fact: nothing here refuses one.
 */
import type { MessagingBinding } from '@parley/domain/address';
import type {
  ConversationCreated, ConversationEvent, ConversationUpdated, MessageAdded, MessageUpdated, ParticipantAdded, ParticipantUpdated,
} from '@parley/domain/conversation/events';
import { startOf } from '@parley/domain/conversation/timers';
import type { DeliveryEvent } from '@parley/domain/delivery/delivery';
import { registryEffect, type RegistryEvent } from '@parley/domain/registry-events';
import { int2Array, int4Array, textArray, textArrayOrNull, timestampArray } from './pg-arrays.js';

export type ProjectedEvent = ConversationEvent | DeliveryEvent | RegistryEvent;
/** `<table>+` inserts, `<table>~` lays the given fields over the row, `<table>-` removes it (model-schema.ts). */
export type Effect = { effect: string; row: Record<string, unknown> };

export const wholeSecond = (millis: number): number => millis - (millis % 1000);

/** Effects of every fact but MessageAdded. */
export function effectsOf(event: ProjectedEvent, account: string, conversation: string | null): Effect[] {
  switch (event.type) {
    case 'ConversationCreated': return [{ effect: 'conversation+', row: conversationRow(event.data, account) }];
    case 'ConversationUpdated':
      return [{ effect: 'conversation~', row: { sid: conversation, ...conversationChanges(event.data) } }];
    case 'ConversationStateUpdated': {
      const { from, to, updatedAt } = event.data;
      const timers = to === 'active' && { timers_from: updatedAt }; // they start anew
      const changed = { effect: 'conversation~', row: { sid: conversation, state: to, updated_at: updatedAt, ...timers } };
      // Closing frees every address pair (API reference 3.2), and the group's numbers.
      if (to === 'closed') return [changed, ...['address_binding-', 'group-'].map((effect) => ({ effect, row: { conversation_sid: conversation } }))];
      return from === 'initializing' ? [changed, groupOf(conversation)] : [changed];
    }
    case 'ConversationDeleted': return [{ effect: 'conversation-', row: { sid: conversation } }];
    case 'ParticipantAdded': {
      const { participantSid, binding, group } = event.data;
      const added = { effect: 'participant+', row: participantRow(event.data, account, conversation) };
      if (group) return [added, groupOf(conversation)];
      return binding ? [added, { effect: 'address_binding+', row: bindingRow(binding, participantSid, account, conversation) }] : [added];
    }
    case 'ParticipantUpdated': {
      const { participantSid, binding, group } = event.data;
      const changed = { effect: 'participant~', row: participantChanges(event.data) };
      if (group !== undefined) return [changed, groupOf(conversation)];
      if (!binding) return [changed];
      const row = { conversation_sid: conversation, participant_sid: participantSid, address: binding.address, proxy_address: binding.proxyAddress };
      return [changed, { effect: 'address_binding~', row }];
    }
    case 'ParticipantRemoved': {
      const { participantSid } = event.data;
      return [
        { effect: 'participant-', row: { sid: participantSid } },
        { effect: 'address_binding-', row: { conversation_sid: conversation, participant_sid: participantSid } },
        groupOf(conversation),
      ];
    }
    case 'MessageAdded': return [];
    case 'MessageUpdated': return [{ effect: 'message~', row: messageChanges(event.data, conversation) }];
    case 'MessageDeleted': {
      const { messageSid, index } = event.data;
      return [{ effect: 'message-', row: { conversation_sid: conversation, index, sid: messageSid } }];
    }
    case 'DeliveryUpdated': {
      const { receiptSid, conversationSid, messageSid, participantSid, channelMessageSid, status, errorCode, updatedAt } = event.data;
      return [{
        effect: 'receipt+',
        row: {
          sid: receiptSid, conversation_sid: conversationSid, message_sid: messageSid, participant_sid: participantSid,
          channel_message_sid: channelMessageSid, status, error_code: errorCode, created_at: updatedAt, updated_at: updatedAt,
        },
      }];
    }
    default: {
      const { table, change } = registryEffect(event.type)!;
      return [{ effect: `${table}${change}`, row: event.data }];
    }
  }
}

/** From the participants as they are then. */
const groupOf = (conversation: string | null): Effect => ({ effect: 'group~', row: { conversation_sid: conversation } });

function conversationRow(data: ConversationCreated, account: string): Record<string, unknown> {
  return {
    sid: data.conversationSid, account, chat_service_sid: data.chatServiceSid, messaging_service_sid: data.messagingServiceSid,
    friendly_name: data.friendlyName, unique_name: data.uniqueName, attributes: data.attributes, state: data.state,
    timer_inactive: data.timers.inactive ?? null, timer_closed: data.timers.closed ?? null,
    email_address: data.email.address ?? null, email_name: data.email.name ?? null, created_by: data.createdBy ?? null,
    created_at: data.createdAt, updated_at: data.updatedAt,
    last_activity_at: new Date(wholeSecond(Date.parse(data.createdAt))).toISOString(), timers_from: startOf(data.timers) ?? null,
  };
}

const conversationChanges = (data: ConversationUpdated): Record<string, unknown> => ({
  friendly_name: data.friendlyName, unique_name: data.uniqueName, attributes: data.attributes,
  messaging_service_sid: data.messagingServiceSid,
  ...(data.timers && {
    timer_inactive: data.timers.inactive ?? null, timer_closed: data.timers.closed ?? null, timers_from: startOf(data.timers),
  }),
  email_address: data.email?.address, email_name: data.email?.name, created_at: data.createdAt, updated_at: data.updatedAt,
});

const participantRow = (data: ParticipantAdded, account: string, conversation: string | null): Record<string, unknown> => ({
  sid: data.participantSid, account, conversation_sid: conversation, identity: data.identity,
  ...bindingColumns(data), attributes: data.attributes,
  role_sid: data.roleSid, created_at: data.createdAt, updated_at: data.updatedAt,
});

const participantChanges = (data: ParticipantUpdated): Record<string, unknown> => ({
  sid: data.participantSid, identity: data.identity, attributes: data.attributes, role_sid: data.roleSid,
  ...(data.binding && { address: data.binding.address, proxy_address: data.binding.proxyAddress }),
  ...(data.group !== undefined && bindingColumns({ binding: null, ...(data.group && { group: data.group }) })),
  last_read_message_index: data.lastReadMessageIndex, last_read_timestamp: data.lastReadTimestamp,
  created_at: data.createdAt, updated_at: data.updatedAt,
});

const bindingColumns = ({ binding, group }: Pick<ParticipantAdded, 'binding' | 'group'>): Record<string, unknown> => ({
  type: binding?.type ?? (group ? 'sms' : null), address: binding?.address ?? (group && 'address' in group ? group.address : null),
  proxy_address: binding?.proxyAddress ?? null, projected_address: group && 'projectedAddress' in group ? group.projectedAddress : null,
});

const bindingRow = (
  { address, proxyAddress }: MessagingBinding, participant: string, account: string, conversation: string | null,
): Record<string, unknown> => ({
  account, address, proxy_address: proxyAddress, conversation_sid: conversation, participant_sid: participant,
});

const messageChanges = (data: MessageUpdated, conversation: string | null): Record<string, unknown> => ({
  conversation_sid: conversation, index: data.index, author: data.author, participant_sid: data.participantSid, body: data.body,
  attributes: data.attributes, subject: data.subject, created_at: data.createdAt, updated_at: data.updatedAt,
});

/** The read-model arguments of one append, gathered group by group. */
export class ModelWrites {
  private readonly messages: { group: number; data: MessageAdded }[] = [];
  private readonly activity: { group: number; at: number }[] = [];
  private readonly effects: { group: number; effect: string; row: string }[] = [];

  /** `active(conversation, second)` tells whether that second of activity still has to be written. */
  constructor(private readonly active: (conversation: string, second: number) => boolean) {}

  /** `group` is the group's place in the append, from 1. */
  add(group: number, event: ProjectedEvent, account: string, conversation: string | null): void {
    if (event.type === 'MessageAdded' && conversation !== null) {
      this.messages.push({ group, data: event.data });
      const { messageSid: sid, content } = event.data;
      if (content) this.effects.push({ group, effect: 'message_content+', row: JSON.stringify({ sid, conversation_sid: conversation, content }) });
      const at = wholeSecond(Date.parse(event.data.createdAt));
      if (this.active(conversation, at)) this.activity.push({ group, at });
      return;
    }
    for (const { effect, row } of effectsOf(event, account, conversation))
      this.effects.push({ group, effect, row: JSON.stringify(row) });
  }

  /** In the order of the function's parameters m_*, a_*, x_*. */
  parameters(): (Buffer | null)[] {
    return [...this.messageParameters(), ...this.activityParameters(), ...this.effectParameters()];
  }

  private messageParameters(): (Buffer | null)[] {
    const m = this.messages;
    if (m.length === 0) return Array<null>(14).fill(null);
    const text = (pick: (data: MessageAdded) => string | null) => textArrayOrNull(m.map(({ data }) => pick(data)));
    return [
      int4Array(m.map(({ group }) => group)), int4Array(m.map(({ data }) => data.index)), text((d) => d.messageSid),
      text((d) => d.author), text((d) => d.participantSid), text((d) => d.body), text((d) => d.attributes),
      text((d) => d.media && JSON.stringify(d.media)), text((d) => d.contentSid), text((d) => d.subject),
      m.some(({ data }) => data.recipients.length > 0) ? int2Array(m.map(({ data }) => data.recipients.length || null)) : null,
      text((d) => d.source), timestampArray(m.map(({ data }) => Date.parse(data.createdAt))),
      timestampArray(m.map(({ data }) => Date.parse(data.updatedAt))),
    ];
  }

  private activityParameters(): (Buffer | null)[] {
    if (this.activity.length === 0) return [null, null];
    return [int4Array(this.activity.map(({ group }) => group)), timestampArray(this.activity.map(({ at }) => at))];
  }

  private effectParameters(): (Buffer | null)[] {
    const x = this.effects;
    if (x.length === 0) return [null, null, null];
    return [int4Array(x.map(({ group }) => group)), textArray(x.map(({ effect }) => effect)), textArray(x.map(({ row }) => row))];
  }
}
