/** Whether somebody takes part in a conversation, where no subscription tells. */
import type { Principal } from '@parley/event-store/access-token';
import type { Pool } from '@parley/event-store/database';

/** In his account and service. Rejects when the database does not answer. */
export async function takesPart(pool: Pool, { account, identity, service }: Principal, conversation: string): Promise<boolean> {
  const { rows } = await pool.query({
    name: 'realtime-takes-part',
    text: `select 1 from model.participant p join model.conversation c on c.sid = p.conversation_sid and c.account = $1 and c.chat_service_sid = $4
      where p.account = $1 and p.identity = $3 and p.conversation_sid = $2`,
    values: [account, conversation, identity, service],
  });
  return rows.length > 0;
}
