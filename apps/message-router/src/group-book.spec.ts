/** Which number's report of a group is the one that is taken, when several of its numbers are ours. */
import { groupKey } from '@parley/domain/conversation/group';
import { newSid, type AccountSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { GroupBook } from './group-book.js';
import { GroupReports } from './group-reports.js';

const [ANN, BOB, DESK, SHOP] = ['+12025550101', '+12025550102', '+12025550190', '+12025550191'] as const;
const numbers = [ANN, BOB, DESK, SHOP];
let db: TestDatabase;
let account: AccountSid;
let conversationSid: string;
beforeAll(async () => { db = await testDatabase(); });
afterAll(() => db.drop());
/** The account of a group with two numbers of ours. */
beforeEach(async () => {
  [account, conversationSid] = [newSid('AC'), newSid('CH')];
  await db.pool.query("insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, '', $2, 'IS')", [account, db.box.seal('token')]);
  await db.pool.query('insert into model.group_conversation (conversation_sid, account, numbers) values ($1, $2, $3)', [conversationSid, account, groupKey(numbers)]);
  for (const projected of [DESK, SHOP])
    await db.pool.query(`insert into model.participant (sid, account, conversation_sid, projected_address, attributes, created_at, updated_at) values ($1, $2, $3, $4, '{}', now(), now())`,
      [newSid('MB'), account, conversationSid, projected]);
});

async function carries(carrier: string, address: string, capabilities: string[] | null = null): Promise<void> {
  const connection = newSid('CX');
  await db.pool.query("insert into delivery.connection (sid, account, carrier, credentials) values ($1, $2, $3, '')", [connection, account, carrier]);
  await db.pool.query("insert into delivery.sender (sid, account, channel, address, connection, capabilities) values ($1, $2, 'sms', $3, $4, $5)", [newSid('XE'), account, address, connection, capabilities]);
}
/** What becomes of Ann's message as each of our numbers reports it. */
const reports = () => Promise.all([DESK, SHOP].map(async (to) => {
  const place = await new GroupBook(db.pool, new GroupReports(db.pool, 60_000)).placeOf(account, {
    channel: 'sms', from: ANN, to, group: numbers.filter((number) => number !== ANN && number !== to), body: 'hello', media: null, providerMessageId: `played:${newSid('SM')}`, receivedAt: '',
  });
  return typeof place === 'object' ? 'taken' : place;
}));

it('is one of them', async () => {
  await carries('telnyx', DESK);
  await carries('bandwidth', SHOP);
  expect(await reports()).toEqual(['taken', 'told']);
});

it.each<[string, () => Promise<void>]>([
  ['was deleted', async () => {}],
  ['is with a carrier without groups now', () => carries('twilio', DESK)],
  ['takes no groups any more', () => carries('telnyx', DESK, ['sms'])],
])('is not waited for from a number that %s', async (_, before) => {
  await before();
  await carries('telnyx', SHOP);
  expect((await reports())[1]).toBe('taken');
});

it('is the first that came, when none of them should have', async () => {
  await carries('twilio', DESK);
  await carries('twilio', SHOP);
  expect((await reports()).toSorted()).toEqual(['taken', 'told']);
});
