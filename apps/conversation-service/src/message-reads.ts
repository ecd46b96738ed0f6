/** What commands on existing messages have to know of them. */
import type { MessageAdded } from '@parley/domain/conversation/events';
import { isoTime, type Pool } from '@parley/event-store/database';

/** The message's index in this conversation, undefined when it has no such message. */
export async function findMessage(pool: Pool, conversationSid: string, messageSid: string): Promise<number | undefined> {
  const { rows } = await pool.query<{ index: number }>({
    name: 'message-index', text: 'select index from model.message where sid = $1 and conversation_sid = $2',
    values: [messageSid, conversationSid],
  });
  return rows[0]?.index;
}

type Row = {
  sid: MessageAdded['messageSid']; index: number; author: string; participant_sid: MessageAdded['participantSid']; body: string | null;
  attributes: string; media: string | null; content_sid: string | null; subject: string | null; recipients: number | null;
  source: string | null; created_at: string; updated_at: string;
};

/** The message as its first answer gave it; recipients are only counted afterwards, so their number is kept, not their names. */
export async function findMessageFact(pool: Pool, conversationSid: string, messageSid: string): Promise<MessageAdded | undefined> {
  const { rows } = await pool.query<Row>('select * from model.message where sid = $1 and conversation_sid = $2', [messageSid, conversationSid]);
  const row = rows[0];
  return row && {
    messageSid: row.sid, index: row.index, author: row.author, participantSid: row.participant_sid, body: row.body,
    attributes: row.attributes, media: row.media === null ? null : (JSON.parse(row.media) as MessageAdded['media']),
    contentSid: row.content_sid, subject: row.subject, source: row.source,
    recipients: Array<MessageAdded['recipients'][number]>(row.recipients ?? 0),
    createdAt: isoTime(row.created_at), updatedAt: isoTime(row.updated_at),
  };
}
