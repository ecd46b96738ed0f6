import type { DeliveryReceipt } from '@parley/channel/inbound-event';
import { DomainError } from '@parley/domain/domain-error';
import { newSid, type ReceiptSid } from '@parley/domain/sid';
import { DeliveryBench, until } from './delivery.testing.js';
import { DeliveryStore } from './delivery-store.js';
import { Receipts } from './receipts.js';

let bench: DeliveryBench;
let receipts: Receipts;
beforeAll(async () => {
  bench = await DeliveryBench.open();
  receipts = new Receipts(bench.db.pool, bench.conversations);
});
afterAll(() => bench.db.drop());
beforeEach(() => { bench.played.fails = undefined; });

const report = (status: DeliveryReceipt['status'], fields: Partial<DeliveryReceipt> = {}): DeliveryReceipt => ({
  kind: 'status', channel: 'sms', from: '+1', to: '+2', text: null, media: [], inReplyTo: null, providerMessageId: newSid('SM'), status, ...fields,
});
const apply = (status: DeliveryReceipt['status'], fields: Partial<DeliveryReceipt>) => receipts.apply(bench.account, report(status, fields));
const reported = (deliveryId: string, status: string) => until(async () => (await bench.row(deliveryId)).reported === status);

describe('a report of a carrier', () => {
  it('moves the delivery and becomes a receipt', async () => {
    const deliveryId = await bench.queue(bench.lane(), 'hi');
    const providerMessageId = newSid('SM');
    expect(await apply('sent', { deliveryId, providerMessageId })).toBe('done');
    await reported(deliveryId, 'sent');
    expect(bench.played.reports.at(-1)).toMatchObject({ receiptSid: deliveryId, status: 'sent', errorCode: 0, channelMessageSid: providerMessageId });
  });
  it.each([
    [['sent', 'delivered', 'read'], 'read'],
    [['read', 'delivered', 'sent'], 'read'],
    [['delivered', 'delivered', 'failed'], 'delivered'],
    [['undelivered', 'failed', 'sent'], 'undelivered'],
    [['failed', 'delivered'], 'delivered'],
    [['accepted', 'sent', 'accepted'], 'sent'],
  ] as Array<[DeliveryReceipt['status'][], string]>)('only moves forward: %j ends as %s', async (statuses, end) => {
    const deliveryId = await bench.queue(bench.lane(), 'hi');
    for (const status of statuses) expect(await apply(status, { deliveryId })).toBe('done');
    await reported(deliveryId, end);
    const receiptsOf = bench.played.statusesOf(deliveryId);
    expect(new Set(receiptsOf).size).toBe(receiptsOf.length);
  });
  it('keeps the furthest of several that come at once', async () => {
    const deliveryId = await bench.queue(bench.lane(), 'hi');
    await Promise.all((['sent', 'read', 'delivered'] as const).map((status) => apply(status, { deliveryId })));
    await reported(deliveryId, 'read');
  });
  it('carries the error code, and marks for replay what may succeed later', async () => {
    const deliveryId = await bench.queue(bench.lane(), 'hi');
    await apply('failed', { deliveryId, errorCode: 30001, retryable: true });
    await reported(deliveryId, 'failed');
    expect(await bench.row(deliveryId)).toMatchObject({ error_code: 30001, dead_letter: true });
  });
  it('before the answer of the send is not undone by that answer', async () => {
    const lane = bench.lane();
    const deliveryId = await bench.queue(lane, 'hi');
    const store = new DeliveryStore(bench.db.pool, 'one');
    const claim = (await store.claim(lane))!;
    const providerMessageId = newSid('SM');
    await apply('delivered', { deliveryId, providerMessageId });
    expect(await store.settle({ deliveryId, attempt: claim.attempt, state: 'accepted', providerMessageIds: [providerMessageId] })).toBeUndefined();
    expect(await bench.row(deliveryId)).toMatchObject({ state: 'delivered', provider_message_ids: [providerMessageId] });
  });
  it('without our reference is matched by the id of the carrier', async () => {
    const lane = bench.lane();
    const deliveryId = await bench.queue(lane, 'hi');
    const providerMessageId = newSid('SM');
    expect(await apply('sent', { providerMessageId })).toBe('unmatched');
    const store = new DeliveryStore(bench.db.pool, 'one');
    await store.claim(lane);
    await store.settle({ deliveryId, attempt: 1, state: 'accepted', providerMessageIds: [providerMessageId] });
    expect(await apply('sent', { providerMessageId })).toBe('done');
    await reported(deliveryId, 'sent');
  });
  it('of another account does nothing', async () => {
    const deliveryId = await bench.queue(bench.lane(), 'hi');
    expect(await receipts.apply(newSid('AC'), report('delivered', { deliveryId }))).toBe('unmatched');
    expect(await bench.state(deliveryId)).toBe('queued');
  });
});

describe('a receipt that could not be written', () => {
  const age = () => bench.db.pool.query("update delivery.delivery set updated_at = now() - interval '10 s'");

  it('is written by the sweep', async () => {
    const deliveryId = await bench.queue(bench.lane(), 'hi');
    bench.played.fails = new DomainError('unavailable');
    await apply('delivered', { deliveryId });
    expect(await receipts.sweep()).toBe(0); // somebody may still be at it
    bench.played.fails = undefined;
    await age();
    expect(await receipts.sweep()).toBe(1);
    await reported(deliveryId, 'delivered');
    await age();
    expect(await receipts.sweep()).toBe(0);
    expect(bench.played.statusesOf(deliveryId)).toEqual(['delivered']);
  });
  it('is dropped when its conversation is gone', async () => {
    const deliveryId = await bench.queue(bench.lane(), 'hi');
    bench.played.fails = new DomainError('conversation_not_found');
    await apply('delivered', { deliveryId });
    await reported(deliveryId, 'delivered');
  });
});

describe('a message in several pieces', () => {
  /** Accepted by its carrier, with an id for each piece. */
  async function sent(pieces: number): Promise<{ deliveryId: ReceiptSid; ids: string[] }> {
    const lane = bench.lane();
    const deliveryId = await bench.queue(lane, 'long');
    const ids = Array.from({ length: pieces }, () => newSid('SM'));
    const store = new DeliveryStore(bench.db.pool, 'one');
    await store.claim(lane);
    await store.settle({ deliveryId, attempt: 1, state: 'accepted', providerMessageIds: ids, segments: true });
    return { deliveryId, ids };
  }

  it('is delivered when all of them are, in any order', async () => {
    const { deliveryId, ids } = await sent(3);
    for (const i of [2, 0]) expect(await apply('delivered', { providerMessageId: ids[i]! })).toBe('done');
    expect(await bench.state(deliveryId)).toBe('accepted');
    await apply('sent', { providerMessageId: ids[1]! });
    await reported(deliveryId, 'sent');
    await apply('delivered', { providerMessageId: ids[1]! });
    await reported(deliveryId, 'delivered');
    expect(bench.played.statusesOf(deliveryId)).toEqual(['sent', 'delivered']);
  });
  it('reported on at once by several is delivered all the same', async () => {
    const { deliveryId, ids } = await sent(5);
    const others = ids.map(() => new Receipts(bench.db.pool, bench.conversations));
    await Promise.all(ids.map((providerMessageId, i) => others[i]!.apply(bench.account, report('delivered', { providerMessageId }))));
    await reported(deliveryId, 'delivered');
  });
  it('failed when one did', async () => {
    const { deliveryId, ids } = await sent(2);
    await apply('delivered', { providerMessageId: ids[0]! });
    await apply('undelivered', { providerMessageId: ids[1]!, errorCode: 30005 });
    await reported(deliveryId, 'undelivered');
    expect(await bench.row(deliveryId)).toMatchObject({ error_code: 30005 });
    await apply('delivered', { providerMessageId: ids[1]! });
    await reported(deliveryId, 'delivered');
  });
  it('is not delivered because our reference came back with one piece', async () => {
    const { deliveryId, ids } = await sent(2);
    expect(await apply('delivered', { providerMessageId: ids[0]!, deliveryId })).toBe('done');
    expect(await bench.state(deliveryId)).toBe('accepted');
  });
  it('belongs to its account', async () => {
    const { ids } = await sent(2);
    expect(await receipts.apply(newSid('AC'), report('delivered', { providerMessageId: ids[1]! }))).toBe('unmatched');
  });
});
