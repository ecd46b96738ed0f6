/** Events of synchronised objects as frames; the same bytes go to every client that has the object open. */
import { binaryFrame } from '../websocket-frame.js';
import { encodeFrame } from './frame-codec.js';
import { newId } from './client-session.js';
import { nameOf, sidOf, type ConversationPart, type ObjectType } from './sync-names.js';

export type Change = 'added' | 'updated' | 'removed';
const VERSION = 4;

/** `replay`: correlation id of the subscription request it answers. */
export function dataEvent(type: string, event: object, replay?: number): Buffer {
  return notification({ event_type: type, event_protocol_version: VERSION, ...(replay !== undefined && { correlation_id: replay }), event });
}

export function notification(payload: object, messageType = 'twilio.sync.event'): Buffer {
  return binaryFrame(encodeFrame({ method: 'notification', id: newId(), message_type: messageType, notification_ctx_id: '' }, JSON.stringify(payload)));
}

const dates = () => ({ date_created: new Date().toISOString(), date_expires: null });

export const documentUpdated = (conversation: string, id: number, data: object, replay?: number): Buffer =>
  dataEvent('document_updated', {
    id, document_sid: sidOf('document', conversation), document_unique_name: nameOf('document', conversation), document_revision: String(id), document_data: data, ...dates(),
  }, replay);

export const messageEvent = (change: Change, conversation: string, id: number, index: number, data: object, replay?: number): Buffer =>
  dataEvent(`list_item_${change}`, { id, list_sid: sidOf('messages', conversation), list_revision: String(id), ...item(id, data), item_index: index }, replay);

/** `of`: the SID of the conversation, or of the user, that the map belongs to. */
export const mapEvent = (change: Change, kind: 'roster' | 'mine' | 'info', of: string, id: number, key: string, data: object, replay?: number): Buffer =>
  dataEvent(`map_item_${change}`, { id, map_sid: sidOf(kind, of), map_revision: String(id), ...item(id, data), item_key: key }, replay);

const item = (id: number, data: object) => ({ item_url: '', item_revision: String(id), item_data: data, ...dates() });

/** The whole object is gone. */
export function removedEvent(kind: ConversationPart, conversation: string, id: number): Buffer {
  const type = kind === 'document' ? 'document' : kind === 'messages' ? 'list' : 'map';
  return dataEvent(`${type}_removed`, { id, [`${type}_sid`]: sidOf(kind, conversation), ...dates() });
}

type Subscribed = { object_sid: string; object_type: ObjectType | string };
export const established = (correlation: number, objects: (Subscribed & { last_event_id: number })[]): Buffer =>
  notification({
    event_type: 'subscription_established', correlation_id: correlation, event_protocol_version: VERSION, events: objects.map((object) => ({ ...object, replay_status: 'completed' })),
  });
export const canceled = (correlation: number, objects: Subscribed[]): Buffer =>
  notification({ event_type: 'subscription_canceled', correlation_id: correlation, event_protocol_version: VERSION, events: objects });
export const failed = (correlation: number, objects: Subscribed[]): Buffer =>
  notification({
    event_type: 'subscription_failed', correlation_id: correlation, event_protocol_version: VERSION,
    events: objects.map((object) => ({ ...object, error: { status: 404, code: 54100, message: 'Not found' } })),
  });
