/** What a sender may: its rate, its day, its regions; and who stands in for it. */
import type { InboundMessage } from '@parley/channel/inbound-event';
import { SendError } from '@parley/channel/send-error';
import { newSid } from '@parley/domain/sid';
import { Connections } from './connections.js';
import { DeliveryBench, until } from './delivery.testing.js';
import { DeliveryStore } from './delivery-store.js';
import { Dispatcher } from './dispatcher.js';
import { answerKeyword } from './keyword-answers.js';
import type { Lane } from './lane.js';
import { MessagingServices } from './messaging-services.js';
import { noteKeyword, optIn, optOut } from './opt-outs.js';
import { Receipts } from './receipts.js';
import { SendRate } from './send-rate.js';
import { Senders, type SenderInput, type SenderRecord } from './senders.js';

let bench: DeliveryBench;
let dispatcher: Dispatcher;
let connection: string;
beforeAll(async () => { bench = await DeliveryBench.open(); });
afterAll(() => bench.db.drop());
beforeEach(async () => {
  await bench.clear();
  const { db: { pool, box }, carriers, conversations } = bench;
  Object.assign(carriers, { definition: () => undefined });
  ({ sid: connection } = await new Connections({ pool, box, privateAllowed: true }).create(bench.account, { carrier: 'simulator', credentials: {} }));
  dispatcher = new Dispatcher({
    store: new DeliveryStore(pool, 'one'), carriers, receipts: new Receipts(pool, conversations), timeoutMillis: 1000, rate: new SendRate(),
    files: { urlOf: (sid) => sid },
  });
});
afterEach(() => dispatcher.stop());

const sender = async (address: string, more: Partial<SenderInput> = {}): Promise<SenderRecord> =>
  (await new Senders(bench.db.pool).create(bench.account, { address, connection, ...more })) as SenderRecord;
async function deliver(lane: Lane, body = 'hi') {
  const id = await bench.queue(lane, body, 200_000);
  dispatcher.wake(lane);
  return id;
}
const details = async (id: string) => (await bench.db.pool.query<{ sender: string; attempt: number; state: string; wait: number; tried: string[] | null }>(
  "select sender, attempt, state, extract(epoch from due_at - now())::float as wait, tried from delivery.delivery where delivery_id = $1", [id])).rows[0]!;
/** A messaging service with these senders, which gave the recipient its first one. */
async function poolOf(senders: SenderRecord[], recipient: string): Promise<void> {
  const services = new MessagingServices(bench.db.pool);
  const { sid } = await services.create(bench.account, { friendlyName: 'Pool' });
  for (const each of senders) await services.addSender(bench.account, sid, each.sid);
  expect(await services.senderFor(bench.account, sid, 'sms', recipient)).toBe(senders[0]!.address);
}

it('a sender in a hurry waits alone, and a wait is no attempt', async () => {
  await sender('+15550100001', { rate: 0.02 });
  await sender('+15550100002');
  const first = await deliver(bench.lane());
  await bench.reaches(first, 'accepted');
  const second = await deliver(bench.lane());
  await until(async () => { const { state, wait } = await details(second); return state === 'queued' && wait > 2; });
  expect(await details(second)).toMatchObject({ attempt: 0 });
  expect(await bench.attempts(second)).toEqual([]);
  await bench.reaches(await deliver(bench.lane(undefined, '+15550100002')), 'accepted');
});
it('a turn that comes soon is waited for', async () => {
  await sender('+15550100001', { rate: 20 });
  const began = performance.now();
  const ids = await Promise.all(Array.from({ length: 30 }, () => deliver(bench.lane())));
  for (const id of ids) await bench.reaches(id, 'accepted');
  expect(performance.now() - began).toBeGreaterThan(300);
});
it.each([[200, { dailyCap: 5 }], [200_000, { dailyCap: null }]])('a cap that is raised lets go what waited for tomorrow, or for its deadline in %i s', async (deadlineSeconds, changes) => {
  const { sid } = await sender('+15550100001', { dailyCap: 1 });
  await bench.reaches(await deliver(bench.lane()), 'accepted');
  const lane = bench.lane();
  const id = await bench.queue(lane, 'second', deadlineSeconds);
  dispatcher.wake(lane);
  await until(async () => { const { state, wait } = await details(id); return state === 'queued' && wait > 5; });
  const senders = new Senders(bench.db.pool);
  await senders.update(bench.account, sid, { rate: 50, dailyCap: 1 });
  expect((await details(id)).wait).toBeGreaterThan(5); // the day is as full as it was
  await senders.update(bench.account, sid, changes);
  dispatcher.wake(lane);
  await bench.reaches(id, 'accepted');
});
it('a sender with its day full goes on tomorrow; what did not leave does not count', async () => {
  await sender('+15550100001', { dailyCap: 2 });
  bench.carrier.respond = () => { bench.carrier.respond = () => {}; throw new SendError('rejected', 'permanent', { errorCode: 21211 }); };
  await bench.reaches(await deliver(bench.lane()), 'failed');
  for (const _ of [1, 2]) await bench.reaches(await deliver(bench.lane()), 'accepted');
  const third = await deliver(bench.lane());
  await until(async () => (await details(third)).wait > 0 && (await details(third)).state === 'queued');
  expect(bench.carrier.sent).toHaveLength(3);
  expect(await details(third)).toMatchObject({ attempt: 0 });
});
it('regions of the policy are kept to', async () => {
  await sender('+15550100001', { policy: { regions: ['+49', '+1555'] } });
  await bench.reaches(await deliver(bench.lane('+15550000001')), 'accepted');
  const refused = await deliver(bench.lane('+442071838750'));
  await bench.reaches(refused, 'failed');
  expect(await bench.row(refused)).toMatchObject({ error_code: 21408 });
});

describe('another sender of the pool', () => {
  it('goes on when the carrier refuses the sender, each once', async () => {
    const lane = bench.lane();
    const [a, b, c] = [await sender('+15550100001'), await sender('+15550100002'), await sender('+15550100003')];
    await poolOf([a!, b!, c!], lane.recipient);
    bench.carrier.respond = (delivery) => { if (delivery.sender !== c!.address) throw new SendError('invalid_sender', 'permanent', { errorCode: 21606 }); };
    const id = await deliver(lane);
    await bench.reaches(id, 'accepted');
    expect(bench.carrier.sent.map((each) => each.sender)).toEqual([a!.address, b!.address, c!.address]);
    expect(await details(id)).toMatchObject({ sender: c!.address, tried: [a!.address, b!.address] });
  });
  it('goes on when the day of the first is full', async () => {
    const lane = bench.lane();
    const [a, b] = [await sender('+15550100001', { dailyCap: 1 }), await sender('+15550100002')];
    await poolOf([a, b], lane.recipient);
    await bench.reaches(await deliver(lane, 'one'), 'accepted');
    await bench.reaches(await deliver(lane, 'two'), 'accepted');
    expect(bench.carrier.sent.map((each) => each.sender)).toEqual([a.address, b.address]);
  });
  it('is one that may write to where the person is, and that they have not refused', async () => {
    const lane = bench.lane('+442071838750');
    const [a, b, c, d] = [await sender('+15550100001'), await sender('+15550100002', { policy: { regions: ['+1'] } }), await sender('+15550100003'), await sender('+15550100004', { policy: { regions: ['+1', '+44'] } })];
    await poolOf([a, b, c, d], lane.recipient);
    await bench.db.pool.query("insert into delivery.opt_out (account, channel, sender, recipient) values ($1, 'sms', $2, $3)", [bench.account, c.address, lane.recipient]);
    bench.carrier.respond = (delivery) => { if (delivery.sender === a.address) throw new SendError('invalid_sender', 'permanent', { errorCode: 21606 }); };
    const id = await deliver(lane);
    await bench.reaches(id, 'accepted');
    expect(bench.carrier.sent.map((each) => each.sender)).toEqual([a.address, d.address]);
  });
  it('goes on where the first may not write, but nobody does where the conversation may not', async () => {
    const lane = bench.lane('+442071838751');
    const [a, b] = [await sender('+15550100001'), await sender('+15550100002')];
    await poolOf([a, b], lane.recipient);
    await new Senders(bench.db.pool).update(bench.account, a.sid, { policy: { regions: ['+1'] } });
    await bench.reaches(await deliver(lane), 'accepted');
    expect(bench.carrier.sent.map((each) => each.sender)).toEqual([b.address]);
    await bench.db.pool.query("insert into delivery.routing_policy (sid, account, policy) values ('RP1', $1, '{\"regions\":{\"deny\":[\"+44\"]}}')", [bench.account]);
    const refused = await deliver(lane);
    await bench.reaches(refused, 'failed');
    expect([await bench.row(refused), bench.carrier.sent.length]).toMatchObject([{ error_code: 21408 }, 1]);
  });
  it('is chosen for its region at first, too, and does not write to who refused the pool before it came', async () => {
    const services = new MessagingServices(bench.db.pool);
    const { sid } = await services.create(bench.account, { friendlyName: 'Regions' });
    const [a, b, c] = [await sender('+15550100001', { policy: { regions: ['+1'] } }), await sender('+15550100002'), await sender('+15550100003')];
    for (const one of [a, b]) await services.addSender(bench.account, sid, one.sid);
    expect([await services.senderFor(bench.account, sid, 'sms', '+442071838752'), await services.senderFor(bench.account, sid, 'sms', '+12025550101')]).toEqual([b.address, a.address]);
    await optOut(bench.db.pool, bench.lane('+12025550102', b.address), 'keyword');
    await services.addSender(bench.account, sid, c.sid);
    const refused = await deliver(bench.lane('+12025550102', c.address));
    await bench.reaches(refused, 'failed');
    expect(await bench.row(refused)).toMatchObject({ error_code: 21610 });
  });
  it('is not asked for who did not come by the service, nor when all have failed', async () => {
    const lane = bench.lane();
    const [a, b] = [await sender('+15550100001'), await sender('+15550100002')];
    await poolOf([a, b], lane.recipient);
    bench.carrier.respond = () => { throw new SendError('invalid_sender', 'permanent', { errorCode: 21606 }); };
    for (const id of [await deliver(lane), await deliver(bench.lane())]) {
      await bench.reaches(id, 'failed');
      expect(await bench.row(id)).toMatchObject({ error_code: 21606 });
    }
    expect(bench.carrier.sent).toHaveLength(3);
  });
});

describe('a keyword', () => {
  const said = (kind: InboundMessage['kind'], lane: Lane, more: Partial<InboundMessage> = {}): InboundMessage => ({
    kind, channel: 'sms', from: lane.recipient, to: lane.sender, providerMessageId: newSid('SM'), text: kind, media: [], inReplyTo: null, ...more,
  });
  const take = async (event: InboundMessage, again = 1) => {
    for (let i = 0; i < again; i++) await answerKeyword(bench.db.pool, bench.account, event, `x:${event.providerMessageId}`, await noteKeyword(bench.db.pool, bench.account, event));
  };
  const waiting = async () => (await bench.db.pool.query<{ body: string }>("select body from delivery.delivery where state = 'queued' and body is not null order by place")).rows.map(({ body }) => body);

  it('is answered once, also to who just refused, and shows no receipt', async () => {
    await sender('+15550100001', { policy: { opt_out: { help: 'Call us' } } });
    const lane = bench.lane();
    await take(said('opt_out', lane), 2);
    await take(said('opt_out', lane)); // again: nothing changed
    await take(said('help', lane), 2);
    expect(await waiting()).toEqual([expect.stringContaining('unsubscribed'), 'Call us']);
    dispatcher.wake(lane);
    await until(() => bench.carrier.sent.length === 2);
    const refused = await deliver(lane);
    await bench.reaches(refused, 'failed');
    expect(await bench.row(refused)).toMatchObject({ error_code: 21610 });
    await take(said('opt_in', lane));
    await take(said('opt_in', lane)); // YES to something else
    expect(await waiting()).toHaveLength(1);
    const { rows: [answer] } = await bench.db.pool.query<{ delivery_id: `DY${string}` }>("select delivery_id from delivery.delivery where body is not null and state = 'accepted' limit 1");
    await until(() => bench.played.reports.some(({ receiptSid }) => receiptSid === refused));
    const reports = bench.played.reports.length;
    await new Receipts(bench.db.pool, bench.conversations).apply(bench.account, {
      kind: 'status', channel: 'sms', from: lane.sender, to: lane.recipient, providerMessageId: 'SM', text: null, media: [], inReplyTo: null, status: 'delivered', deliveryId: answer!.delivery_id,
    });
    await until(async () => (await bench.row(answer!.delivery_id)).reported === 'delivered');
    expect(bench.played.reports).toHaveLength(reports);
  });
  it('is not answered when the carrier did, the policy says no, or the simulator speaks for the account', async () => {
    await sender('+15550100001', { policy: { opt_out: { answers: false } } });
    await sender('+15550100002', { policy: { opt_out: { stop: null } } });
    await sender('+15550100003');
    await take(said('opt_out', bench.lane()));
    await take(said('opt_out', bench.lane(undefined, '+15550100002')));
    await take(said('opt_out', bench.lane(undefined, '+15550100003'), { keywordAnswered: true }));
    await take(said('opt_out', bench.lane(undefined, '+15559999999')));
    expect(await waiting()).toEqual([]);
  });
  it('holds for all senders of the pool', async () => {
    const lane = bench.lane();
    await poolOf([await sender('+15550100001'), await sender('+15550100002')], lane.recipient);
    const other = { ...lane, sender: '+15550100002' };
    await take(said('opt_out', lane));
    await bench.reaches(await deliver(other), 'failed');
    expect(await optIn(bench.db.pool, other)).toBe(true);
    await bench.reaches(await deliver(lane), 'accepted');
    expect([await optOut(bench.db.pool, lane, 'agent'), await optOut(bench.db.pool, lane, 'agent')]).toEqual([true, false]);
  });
});
