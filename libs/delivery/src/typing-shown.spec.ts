/** Typing at the carrier: to whom, by what, how often, and never at the cost of anything else. */
import { newSid } from '@parley/domain/sid';
import type { Carriers } from './carriers.js';
import { DeliveryBench, until } from './delivery.testing.js';
import { TypingShown } from './typing-shown.js';

const [sender, person] = ['whatsapp:+15550100100', 'whatsapp:+15550100002'];
let bench: DeliveryBench;
let shown: { providerMessageId: string; typing?: boolean }[];
let respond: (signal: AbortSignal) => Promise<void>;
let conversation: string;
let open: TypingShown[];
beforeAll(async () => { bench = await DeliveryBench.open(); });
afterAll(() => bench.db.drop());
beforeEach(async () => {
  await bench.clear();
  [shown, open, conversation, respond] = [[], [], newSid('CH'), async () => {}];
  const connection = newSid('CX');
  await bench.db.pool.query(`insert into delivery.connection (sid, account, carrier, credentials) values ($1, $2, 'whatsapp-cloud', '')`, [connection, bench.account]);
  await bench.db.pool.query(`insert into delivery.sender (sid, account, channel, address, connection) values ($1, $2, 'whatsapp', $3, $4)`, [newSid('XE'), bench.account, sender, connection]);
  await bench.db.pool.query('insert into model.address_binding (account, address, proxy_address, conversation_sid, participant_sid) values ($1, $2, $3, $4, $5)', [bench.account, person, sender, conversation, newSid('MB')]);
  await wrote('wamid.1', '2 hours');
  await wrote('wamid.2', '1 hour');
});
afterEach(() => Promise.all(open.map((typing) => typing.stop())));

async function wrote(id: string, ago: string): Promise<void> {
  await bench.db.pool.query(
    `insert into delivery.inbound_message (account, provider_message_id, channel, sender, recipient, conversation_sid, message_sid, received_at)
     values ($1, $2, 'whatsapp', $3, $4, $5, $6, now() - $7::interval)`, [bench.account, id, sender, person, conversation, newSid('IM'), ago]);
  await bench.db.pool.query(
    `insert into delivery.reply_window (account, channel, sender, recipient, last_inbound_at) values ($1, 'whatsapp', $2, $3, now() - $4::interval)
     on conflict (account, channel, sender, recipient) do update set last_inbound_at = excluded.last_inbound_at`, [bench.account, sender, person, ago]);
}
const policy = (given: object) => bench.db.pool.query('update delivery.sender set policy = $1', [given]);
function instance(shownMillis?: number): TypingShown {
  const adapter = { markRead: async (about: (typeof shown)[number], signal: AbortSignal) => { shown.push(about); await respond(signal); } };
  const typing = new TypingShown(bench.db.pool, { adapterFor: async () => adapter } as unknown as Carriers, 'whatsapp', shownMillis);
  open.push(typing);
  return typing;
}
/** Everything that was begun is over. */
const settled = async (typing: TypingShown) => { await typing.stop(); return shown.map(({ providerMessageId }) => providerMessageId); };

it('is shown by the newest message of the person', async () => {
  const typing = instance();
  typing.typed({ conversation });
  await until(() => shown.length === 1);
  expect(shown).toEqual([{ sender, providerMessageId: 'wamid.2', typing: true }]);
});
it('is shown once in so many seconds, whoever is told of it', async () => {
  const instances = [instance(), instance()];
  for (const typing of [...instances, ...instances]) typing.typed({ conversation });
  await until(() => shown.length === 1);
  for (const typing of instances) await settled(typing);
  const later = instance();
  later.typed({ conversation });
  expect(await settled(later)).toEqual(['wamid.2']);
  await bench.db.pool.query("update delivery.reply_window set typing_shown_at = now() - interval '21 seconds'");
  const next = instance();
  next.typed({ conversation });
  expect(await settled(next)).toEqual(['wamid.2', 'wamid.2']);
});
it.each([
  ['to somebody whose 24 hours are over', () => wrote('wamid.3', '24 hours')],
  ['where the owner does not want it', () => policy({ typing: false })],
  ['where the owner does not want that people see what was read', () => policy({ mark_read: false })],
  ['in a conversation without such a person', () => bench.db.pool.query('truncate model.address_binding')],
])('is not shown %s', async (_, prepare) => {
  await prepare();
  const typing = instance();
  typing.typed({ conversation });
  expect(await settled(typing)).toEqual([]);
});
it('a carrier that hangs is waited for by nobody', async () => {
  respond = (signal) => new Promise((_, reject) => { signal.addEventListener('abort', () => reject(new Error('cut off'))); });
  const typing = instance();
  typing.typed({ conversation });
  await until(() => shown.length === 1);
  await typing.stop();
  typing.typed({ conversation: newSid('CH') });
  expect(shown).toHaveLength(1);
});
