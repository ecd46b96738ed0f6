/** Where mails go: by a real database, with conversations as the read models have them. */
import type { InboundMailThread, InboundMessage } from '@parley/contracts/commands';
import { newSid, type ConversationSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { MailBook } from './mail-book.js';
import { routeMail } from './mail-routing.js';

let db: TestDatabase;
let book: MailBook;
beforeAll(async () => { db = await testDatabase(); book = new MailBook(db.pool); });
afterAll(() => db.drop());

const account = newSid('AC');
const support = 'support@inbox.example.test';
const ana = 'Ana@example.com';
const mail = (more: Partial<InboundMailThread> = {}, from = 'ana@example.com', to = support): InboundMessage => ({
  channel: 'email', from, to, body: 'hi', media: null, attributes: '{"email":{"subject":"Order 17"}}', providerMessageId: 'smtp:<m@example.com>', receivedAt: '',
  email: { subject: 'Order 17', answers: [], others: [], ...more },
});
const route = (message: InboundMessage) => routeMail(book, account, message);

async function conversation({ state = 'active', address = ana } = {}): Promise<ConversationSid> {
  const sid = newSid('CH');
  const now = new Date().toISOString();
  await db.pool.query(
    `insert into model.conversation (sid, account, chat_service_sid, attributes, state, created_at, updated_at, last_activity_at)
     values ($1, $2, $3, '{}', $4, $5, $5, $5)`, [sid, account, newSid('IS'), state, now],
  );
  if (state !== 'closed') await db.pool.query(
    'insert into model.address_binding (account, address, proxy_address, conversation_sid, participant_sid) values ($1, $2, $3, $4, $5)', [account, address, support, sid, newSid('MB')],
  );
  return sid;
}
const known = (sid: ConversationSid, id: string) => db.pool.query(
  "insert into delivery.mail (account, conversation_sid, message_index, address, message_id, thread) values ($1, $2, 0, 'x', $3, '{}')", [account, sid, id],
);
const policy = (value: object) => db.pool.query('update delivery.sender set policy = $2 where account = $1', [account, value]);

beforeAll(async () => {
  await db.pool.query("insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, '', $2, 'IS')", [account, Buffer.from('x')]);
  const connection = newSid('CX');
  await db.pool.query("insert into delivery.connection (sid, account, carrier, credentials) values ($1, $2, 'smtp', '')", [connection, account]);
  await db.pool.query("insert into delivery.sender (sid, account, channel, address, connection) values ($1, $2, 'email', $3, $4)", [newSid('XE'), account, support, connection]);
});
beforeEach(async () => {
  await db.pool.query('truncate model.conversation, model.address_binding, delivery.mail');
  await policy({});
});

describe('a mail', () => {
  it('goes to the conversation of the address it was sent to, as the participant that conversation knows', async () => {
    const sid = await conversation();
    expect(await route(mail({ replyToken: sid }, 'ana@EXAMPLE.com', `reply+${sid}@inbox.example.test`))).toMatchObject({ conversation: sid, apart: false, message: { from: ana, to: support } });
  });
  it('goes to the conversation of the mail it answers, the newest first', async () => {
    const [older, newer] = [await conversation({ address: 'bob@example.com' }), await conversation()];
    await known(older, '<1@x>');
    await known(newer, '<2@x>');
    expect(await route(mail({ answers: ['<3@x>', '<2@x>', '<1@x>'] }))).toMatchObject({ conversation: newer, message: { from: ana } });
  });
  it('goes by its address pair when what it names is closed, or nothing', async () => {
    const closed = await conversation({ state: 'closed' });
    expect(await route(mail({ replyToken: closed }))).toMatchObject({ conversation: undefined, apart: false, message: { to: support } });
    expect(await route(mail({ answers: ['<unknown@x>'] }))).toMatchObject({ conversation: undefined, apart: false });
  });
  it('to an address of our making that names nothing goes on to our own', async () => {
    expect(await route(mail({}, 'new@example.com', 'reply+forged@inbox.example.test'))).toMatchObject({ conversation: undefined, message: { to: support } });
  });
  it('of somebody who is no participant has a conversation of its own, which says what it was about', async () => {
    const sid = await conversation();
    const { message, ...rest } = await route(mail({ replyToken: sid }, 'mallory@example.com', 'reply+x@inbox.example.test'));
    expect(rest).toEqual({ conversation: undefined, apart: false, join: [] });
    expect(message).toMatchObject({ from: 'mallory@example.com', to: support });
    expect(JSON.parse(message.attributes!)).toEqual({ email: { subject: 'Order 17', stranger: true, about: sid } });
  });
  it('of somebody else joins the conversation where that is wished', async () => {
    const sid = await conversation();
    await policy({ email: { strangers: 'join' } });
    expect(await route(mail({ replyToken: sid }, 'bob@example.com'))).toMatchObject({ conversation: sid, join: ['bob@example.com'] });
  });
  it('that is not from where it says stays apart from its participant', async () => {
    const sid = await conversation();
    const { message, ...rest } = await route(mail({ replyToken: sid, doubtful: true, others: [{ address: 'bob@example.com' }] }));
    expect(rest).toEqual({ conversation: undefined, apart: true, join: [] });
    expect(JSON.parse(message.attributes!)).toMatchObject({ email: { unverified: true, about: sid } });
  });
  it('brings others along where that is wished', async () => {
    const others = [{ address: 'bob@example.com', name: 'Bob' }];
    expect((await route(mail({ others }))).join).toEqual([]);
    await policy({ email: { copies: 'join' } });
    expect((await route(mail({ others }))).join).toEqual(['bob@example.com']);
  });
});

it('another channel goes by its address pair', async () => {
  const { email: _, ...sms } = { ...mail(), channel: 'sms' as const };
  expect(await route(sms)).toEqual({ message: sms, conversation: undefined, apart: false, join: [] });
});
