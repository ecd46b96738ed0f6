/**
 * What a websocket client sees of a fact: the API's event name (API reference 4.1) and a resource with the REST API's field
 * names (docs/websocket.md). The stored format stays inside: recipients' addresses, streams of ours, future fields.
 */
import type {
  ConversationCreated, ConversationStateUpdated, ConversationUpdated, GroupBinding, Media, MessageAdded, MessageUpdated, ParticipantAdded,
  ParticipantUpdated, Timers,
} from '@parley/domain/conversation/events';
import type { DeliveryEvent } from '@parley/domain/delivery/delivery';
import type { LogEvent } from '@parley/domain/event';
import type { MessagingBinding } from '@parley/domain/address';

/** The frame's text; undefined for facts that clients are not told: erased ones, unreadable ones, and types they do not know. */
export function eventJson(event: LogEvent): string | undefined {
  const resource = event.erased || event.unreadable !== undefined ? undefined : resourceOf(event);
  if (resource === undefined) return undefined;
  return `{"type":"event","conversation":"${event.conversation}","position":${event.position},"version":${event.version
  },"time":"${event.recordedAt}","event":"${resource[0]}","data":{"account_sid":"${event.account}","conversation_sid":"${
    event.conversation}",${resource[1]}}}`;
}

/** The event's name, and its data as the inside of a JSON object. */
function resourceOf({ type, data }: LogEvent): [name: string, fields: string] | undefined {
  switch (type) {
    case 'MessageAdded': return ['onMessageAdded', messageAdded(data as MessageAdded)];
    case 'MessageUpdated': return ['onMessageUpdated', messageUpdated(data as MessageUpdated)];
    case 'MessageDeleted':
      return ['onMessageRemoved', inside({ sid: data.messageSid, index: data.index, date_removed: date(data.deletedAt as string) })];
    case 'ParticipantAdded': return ['onParticipantAdded', participantAdded(data as ParticipantAdded)];
    case 'ParticipantUpdated': return ['onParticipantUpdated', participantUpdated(data as ParticipantUpdated)];
    case 'ParticipantRemoved':
      return ['onParticipantRemoved', inside({ sid: data.participantSid, date_removed: date(data.removedAt as string) })];
    case 'ConversationCreated': return ['onConversationAdded', conversationCreated(data as ConversationCreated)];
    case 'ConversationUpdated': return ['onConversationUpdated', conversationUpdated(data as ConversationUpdated)];
    case 'ConversationStateUpdated': {
      const { from, to, reason, updatedAt } = data as ConversationStateUpdated;
      return ['onConversationStateUpdated', inside({ state: to, state_from: from, state_to: to, reason, date_updated: date(updatedAt) })];
    }
    case 'ConversationDeleted': return ['onConversationRemoved', inside({ date_removed: date(data.deletedAt as string) })];
    case 'DeliveryUpdated': return ['onDeliveryUpdated', delivery(data as DeliveryEvent['data'])];
    default: return undefined;
  }
}

/** By hand: nine of ten facts are messages. SIDs and times need no escaping. */
const messageAdded = (m: MessageAdded): string =>
  `"sid":"${m.messageSid}","index":${m.index},"author":${JSON.stringify(m.author)},"body":${JSON.stringify(m.body)},"media":${
    m.media === null ? 'null' : JSON.stringify(media(m.media))},"attributes":${JSON.stringify(m.attributes)},"participant_sid":${
    m.participantSid === null ? 'null' : `"${m.participantSid}"`},"content_sid":${JSON.stringify(m.contentSid)},"date_created":"${
    date(m.createdAt)}","date_updated":"${date(m.updatedAt)}"`;

const messageUpdated = (m: MessageUpdated): string => inside({
  sid: m.messageSid, index: m.index, author: m.author, body: m.body, attributes: m.attributes, participant_sid: m.participantSid,
  date_created: date(m.createdAt), date_updated: date(m.updatedAt),
});

const participantAdded = (p: ParticipantAdded): string => inside({
  sid: p.participantSid, identity: p.identity, messaging_binding: binding(p.binding, p.group), role_sid: p.roleSid, attributes: p.attributes,
  date_created: date(p.createdAt), date_updated: date(p.updatedAt), last_read_message_index: null, last_read_timestamp: null,
});

const participantUpdated = (p: ParticipantUpdated): string => inside({
  sid: p.participantSid, identity: p.identity, messaging_binding: p.binding === undefined && p.group === undefined ? undefined : binding(p.binding ?? null, p.group),
  role_sid: p.roleSid, attributes: p.attributes, last_read_message_index: p.lastReadMessageIndex,
  last_read_timestamp: p.lastReadTimestamp, date_created: date(p.createdAt), date_updated: date(p.updatedAt),
});

const conversationCreated = (c: ConversationCreated): string => inside({
  sid: c.conversationSid, chat_service_sid: c.chatServiceSid, messaging_service_sid: c.messagingServiceSid,
  friendly_name: c.friendlyName, unique_name: c.uniqueName, attributes: c.attributes, state: c.state, timers: timers(c.timers),
  date_created: date(c.createdAt), date_updated: date(c.updatedAt),
});

const conversationUpdated = (c: ConversationUpdated): string => inside({
  messaging_service_sid: c.messagingServiceSid, friendly_name: c.friendlyName, unique_name: c.uniqueName, attributes: c.attributes,
  timers: c.timers && timers(c.timers), date_created: date(c.createdAt), date_updated: date(c.updatedAt),
});

const delivery = (d: DeliveryEvent['data']): string => inside({
  sid: d.receiptSid, message_sid: d.messageSid, participant_sid: d.participantSid, channel_message_sid: d.channelMessageSid,
  status: d.status, error_code: d.errorCode, date_updated: date(d.updatedAt),
});

function binding(b: MessagingBinding | null, group: GroupBinding | null | undefined) {
  if (group) return { type: 'sms', ...('address' in group ? { address: group.address } : { projected_address: group.projectedAddress }) };
  return b && { type: b.type, address: b.address, proxy_address: b.proxyAddress };
}
const media = (files: Media[]) =>
  files.map(({ sid, size, contentType, filename }) => ({ sid, size, content_type: contentType, filename }));
const timers = ({ dateInactive, dateClosed }: Timers) => ({ date_inactive: date(dateInactive), date_closed: date(dateClosed) });

/** As the REST API writes dates: whole seconds. */
function date(iso: string): string;
function date(iso: string | undefined): string | undefined;
function date(iso: string | undefined) { return iso === undefined ? undefined : `${iso.slice(0, 19)}Z`; }

/** A JSON object without its braces; what is undefined is absent. */
const inside = (fields: Record<string, unknown>): string => JSON.stringify(fields).slice(1, -1);
