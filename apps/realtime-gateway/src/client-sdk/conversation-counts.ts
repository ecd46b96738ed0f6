/** How many messages and participants a conversation has, and how many messages its asker has not read. */
import type { Pool } from '@parley/event-store/database';

type Row = { messages: number; participants: number; joined: boolean; horizon: number | null; unread: number };

export class ConversationCounts {
  constructor(private readonly pool: Pool) {}

  async of(conversation: string, identity: string): Promise<{ joined: boolean; told: object }> {
    const { rows: [row] } = await this.pool.query<Row>({
      name: 'client-counts',
      text: `select (select count(*) from model.message where conversation_sid = $1) as messages,
          (select count(*) from model.participant where conversation_sid = $1) as participants, p.sid is not null as joined, p.last_read_message_index as horizon,
          (select count(*) from model.message where conversation_sid = $1 and index > p.last_read_message_index) as unread
        from (select 1) one left join model.participant p on p.conversation_sid = $1 and p.identity = $2`,
      values: [conversation, identity],
    });
    const { messages, participants, joined, horizon, unread } = row!;
    return { joined, told: { messages_count: messages, participants_count: participants, last_read_message_index: horizon, unread_messages_count: horizon === null ? null : unread } };
  }
}
