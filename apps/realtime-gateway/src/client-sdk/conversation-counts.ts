/**
 * How many messages and participants a conversation has, and how many messages its asker has not read. However long it is, a look costs
 * about the same: the messages are counted up to 100,000, beyond which those removed count too, the unread up to 10,000, as in REST.
 */
import type { Pool } from '@parley/event-store/database';

const COUNTED_MAX = 100_000;
const UNREAD_MAX = 10_000;
type Row = { messages: number; last: number | null; participants: number; joined: boolean; horizon: number | null; unread: number };

export class ConversationCounts {
  constructor(private readonly pool: Pool) {}

  async of(conversation: string, identity: string): Promise<{ joined: boolean; told: object }> {
    const { rows: [row] } = await this.pool.query<Row>({
      name: 'client-counts',
      text: `select (select count(*) from (select 1 from model.message where conversation_sid = $1 limit ${COUNTED_MAX + 1}) counted) as messages,
          (select max(index) from model.message where conversation_sid = $1) as last,
          (select count(*) from model.participant where conversation_sid = $1) as participants, p.sid is not null as joined, p.last_read_message_index as horizon,
          (select count(*) from (select 1 from model.message where conversation_sid = $1 and index > p.last_read_message_index limit ${UNREAD_MAX}) behind) as unread
        from (select 1) one left join model.participant p on p.conversation_sid = $1 and p.identity = $2`,
      values: [conversation, identity],
    });
    const { messages: counted, last, participants, joined, horizon, unread } = row!;
    const messages = counted > COUNTED_MAX ? last! + 1 : counted;
    return { joined, told: { messages_count: messages, participants_count: participants, last_read_message_index: horizon, unread_messages_count: horizon === null ? null : unread } };
  }
}
