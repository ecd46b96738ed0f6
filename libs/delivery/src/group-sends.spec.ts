import { SendError } from '@parley/channel/send-error';
import type { DeliveryReceipt } from '@parley/channel/inbound-event';
import { newSid, type ReceiptSid } from '@parley/domain/sid';
import { replayDeadLetters } from './dead-letters.js';
import { DeliveryBench, until } from './delivery.testing.js';
import { DeliveryStore } from './delivery-store.js';
import type { Dispatcher } from './dispatcher.js';
import type { GroupMembers } from './group-sends.js';
import type { Receipts } from './receipts.js';

const [ANN, BOB, EVE, DESK, SHOP] = ['+12025550101', '+12025550102', '+12025550103', '+12025550190', '+12025550191'] as const;
let bench: DeliveryBench;
let dispatcher: Dispatcher;
let receipts: Receipts;
beforeAll(async () => { bench = await DeliveryBench.open(); });
afterAll(() => bench.db.drop());
beforeEach(async () => {
  await bench.clear();
  ({ dispatcher, receipts } = bench.dispatching());
});
afterEach(() => dispatcher.stop());

const lane = (recipient: string = ANN) => bench.lane(recipient, DESK);
/** A message to Ann, Bob, Eve and the shop; by phone. */
async function queued(body = 'hello'): Promise<Record<string, ReceiptSid>> {
  const deliveryId = await bench.queue(lane(), body);
  const phones: GroupMembers['phones'] = [ANN, BOB, EVE].map((recipient, i) => ({ deliveryId: i === 0 ? deliveryId : newSid('DY'), participantSid: newSid('MB'), recipient }));
  await bench.db.pool.query('update delivery.delivery set group_members = $2 where delivery_id = $1', [deliveryId, { numbers: [ANN, BOB, EVE, SHOP], phones }]);
  return Object.fromEntries(phones.map((phone) => [phone.recipient, phone.deliveryId]));
}
const report = (deliveryId: ReceiptSid, recipient: string, status: DeliveryReceipt['status'], more: Partial<DeliveryReceipt> = {}) => receipts.apply(bench.account, {
  kind: 'status', channel: 'sms', from: DESK, to: recipient, text: null, media: [], inReplyTo: null, providerMessageId: 'carriers-id', status, deliveryId, recipient, ...more,
});
const optOut = (recipient: string) => bench.db.pool.query("insert into delivery.opt_out (account, channel, sender, recipient) values ($1, 'sms', $2, $3)", [bench.account, DESK, recipient]);
/** Rows of the others come when there is something to tell of them. */
const reaches = (id: ReceiptSid | undefined, state: string) => until(async () => (await bench.row(id!))?.state === state);
const states = (group: Record<string, ReceiptSid>) => Promise.all(Object.values(group).map(async (id) => (await bench.row(id))?.state));
const sentTo = () => bench.carrier.sent.map(({ recipient, group = [] }) => [recipient, ...group]);
const ambiguous = () => { throw new SendError('no_answer', 'ambiguous'); };

it('goes once to everybody, and what becomes of it is everybody\'s', async () => {
  const group = await queued();
  dispatcher.wake(lane());
  await reaches(group[EVE], 'accepted');
  await reaches(group[ANN], 'accepted');
  expect(sentTo()).toEqual([[ANN, BOB, EVE, SHOP]]);
  expect(await states(group)).toEqual(['accepted', 'accepted', 'accepted']);
  const refused = await queued('refused');
  bench.carrier.respond = () => { throw new SendError('content_refused', 'permanent', { errorCode: 30007 }); };
  dispatcher.wake(lane());
  for (const id of Object.values(refused)) await until(() => bench.played.reports.some(({ receiptSid, status, errorCode }) => receiptSid === id && status === 'failed' && errorCode === 30007));
});

it('is looked up when it was never answered, and the answer is everybody\'s', async () => {
  const group = await queued();
  bench.carrier.respond = (delivery) => { bench.carrier.take(delivery); ambiguous(); };
  dispatcher.wake(lane());
  await reaches(group[ANN], 'accepted');
  await reaches(group[BOB], 'accepted');
  expect([bench.carrier.sent.length, bench.carrier.asked[0]!.group]).toEqual([1, [BOB, EVE, SHOP]]);
});

it('is known to be sent once one of the handsets reports, and is not sent again', async () => {
  const group = await queued();
  let answer = () => {};
  bench.carrier.respond = () => new Promise<void>((_, reject) => { answer = () => reject(new SendError('no_answer', 'ambiguous')); });
  dispatcher.wake(lane());
  await until(() => bench.carrier.sent.length === 1);
  expect(await report(group[ANN]!, BOB, 'delivered')).toBe('done');
  expect(await states(group)).toEqual(['accepted', 'delivered', undefined]);
  answer();
  await dispatcher.stop();
  expect(await report(group[ANN]!, EVE, 'undelivered', { errorCode: 30003, retryable: true })).toBe('done');
  expect(await report(group[ANN]!, ANN, 'delivered')).toBe('done');
  expect(await states(group)).toEqual(['delivered', 'delivered', 'undelivered']);
  expect(await bench.row(group[EVE]!)).toMatchObject({ dead_letter: false, error_code: 30003 }); // nothing to send to all of them again
  expect(bench.carrier.sent).toHaveLength(1);
});

it('leaves out who opted out, whoever it is, and asks about what was sent when it was sent', async () => {
  await optOut(BOB);
  const group = await queued();
  bench.carrier.respond = async (delivery) => { if (bench.carrier.sent.length === 1) { bench.carrier.take(delivery); await optOut(ANN); ambiguous(); } };
  dispatcher.wake(lane());
  await reaches(group[EVE], 'accepted');
  await reaches(group[ANN], 'accepted');
  expect([sentTo(), await bench.row(group[BOB]!)]).toEqual([[[ANN, EVE, SHOP]], expect.objectContaining({ state: 'failed', error_code: 21610 })]);
  const next = await queued('next');
  dispatcher.wake(lane());
  await reaches(next[EVE], 'accepted');
  expect(sentTo().at(-1)).toEqual([EVE, SHOP]);
  expect(await states(next)).toEqual(['failed', 'failed', 'accepted']);
  await until(() => bench.played.reports.filter(({ errorCode }) => errorCode === 21610).length >= 2);
});

/** To Bob, after what `first` is to, in the same group; `phones`: with receipts of their own. */
async function then(first: Record<string, ReceiptSid>, body: string, members: GroupMembers, at = 1): Promise<ReceiptSid> {
  const second = await bench.queue(lane(BOB), body);
  for (const table of ['delivery.delivery', 'model.message'])
    await bench.db.pool.query(`update ${table} set conversation_sid = (select conversation_sid from delivery.delivery where delivery_id = $1), ${table.endsWith('message') ? 'index' : 'message_index'} = $3
      where ${table.endsWith('message') ? 'sid = (select message_sid from delivery.delivery where delivery_id = $2)' : 'delivery_id = $2'}`, [first[ANN], second, at]);
  await bench.db.pool.query('update delivery.delivery set group_members = $2 where delivery_id = $1', [second, members]);
  return second;
}
const toBobAndShop = (): GroupMembers => ({ numbers: [BOB, SHOP], phones: [{ deliveryId: newSid('DY'), participantSid: newSid('MB'), recipient: BOB }] });
const toBobAlone: GroupMembers = { numbers: [BOB], phones: [] };

it.each([['others are in it', toBobAndShop], ['a single phone is left', () => toBobAlone]])('keeps its order when the first phone has left and %s', async (_, members) => {
  const first = await queued('first');
  const second = await then(first, 'second', members());
  const store = new DeliveryStore(bench.db.pool, 'one');
  expect(await store.claim(lane(BOB))).toBeUndefined();
  dispatcher.wake(lane());
  await reaches(first[ANN], 'accepted');
  dispatcher.wake(lane(BOB));
  await reaches(second, 'accepted');
  expect(bench.carrier.sent.map(({ body }) => body)).toEqual(['first', 'second']);
});

it('keeps its order when it is handed on to a phone that has more waiting', async () => {
  await optOut(ANN);
  const first = await queued('first');
  const second = await then(first, 'second', toBobAlone);
  dispatcher.wake(lane());
  await reaches(second, 'accepted');
  expect(bench.carrier.sent.map(({ body }) => body)).toEqual(['first', 'second']);
});

it('is one of its lane when it is handed on, whatever else the phone is sent just then', async () => {
  await optOut(ANN);
  const group = await queued('to the group');
  const other = await bench.queue(lane(BOB), 'of another conversation');
  let answer = () => {};
  bench.carrier.respond = () => new Promise<void>((resolve) => { answer = resolve; });
  dispatcher.wake(lane(BOB));
  await until(() => bench.carrier.sent.length === 1);
  dispatcher.wake(lane());
  await reaches(group[ANN], 'failed');
  expect(await new DeliveryStore(bench.db.pool, 'another').claim(lane(BOB))).toBeUndefined();
  bench.carrier.respond = () => {};
  answer();
  await reaches(other, 'accepted');
  await reaches(group[BOB], 'accepted');
});

it('is a message like any other to a single phone: cut when it is too long, by another way when there is one', async () => {
  await bench.db.pool.query('insert into delivery.routing_policy (sid, account, policy) values ($1, $2, $3)',
    [newSid('RP'), bench.account, { long_text: 'split', fallback: { ways: [{ sender: SHOP }] } }]);
  const id = await bench.queue(lane(BOB), 'so long. '.repeat(200));
  await bench.db.pool.query('update delivery.delivery set group_members = $2 where delivery_id = $1', [id, toBobAlone]);
  bench.carrier.respond = ({ sender }) => { if (sender === DESK) throw new SendError('invalid_recipient', 'permanent', { errorCode: 30005 }); };
  dispatcher.wake(lane(BOB));
  await until(() => bench.carrier.sent.length === 3);
  await reaches(id, 'accepted');
  expect(bench.carrier.sent.map(({ sender, group }) => [sender, group])).toEqual([[DESK, undefined], [SHOP, undefined], [SHOP, undefined]]);
});

it('is about nobody else any more once it is handed on, whoever dies then', async () => {
  await optOut(ANN);
  const group = await queued();
  const store = new DeliveryStore(bench.db.pool, 'one');
  const claim = (await store.claim(lane()))!;
  await store.groups.admitted(claim); // and its process dies: the next one speaks of what is stored
  const { rows: [{ members }] } = await bench.db.pool.query('select group_members as members from delivery.delivery where delivery_id = $1', [group[ANN]]);
  expect(await store.groups.ended({ claim: { ...claim, group_members: members }, state: 'failed', errorCode: 30008 })).toEqual([]);
  dispatcher.wake(lane(BOB));
  await reaches(group[BOB], 'accepted');
  await reaches(group[EVE], 'accepted');
  expect(sentTo()).toEqual([[BOB, EVE, SHOP]]);
});

it('goes to all of them again when it is replayed', async () => {
  const group = await queued();
  bench.carrier.respond = () => { throw new SendError('authentication', 'permanent', { errorCode: 20003 }); };
  dispatcher.wake(lane());
  await reaches(group[EVE], 'failed');
  await reaches(group[ANN], 'failed');
  await bench.db.pool.query('update delivery.delivery set dead_letter = true where delivery_id = $1', [group[ANN]]);
  bench.carrier.respond = () => {};
  expect(await replayDeadLetters(bench.db.pool, [group[ANN]!])).toBe(1);
  dispatcher.wake(lane());
  await reaches(group[ANN], 'accepted');
  expect([await states(group), sentTo().at(-1)]).toEqual([['accepted', 'accepted', 'accepted'], [ANN, BOB, EVE, SHOP]]);
});

it('numbers of ours have no receipts, and nobody knows of what is not ours', async () => {
  const group = await queued();
  expect(await report(group[ANN]!, SHOP, 'delivered')).toBe('done');
  expect(await report(newSid('DY'), BOB, 'delivered')).toBe('unmatched');
  expect(await receipts.apply(newSid('AC'), { kind: 'status', channel: 'sms', from: DESK, to: BOB, text: null, media: [], inReplyTo: null, providerMessageId: 'x', status: 'sent', deliveryId: group[ANN]!, recipient: BOB })).toBe('unmatched');
});
