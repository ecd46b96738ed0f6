/**
 * What a removal takes away and its webhook still tells (API reference 4.4): kept just before the command, in a table of the
 * webhooks, so that the log's fact stays free of content. Costs nothing when webhooks are not told of the command, and keeps
 * nothing where nobody would be told.
 */
import type { Caller } from '@parley/contracts/commands';
import type { Pool } from '@parley/event-store/database';

const insert = (table: string, conversation: string, webhooks: string) =>
  `insert into webhook.removed (sid, account, row, webhooks)
   select t.sid, $2, to_jsonb(t), ${webhooks} from model.${table} t where t.sid = $1
      and (exists (select 1 from model.webhook_configuration c where c.account = $2 and c.post_webhook_url is not null)
           or exists (select 1 from model.conversation_webhook w where w.conversation_sid = t.${conversation} and w.account = $2))
   on conflict (sid) do update set row = excluded.row, webhooks = excluded.webhooks, kept_at = now()`;
const statements = {
  message: insert('message', 'conversation_sid', `'[]'`),
  participant: insert('participant', 'conversation_sid', `'[]'`),
  conversation: insert('conversation', 'sid',
    `coalesce((select jsonb_agg(to_jsonb(w)) from model.conversation_webhook w where w.conversation_sid = t.sid and w.account = $2), '[]')`),
};

export async function keepForWebhooks(
  pool: Pick<Pool, 'query'>, { account, webhook }: Caller, table: 'conversation' | 'participant' | 'message', sid: string,
): Promise<void> {
  if (webhook) await pool.query({ name: `keep-${table}`, text: statements[table], values: [sid, account] });
}
