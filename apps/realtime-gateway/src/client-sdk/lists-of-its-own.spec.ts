/** What the SDK asks for and the public API answers otherwise or not at all: content templates of the account, recipients by mail, counts. */
import { newSid } from '@parley/domain/sid';
import { type TestDatabase, testDatabase } from '@parley/event-store/database.testing';
import { ContentTemplates } from './content-templates.js';
import { ConversationCounts } from './conversation-counts.js';
import { MessageRecipients } from './message-recipients.js';

let database: TestDatabase;
beforeAll(async () => { database = await testDatabase(); });
afterAll(() => database?.drop());
const insert = (table: string, row: object) => database.pool.query(`insert into model.${table} select * from jsonb_populate_record(null::model.${table}, $1)`, [JSON.stringify(row)]);
const now = { created_at: '2026-01-02T03:04:05Z', updated_at: '2026-01-02T03:04:05Z' };

it('lists templates of the account page by page, with their approval', async () => {
  const of = { account: newSid('AC'), service: newSid('IS') };
  const sids = ['a', 'b', 'c'].map((end) => `HX${end.repeat(32)}`);
  for (const [i, sid] of sids.entries()) await insert('content_template', {
    sid, account: of.account, friendly_name: `template ${i}`, language: 'en', variables: { 1: 'you' }, types: { 'twilio/text': { body: 'Hello {{1}}' } },
    approval: i === 0 ? { name: 'hello', status: 'approved' } : null, ...now,
  });
  await insert('content_template', { sid: newSid('HX'), account: newSid('AC'), language: 'en', variables: {}, types: {}, ...now });
  const templates = new ContentTemplates(database.pool);
  const [first, second] = [await templates.page(of, undefined, '2'), await templates.page(of, sids[1], '2')] as [any, any];
  expect([first.templates.map(({ sid }: any) => sid), first.meta.next_token]).toEqual([sids.slice(0, 2), sids[1]]);
  expect([second.templates.map(({ sid }: any) => sid), second.meta.next_token]).toEqual([sids.slice(2), null]);
  expect(first.templates[0]).toMatchObject({
    friendly_name: 'template 0', variables: '{"1":"you"}', variants: { 'twilio/text': { body: 'Hello {{1}}' } }, approval_requests: { whatsapp: { status: 'approved' } }, date_created: '2026-01-02T03:04:05.000Z',
  });
  expect(first.templates[1].approval_requests).toEqual({ whatsapp: { status: 'unsubmitted' } });
});

it('tells who wrote a mail, who got it and who got a copy', async () => {
  const [account, conversation, ana, cleo] = [newSid('AC'), newSid('CH'), newSid('MB'), newSid('MB')];
  const recipients = new MessageRecipients(database.pool);
  for (const [sid, address] of [[ana, 'ana@example.com'], [cleo, 'cleo@example.com']] as const)
    await insert('participant', { sid, account, conversation_sid: conversation, type: 'email', address, proxy_address: 'us@example.com', attributes: '{}', ...now });
  const messages = [
    { author: 'ana@example.com', participant_sid: ana, attributes: JSON.stringify({ email: { from_name: 'Ana', cc: ['ben@example.com'] } }) }, { author: 'agent', participant_sid: null, attributes: '{}' },
    { author: 'agent', participant_sid: null, attributes: '{}' },
  ].map((message, index) => ({ index, sid: newSid('IM'), conversation_sid: conversation, ...now, ...message }));
  for (const message of messages) await insert('message', message);
  for (const [message, participant] of [[0, cleo], [2, ana], [2, cleo]] as const)
    await insert('receipt', { sid: newSid('DY'), conversation_sid: conversation, message_sid: messages[message]!.sid, participant_sid: participant, status: 'sent', error_code: 0, ...now });
  const list = async (params: Record<string, string>) => {
    const { message_recipients, meta } = (await recipients.page(conversation, new Map(Object.entries(params)))) as { message_recipients: any[]; meta: { next_token: string | null } };
    return { told: message_recipients.map(({ level, address, name }) => [level, address, name].join(' ').trim()), next: meta.next_token, sids: [...new Set(message_recipients.map(({ message_sid }) => message_sid as string))] };
  };
  const [first, third] = [['from ana@example.com Ana', 'to cleo@example.com', 'cc ben@example.com'], ['to ana@example.com', 'to cleo@example.com']];
  expect(await list({ MessageSid: messages[0]!.sid })).toEqual({ told: first, next: null, sids: [messages[0]!.sid] });
  expect(await list({ MessageSid: messages[1]!.sid })).toEqual({ told: [], next: null, sids: [] });
  expect(await list({ PageSize: '1' })).toMatchObject({ told: first, next: '0' });
  expect(await list({ PageSize: '1', PageToken: '0' })).toEqual({ told: third, next: null, sids: [messages[2]!.sid] });
  expect(await list({ PageToken: 'nonsense' })).toMatchObject({ told: [...first!, ...third!] });
});

it('counts the messages of a conversation, and of a very long one how many were said', async () => {
  const [account, conversation] = [newSid('AC'), newSid('CH')];
  const counts = new ConversationCounts(database.pool);
  const say = (from: number, to: number) => database.pool.query(
    "insert into model.message (conversation_sid, index, sid, author, attributes, created_at, updated_at) select $1, n, $1 || n, 'x', '{}', now(), now() from generate_series($2::int, $3::int) n", [conversation, from, to]);
  await insert('participant', { sid: newSid('MB'), account, conversation_sid: conversation, identity: 'alice', attributes: '{}', last_read_message_index: 1, ...now });
  await say(0, 9);
  await database.pool.query('delete from model.message where conversation_sid = $1 and index in (0, 5)', [conversation]);
  expect(await counts.of(conversation, 'alice')).toEqual({ joined: true, told: { messages_count: 8, participants_count: 1, last_read_message_index: 1, unread_messages_count: 7 } });
  expect(await counts.of(conversation, 'bob')).toMatchObject({ joined: false, told: { unread_messages_count: null } });
  await say(10, 100_100);
  expect((await counts.of(conversation, 'alice')).told).toMatchObject({ messages_count: 100_101, unread_messages_count: 10_000 });
});
