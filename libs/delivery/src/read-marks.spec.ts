/** Read marks at the carrier: once, again while that may help, and for chat members' reading alone. */
import { SendError } from '@parley/channel/send-error';
import { newSid } from '@parley/domain/sid';
import type { Carriers } from './carriers.js';
import { DeliveryBench } from './delivery.testing.js';
import { noteReadHorizons, ReadMarks } from './read-marks.js';

const [sender, person] = ['whatsapp:+15550100100', 'whatsapp:+15550100002'];
let bench: DeliveryBench;
let marked: string[];
let trouble: Error[];
let marks: ReadMarks;
let conversationSid: string;
let agent: string;
beforeAll(async () => { bench = await DeliveryBench.open(); });
afterAll(() => bench.db.drop());
beforeEach(async () => {
  await bench.clear();
  [marked, trouble, conversationSid, agent] = [[], [], newSid('CH'), newSid('MB')];
  const adapter = { markRead: async ({ providerMessageId }: { providerMessageId: string }) => {
    const error = trouble.shift();
    if (error) throw error;
    marked.push(providerMessageId);
  } };
  marks = new ReadMarks(bench.db.pool, { adapterFor: async () => adapter } as unknown as Carriers, 'whatsapp');
  await owned({ mark_read: true });
  await bench.db.pool.query(`insert into model.participant (sid, account, conversation_sid, identity, attributes, created_at, updated_at) values ($1, $2, $3, 'agent', '{}', now(), now())`, [agent, bench.account, conversationSid]);
  await bench.db.pool.query('insert into model.address_binding (account, address, proxy_address, conversation_sid, participant_sid) values ($1, $2, $3, $4, $5)', [bench.account, person, sender, conversationSid, newSid('MB')]);
  for (const index of [0, 1, 2]) {
    const message = newSid('IM');
    await bench.db.pool.query(`insert into model.message (conversation_sid, index, sid, author, body, attributes, created_at, updated_at) values ($1, $2, $3, $4, '', '{}', now(), now())`, [conversationSid, index, message, person]);
    await bench.db.pool.query('insert into delivery.inbound_message (account, provider_message_id, channel, sender, recipient, conversation_sid, message_sid) values ($1, $2, $3, $4, $5, $6, $7)',
      [bench.account, `wamid.${index}`, 'whatsapp', sender, person, conversationSid, message]);
  }
});

async function owned(policy: object): Promise<void> {
  const connection = newSid('CX');
  await bench.db.pool.query('delete from delivery.sender where account = $1', [bench.account]);
  await bench.db.pool.query(`insert into delivery.connection (sid, account, carrier, credentials) values ($1, $2, 'whatsapp-cloud', '')`, [connection, bench.account]);
  await bench.db.pool.query(`insert into delivery.sender (sid, account, channel, address, connection, policy) values ($1, $2, 'whatsapp', $3, $4, $5)`, [newSid('XE'), bench.account, sender, connection, policy]);
}
const read = async (index: number, participantSid = agent) => {
  const client = await bench.db.pool.connect();
  try { await noteReadHorizons(client, [{ conversationSid, participantSid, index }]); } finally { client.release(); }
};
const left = async () => (await bench.db.pool.query('select 1 from delivery.read_mark')).rowCount;

it('the newest message that was read stands for those before it', async () => {
  await read(0);
  await read(1);
  await marks.work();
  await marks.work();
  expect([marked, await left()]).toEqual([['wamid.1'], 0]);
});
it('is tried again later, unless there is no hope', async () => {
  trouble = [new SendError('unreachable', 'retryable')];
  await read(2);
  await marks.work();
  expect([marked, await left()]).toEqual([[], 1]);
  await bench.db.pool.query('update delivery.read_mark set due_at = now()');
  await marks.work();
  expect([marked, await left()]).toEqual([['wamid.2'], 0]);
  trouble = [new SendError('rejected', 'permanent')];
  await read(2);
  await marks.work();
  expect([marked, await left()]).toEqual([['wamid.2'], 0]);
});
it('nobody is told of what people outside read, or when the owner does not want it', async () => {
  await read(2, newSid('MB'));
  await owned({});
  await read(2);
  expect(await left()).toBe(0);
});
