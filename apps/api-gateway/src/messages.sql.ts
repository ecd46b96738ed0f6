/**
 * Reads of messages: one query each, which is also what knows whether the conversation exists, on this account and this
 * service. A page comes as one JSON column: parsing 20 rows of columns would cost the event loop twice as much.
 */
import type { Media } from '@parley/domain/conversation/events';
import { prepared } from './reads.js';

/** What came in by a carrier was not measured when its message was stored: what is known since then wins. */
const media = `case when m.media is not null then (
    select json_agg(json_build_object('sid', e.file->>'sid', 'size', coalesce(f.size, (e.file->>'size')::bigint),
      'contentType', coalesce(f.content_type, e.file->>'contentType'), 'filename', coalesce(f.filename, e.file->>'filename')) order by e.place)
      from json_array_elements(m.media::json) with ordinality e (file, place) left join media.media f on f.sid = e.file->>'sid') end`;

/** In the order of MessageRow. Receipts are counted only where somebody outside the chat got the message. */
const columns = `json_build_array(m.sid, m.index, m.author, m.participant_sid, m.body, m.attributes, ${media}, m.content_sid,
  m.created_at, m.updated_at, m.recipients, case when m.recipients is not null then (
    select json_build_array(
      count(*) filter (where r.status in ('sent', 'delivered', 'read')), count(*) filter (where r.status in ('delivered', 'read')),
      count(*) filter (where r.status = 'read'), count(*) filter (where r.status = 'failed'),
      count(*) filter (where r.status = 'undelivered'))
    from model.receipt r where r.message_sid = m.sid) end)`;

export type MessageRow = [
  sid: string, index: number, author: string, participantSid: string | null, body: string | null, attributes: string,
  media: Media[] | null, contentSid: string | null, createdAt: string, updatedAt: string, recipients: number | null,
  /** How many receipts reached sent, delivered, read, failed, undelivered. */
  receipts: readonly [number, number, number, number, number] | null,
];
/** `sid`: the conversation's, whatever it was named by. */
export type MessagesPage = { sid: string; page: MessageRow[] | null };

const page = (named: string, after: string, order: string) => `
  select c.sid, (
    select json_agg(${columns}) from (
      select * from model.message where conversation_sid = c.sid and index ${after} $4 order by index ${order} limit $5) m) as page
  from model.conversation c where c.account = $1 and c.chat_service_sid = $2 and ${named}`;

const bySid = 'c.sid = $3';
const byName = 'c.unique_name = $3';
const lists = {
  sid: {
    up: prepared('messages-up', page(bySid, '>', 'asc')), down: prepared('messages-down', page(bySid, '<', 'desc')),
  },
  name: {
    up: prepared('messages-up-by-name', page(byName, '>', 'asc')), down: prepared('messages-down-by-name', page(byName, '<', 'desc')),
  },
};
/** account, service, conversation, index from which (exclusive), rows at most. */
export const messagesPage = (by: 'sid' | 'name', ascending: boolean) => lists[by][ascending ? 'up' : 'down'];

const one = (named: string) => `
  select c.sid, (select json_build_array(${columns}) from model.message m where m.sid = $4 and m.conversation_sid = c.sid) as page
  from model.conversation c where c.account = $1 and c.chat_service_sid = $2 and ${named}`;
const fetches = { sid: prepared('message', one(bySid)), name: prepared('message-by-name', one(byName)) };
/** account, service, conversation, message. */
export const messageBySid = (by: 'sid' | 'name') => fetches[by];
