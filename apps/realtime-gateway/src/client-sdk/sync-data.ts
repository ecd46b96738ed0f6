/** What stands inside the synchronised objects, in the SDK's own words (camelCase), made from rows of the read models. */
import type { Media } from '@parley/domain/conversation/events';
import { isoTime } from '@parley/event-store/database';
import { infoNameOfIdentity, nameOf } from './sync-names.js';

export type DocumentRow = {
  sid: string; friendly_name: string | null; unique_name: string | null; attributes: string; state: string; created_by: string | null;
  email_address: string | null; email_name: string | null; created_at: string; updated_at: string; timers_from: string | null;
  last_index: number | null; last_at: string | null;
};
export type MessageRow = {
  index: number; sid: string; author: string; participant_sid: string | null; body: string | null; attributes: string; media: (Media & { category: string })[] | null;
  content_sid: string | null; subject: string | null; recipients: number | null; created_at: string; updated_at: string;
  /** Receipts that reached sent, delivered, read, failed, undelivered. */
  receipts: readonly number[] | null;
};
export type RosterRow = {
  sid: string; identity: string | null; type: string | null; address: string | null; attributes: string; role_sid: string | null;
  last_read_message_index: number | null; last_read_timestamp: string | null; created_at: string; updated_at: string;
};
export type MineRow = { conversation: string; participant_sid: string; last_read_message_index: number | null; notification_level: string };
export type InfoRow = { sid: string; identity: string; friendly_name: string | null; attributes: string; updated_at: string; reachable: boolean; notifiable: boolean };

const iso = (time: string): string => isoTime(time);
/** The SDK takes text for JSON: attributes that are a text, or null, go as the JSON they are. */
const parsed = (attributes: string): unknown => {
  try {
    const value: unknown = JSON.parse(attributes);
    return typeof value === 'string' || value === null ? attributes : value;
  } catch {
    return {}; // stored before it was checked
  }
};

/**
 * When its state changed last. Of an active one that, or when its timers were set; a closed one changes no more. Of an inactive one its last
 * change, which is a little too late: the SDK shows another time as a change of the state.
 */
const stateSince = (c: DocumentRow): string => (c.state === 'active' ? (c.timers_from ?? c.created_at) : c.updated_at);

export const documentData = (c: DocumentRow): object => ({
  messages: nameOf('messages', c.sid), roster: nameOf('roster', c.sid), friendlyName: c.friendly_name, uniqueName: c.unique_name,
  attributes: parsed(c.attributes), createdBy: c.created_by ?? 'system', dateCreated: iso(c.created_at), dateUpdated: iso(c.updated_at),
  state: { current: c.state, dateUpdated: iso(stateSince(c)) },
  ...(c.last_index !== null && { lastMessage: { index: c.last_index, timestamp: iso(c.last_at!) } }),
  ...(c.email_address !== null && { bindings: { email: { projected_address: c.email_address, ...(c.email_name !== null && { name: c.email_name }) } } }),
});

const mediaData = ({ sid, category, contentType, filename, size }: Media & { category: string }): object => ({ sid, category, filename, contentType, size });

export function messageData(m: MessageRow): object {
  const media = m.media && m.media.length > 0 ? m.media : undefined;
  return {
    sid: m.sid, author: m.author, text: m.body, attributes: m.attributes, timestamp: iso(m.created_at), dateUpdated: iso(m.updated_at),
    lastUpdatedBy: null, type: media ? 'media' : 'text', memberSid: m.participant_sid, subject: m.subject, contentSid: m.content_sid,
    ...(media && { medias: media.map(mediaData), media: mediaData(media.find(({ category }) => category === 'media') ?? media[0]!) }), ...(m.recipients !== null && m.recipients > 0 && { delivery: deliveryData(m.recipients, m.receipts ?? []) }),
    channelMetadata: false,
  };
}

/** All six, or the SDK overlooks it. */
export function deliveryData(total: number, [sent = 0, delivered = 0, read = 0, failed = 0, undelivered = 0]: readonly number[]): object {
  const part = (count: number) => (count === 0 ? 'none' : count < total ? 'some' : 'all');
  return { total, sent: part(sent), delivered: part(delivered), read: part(read), failed: part(failed), undelivered: part(undelivered) };
}

export const rosterData = (p: RosterRow): object => ({
  identity: p.identity, type: p.type ?? 'chat', attributes: p.attributes, dateCreated: iso(p.created_at), dateUpdated: iso(p.updated_at),
  roleSid: p.role_sid, lastConsumedMessageIndex: p.last_read_message_index, lastConsumptionTimestamp: p.last_read_timestamp,
  ...(p.identity !== null && { userInfo: infoNameOfIdentity(p.identity) }),
  ...(p.type === 'email' && { bindings: { email: { name: '', address: p.address, level: 'to' } } }),
});

export const mineData = (m: MineRow): object => ({
  status: 'joined', channel: nameOf('document', m.conversation), messages: nameOf('messages', m.conversation), roster: nameOf('roster', m.conversation),
  lastConsumedMessageIndex: m.last_read_message_index, notificationLevel: m.notification_level,
});

/** By key. */
export const infoData = (u: InfoRow, online: boolean): Record<string, object> => ({
  attributes: { value: u.attributes }, friendlyName: { value: u.friendly_name },
  ...(u.reachable && { reachability: { online, notifiable: u.notifiable } }),
});
