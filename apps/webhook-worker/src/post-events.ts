/** From a fact to its webhook event: the name, the rows it needs, the parameters (API reference 4.4). Pure. */
import type { PostEvent } from '@parley/contracts/webhook-events';
import type {
  ConversationCreated, ConversationStateUpdated, ConversationUpdated, MessageAdded, MessageUpdated, ParticipantAdded, ParticipantUpdated,
} from '@parley/domain/conversation/events';
import type { DeliveryEvent } from '@parley/domain/delivery/delivery';
import type { LogEvent } from '@parley/domain/event';
import type { WebhookMark } from '@parley/domain/webhook-mark';
import {
  common, conversationParameters, date, groupFields, messageParameters, openingParameters, participantParameters, present, userParameters,
  type ConversationFields, type MessageFields, type Parameters, type ParticipantFields, type UserFields,
} from '@parley/webhooks/event-parameters';

export const eventNames: Readonly<Record<string, PostEvent>> = {
  MessageAdded: 'onMessageAdded', MessageUpdated: 'onMessageUpdated', MessageDeleted: 'onMessageRemoved',
  ConversationCreated: 'onConversationAdded', ConversationUpdated: 'onConversationUpdated', ConversationDeleted: 'onConversationRemoved',
  ConversationStateUpdated: 'onConversationStateUpdated', ParticipantAdded: 'onParticipantAdded', ParticipantUpdated: 'onParticipantUpdated',
  ParticipantRemoved: 'onParticipantRemoved', UserCreated: 'onUserAdded', UserUpdated: 'onUserUpdated', DeliveryUpdated: 'onDeliveryUpdated',
};

export const markOf = ({ data }: Pick<LogEvent, 'data'>): Partial<WebhookMark> => (data['webhook'] as WebhookMark | undefined) ?? {};

/** What a REST call did without asking for webhooks has no mark; receipts and timers need none (API reference 4.2). */
export const isTold = ({ type, data }: LogEvent): boolean =>
  data['webhook'] !== undefined || type === 'DeliveryUpdated' || (type === 'ConversationStateUpdated' && data['reason'] === 'TIMER');

/** A read model's row by its SID: as it is now, or as it was before it was removed. */
export type Rows = { find(sid: string): Record<string, unknown> | undefined };

/** SIDs of the rows the event's parameters need beside its conversation's. */
export function neededRows({ type, data }: LogEvent): string[] {
  switch (type) {
    case 'MessageUpdated':
    case 'MessageDeleted': return [data['messageSid'] as string];
    case 'ParticipantUpdated':
    case 'ParticipantRemoved': return [data['participantSid'] as string];
    case 'UserUpdated': return [data['sid'] as string];
    case 'DeliveryUpdated': return [data['receiptSid'] as string, data['participantSid'] as string];
    default: return [];
  }
}

export function parametersOf(event: LogEvent, rows: Rows): Parameters {
  const mark = markOf(event);
  const name = eventNames[event.type]!;
  const row = event.conversation === null ? undefined : rows.find(event.conversation);
  const conversation: ConversationFields = {
    ...row, sid: event.conversation ?? undefined, chat_service_sid: mark.service ?? (row?.['chat_service_sid'] as string | undefined),
  };
  return { ...common(name, event.account, mark), ...ownParameters(event, mark, conversation, rows) };
}

function ownParameters(event: LogEvent, mark: Partial<WebhookMark>, conversation: ConversationFields, rows: Rows): Parameters {
  const { type, data } = event;
  switch (type) {
    case 'MessageAdded':
      return { ...without(messageParameters(added(data as MessageAdded), conversation), 'DateUpdated'), ...present({ MessagingServiceSid: conversation.messaging_service_sid }) };
    case 'MessageUpdated': {
      const message = rows.find(data['messageSid'] as string) as MessageFields | undefined;
      return messageParameters({ ...message, ...updatedMessage(data as MessageUpdated) }, conversation);
    }
    case 'MessageDeleted': {
      const { messageSid, index, deletedAt } = data as { messageSid: string; index: number; deletedAt: string };
      return { ...messageParameters({ ...rows.find(messageSid), sid: messageSid, index }, conversation), ...present({ DateRemoved: deletedAt }) };
    }
    case 'ConversationCreated': {
      const created = conversationParameters({ ...conversation, ...createdConversation(data as ConversationCreated) });
      return { ...created, ...(mark.opening && openingParameters({ ...mark.opening, body: mark.opening.body })) };
    }
    case 'ConversationUpdated': return conversationParameters({ ...conversation, ...updatedConversation(data as ConversationUpdated) });
    case 'ConversationDeleted': return { ...conversationParameters(conversation), ...present({ DateRemoved: data['deletedAt'] as string }) };
    case 'ConversationStateUpdated': {
      const { from, to, reason, updatedAt } = data as ConversationStateUpdated;
      return present({
        ConversationSid: conversation.sid, ChatServiceSid: conversation.chat_service_sid, MessagingServiceSid: conversation.messaging_service_sid,
        StateUpdated: updatedAt, StateFrom: from, StateTo: to, Reason: reason,
      });
    }
    case 'ParticipantAdded': return without(participantParameters(addedParticipant(data as ParticipantAdded), conversation), 'DateUpdated');
    case 'ParticipantUpdated': {
      const participant: ParticipantFields = { ...rows.find(data['participantSid'] as string), ...updatedParticipant(data as ParticipantUpdated) };
      return { ...participantParameters(participant, conversation), ...present({ LastReadMessageIndex: participant.last_read_message_index }) };
    }
    case 'ParticipantRemoved': {
      const { participantSid, removedAt } = data as { participantSid: string; removedAt: string };
      return { ...participantParameters({ ...rows.find(participantSid), sid: participantSid }, conversation), ...present({ DateRemoved: removedAt }) };
    }
    case 'UserCreated': return without(userParameters(data as UserFields), 'DateUpdated');
    case 'UserUpdated': return userParameters({ ...rows.find(data['sid'] as string), ...(data as UserFields) });
    default: return deliveryParameters(data as DeliveryEvent['data'], conversation, rows);
  }
}

function deliveryParameters(d: DeliveryEvent['data'], conversation: ConversationFields, rows: Rows): Parameters {
  const receipt = rows.find(d.receiptSid);
  const channel = rows.find(d.participantSid)?.['type'] as string | undefined;
  return present({
    Source: channel?.toUpperCase(), ConversationSid: d.conversationSid, ChatServiceSid: conversation.chat_service_sid, MessageSid: d.messageSid,
    DeliveryReceiptSid: d.receiptSid, ChannelMessageSid: d.channelMessageSid, ParticipantSid: d.participantSid, Status: d.status,
    ErrorCode: d.errorCode, DateCreated: date((receipt?.['created_at'] as string | undefined) ?? d.updatedAt), DateUpdated: d.updatedAt,
  });
}

function without(parameters: Parameters, name: string): Parameters {
  delete parameters[name];
  return parameters;
}

/** Without what a fact does not mention: laid over a row it must not cover it. */
function mentioned<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}

const added = (m: MessageAdded): MessageFields => ({
  sid: m.messageSid, index: m.index, author: m.author, participant_sid: m.participantSid, body: m.body, attributes: m.attributes,
  media: m.media && JSON.stringify(m.media), created_at: m.createdAt,
});
const updatedMessage = (m: MessageUpdated) => mentioned<MessageFields>({
  sid: m.messageSid, index: m.index, author: m.author, participant_sid: m.participantSid, body: m.body, attributes: m.attributes,
  created_at: m.createdAt, updated_at: m.updatedAt,
});
const createdConversation = (c: ConversationCreated): ConversationFields => ({
  sid: c.conversationSid, chat_service_sid: c.chatServiceSid, messaging_service_sid: c.messagingServiceSid, friendly_name: c.friendlyName,
  unique_name: c.uniqueName, attributes: c.attributes, state: c.state, created_at: c.createdAt, updated_at: c.updatedAt,
});
const updatedConversation = (c: ConversationUpdated) => mentioned<ConversationFields>({
  messaging_service_sid: c.messagingServiceSid, friendly_name: c.friendlyName, unique_name: c.uniqueName, attributes: c.attributes,
  created_at: c.createdAt, updated_at: c.updatedAt,
});
const addedParticipant = (p: ParticipantAdded): ParticipantFields => ({
  sid: p.participantSid, identity: p.identity, type: p.binding?.type ?? null, address: p.binding?.address ?? null,
  proxy_address: p.binding?.proxyAddress ?? null, ...(p.group && groupFields(p.group)), attributes: p.attributes, role_sid: p.roleSid, created_at: p.createdAt,
});
const updatedParticipant = (p: ParticipantUpdated) => mentioned<ParticipantFields>({
  sid: p.participantSid, identity: p.identity, proxy_address: p.binding?.proxyAddress, ...(p.group && groupFields(p.group)), attributes: p.attributes, role_sid: p.roleSid,
  last_read_message_index: p.lastReadMessageIndex, created_at: p.createdAt, updated_at: p.updatedAt,
});
