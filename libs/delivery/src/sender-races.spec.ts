/** Senders, connections and services that are deleted while somebody else says something of them: whoever is late is told what is missing. */
import { transaction } from '@parley/event-store/database';
import { Connections } from './connections.js';
import { DeliveryBench, until } from './delivery.testing.js';
import { MessagingServices } from './messaging-services.js';
import { noteOptOut } from './opt-outs.js';
import { SenderFault, Senders, type SenderRecord } from './senders.js';

let bench: DeliveryBench;
let senders: Senders;
let services: MessagingServices;
beforeAll(async () => {
  bench = await DeliveryBench.open();
  senders = new Senders(bench.db.pool);
  services = new MessagingServices(bench.db.pool);
});
beforeEach(() => bench.clear());
afterAll(() => bench.db.drop());

const connection = async () => (await new Connections({ pool: bench.db.pool, box: bench.db.box, privateAllowed: true }).create(bench.account, { carrier: 'simulator', credentials: {} })).sid;
const sender = async (address: string) => (await senders.create(bench.account, { address, connection: await connection() })) as SenderRecord;
const service = async () => (await services.create(bench.account, { friendlyName: 'Pool' })).sid;
/** Not asked inside the transaction, which sees one picture of all activity until it ends. */
const waits = async () => (await bench.db.pool.query('select 1 from pg_stat_activity where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0')).rowCount! > 0;

/** What comes of the work when, as it is under way, the statement removes what it is about. */
async function overtaken<T>(statement: string, sid: string, work: () => Promise<T>): Promise<T | Error> {
  let result: Promise<T | Error> | undefined;
  await transaction(bench.db.pool, async (tx) => {
    await tx.query(statement, [sid]);
    result = work().catch((error: Error) => error);
    await until(waits);
  });
  return (await result)!;
}
const [noConnection, noSender, noService] = ['delivery.connection', 'delivery.sender', 'delivery.messaging_service'].map((table) => `delete from ${table} where sid = $1`) as [string, string, string];

it('a sender of a connection that goes is refused, a new one and one that changes', async () => {
  const [first, second] = [await connection(), await connection()];
  const fault = new SenderFault('ConnectionSid', 'is no connection of the account');
  expect(await overtaken(noConnection, first, () => senders.create(bench.account, { address: '+15550100001', connection: first }))).toEqual(fault);
  const { sid } = await sender('+15550100002');
  expect(await overtaken(noConnection, second, () => senders.update(bench.account, sid, { connection: second }))).toEqual(fault);
});
it('a sender that goes changes nothing and joins no pool', async () => {
  const [pool, one, other] = [await service(), await sender('+15550100001'), await sender('+15550100002')];
  expect(await overtaken(noSender, one.sid, () => senders.update(bench.account, one.sid, { rate: 3 }))).toBeUndefined();
  expect(await overtaken(noSender, other.sid, () => services.addSender(bench.account, pool, other.sid))).toBeUndefined();
});
it('a service that goes takes no sender and gives none', async () => {
  const [first, second, one] = [await service(), await service(), await sender('+15550100001')];
  expect(await overtaken(noService, first, () => services.addSender(bench.account, first, one.sid))).toBeUndefined();
  await services.addSender(bench.account, second, one.sid);
  expect(await overtaken(noService, second, () => services.senderFor(bench.account, second, 'sms', '+15559990001'))).toBeUndefined();
});
it('of a pool that loses a sender another one is given', async () => {
  const [pool, one, other] = [await service(), await sender('+15550100001'), await sender('+15550100002')];
  for (const { sid } of [one, other]) await services.addSender(bench.account, pool, sid);
  expect(await overtaken(noSender, one.sid, () => services.senderFor(bench.account, pool, 'sms', '+15559990001'))).toBe(other.address);
});
it('a refusal that is taken back in the moment it was noted is answered as it was noted', async () => {
  const { address } = await sender('+15550100001');
  const person = { account: bench.account, channel: 'sms', sender: address, recipient: '+15550200001' };
  const { pool } = bench.db;
  const overtaking = { query: async (...statement: Parameters<typeof pool.query>) => {
    const answer: unknown = await pool.query(...statement);
    await pool.query('delete from delivery.opt_out');
    return answer;
  } } as typeof pool;
  expect(await noteOptOut(overtaking, person, 'agent')).toMatchObject({ ...person, reason: 'agent' });
});
