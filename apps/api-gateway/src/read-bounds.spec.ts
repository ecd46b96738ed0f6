/** What a page costs does not depend on what it does not show: other states, closed years, a million unread messages. */
import { conversationsPage, type ConversationOrder } from './conversations.sql.js';
import { TestGateway } from './gateway.testing.js';
import { newSid } from '@parley/domain/sid';
import { userConversationBy } from './users.sql.js';

let gateway: TestGateway;
beforeAll(async () => { gateway = await TestGateway.start(); });
afterAll(() => gateway.stop());

const states = ['active', 'inactive', 'closed'] as const;
const many = 2000;

/** Rows that were read and thrown away; the ways of reading are those of reads.ts. */
async function wasted({ text, values }: { text: string; values: unknown[] }): Promise<number> {
  const client = await gateway.database.pool.connect();
  try {
    for (const way of ['seqscan', 'bitmapscan', 'hashjoin', 'mergejoin', 'sort']) await client.query(`set enable_${way} = off`);
    const { rows } = await client.query<{ 'QUERY PLAN': unknown }>(`explain (analyze, format json) ${text}`, values);
    return [...JSON.stringify(rows[0]!['QUERY PLAN']).matchAll(/"Rows Removed by Filter":(\d+)/g)].reduce((sum, [, rows]) => sum + Number(rows), 0);
  } finally {
    client.release(true);
  }
}

describe('conversations of one state', () => {
  it.each(states.flatMap((state) => (['last_activity_at', 'created_at'] as const).map((order) => [state, order] as [typeof state, ConversationOrder])))(
    '%s, by %s, are found among many others', async (state, order) => {
      const { account: { sid: account }, database: { pool } } = gateway;
      const service = newSid('IS');
      await pool.query(
        `insert into model.conversation (sid, account, chat_service_sid, attributes, state, created_at, updated_at, last_activity_at)
         select 'CH' || md5($2 || i), $1, $2, '{}', $3, '2026-01-01', '2026-01-01', '2026-01-01' from generate_series(1, $4) i`,
        [account, service, states.find((other) => other !== state), many]);
      await pool.query('analyze model.conversation');
      const page = conversationsPage(order, false, state)(account, service, '9999-12-31', 'CI', '0001-01-01', 51);
      expect(await wasted(page)).toBe(0);
    });
});

it('unread messages are counted to ten thousand', async () => {
  const { account: { sid: account, service }, database: { pool } } = gateway;
  const conversation = await gateway.conversation();
  await gateway.put('participant', { sid: newSid('MB'), account, conversation_sid: conversation, identity: 'ann', attributes: '{}', last_read_message_index: 1 });
  await pool.query(
    `insert into model.message (conversation_sid, index, sid, author, attributes, created_at, updated_at)
     select $1, i, 'IM' || md5($1 || i), 'system', '{}', '2026-01-01', '2026-01-01' from generate_series(0, 11000) i`, [conversation]);
  const { text, values } = userConversationBy('sid')(account, service, 'ann', conversation);
  expect((await pool.query<{ unread: number }>(text, values)).rows).toMatchObject([{ unread: 10_000 }]);
});
