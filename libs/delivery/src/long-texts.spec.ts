import { SendError } from '@parley/channel/send-error';
import type { RoutingPolicy } from '@parley/domain/delivery/routing';
import { newSid } from '@parley/domain/sid';
import { replayDeadLetters } from './dead-letters.js';
import { DeliveryBench, until } from './delivery.testing.js';
import { DeliveryStore } from './delivery-store.js';
import type { Dispatcher } from './dispatcher.js';
import type { Lane } from './lane.js';
import type { Receipts } from './receipts.js';

let bench: DeliveryBench;
let dispatcher: Dispatcher;
let receipts: Receipts;
const parts = ['a', 'b', 'c'].map((letter) => letter.repeat(1000));
const text = parts.join(' ');

beforeAll(async () => { bench = await DeliveryBench.open(); });
afterAll(() => bench.db.drop());
beforeEach(async () => {
  await bench.clear();
  ({ dispatcher, receipts } = bench.dispatching());
  await policy({ long_text: 'split' });
});
afterEach(() => dispatcher.stop());

const policy = (of: RoutingPolicy) => bench.db.pool.query(
  `insert into delivery.routing_policy (sid, account, policy) values ($1, $2, $3) on conflict (account, conversation_sid) do update set policy = excluded.policy`, [newSid('RP'), bench.account, of]);
async function deliver(body = text) {
  const lane = bench.lane();
  const id = await bench.queue(lane, body);
  dispatcher.wake(lane);
  return { id, lane };
}
const begunWith = (which: number) => ({ body }: { body: string | null }) => body === parts[which];
const report = (providerMessageId: string, status: 'sent' | 'delivered' | 'undelivered', more = {}) => receipts.apply(bench.account, {
  kind: 'status', channel: 'sms', from: '', to: '', text: null, media: [], inReplyTo: null, providerMessageId, status, ...more });
/** The first time a part is sent. */
function once(which: number, does: (delivery: { deliveryId: string }) => Promise<void> | void) {
  let done = false;
  bench.carrier.respond = async (delivery) => {
    if (done || !begunWith(which)(delivery)) return;
    done = true;
    await does(delivery);
  };
}
const trouble = (outcome: 'retryable' | 'ambiguous' | 'permanent', errorCode = 30008) => () => { throw new SendError('rejected', outcome, { errorCode }); };

describe('a text that is longer than the carrier takes', () => {
  it('goes in parts, in order, before anything else of its lane, each with a reference of its own', async () => {
    const lane = bench.lane();
    const [id, next] = [await bench.queue(lane, text), await bench.queue(lane, 'next')];
    dispatcher.wake(lane);
    await bench.reaches(next, 'accepted');
    expect(bench.carrier.bodies()).toEqual([...parts, 'next']);
    expect(new Set(bench.carrier.sent.map(({ deliveryId }) => deliveryId)).size).toBe(4);
    expect(bench.carrier.mostInFlight).toBe(1);
    expect(await bench.row(id)).toMatchObject({ state: 'accepted', provider_message_ids: bench.carrier.sent.slice(0, 3).map(({ deliveryId }) => bench.carrier.known.get(deliveryId)) });
    expect(await bench.attempts(id)).toEqual(['accepted', 'accepted', 'accepted']);
  });
  it('has arrived when all parts have, in one receipt', async () => {
    const { id } = await deliver();
    await bench.reaches(id, 'accepted');
    const [first, second, third] = (await bench.row(id)).provider_message_ids as [string, string, string];
    for (const part of [second, first]) expect(await report(part, 'delivered')).toBe('done');
    expect(bench.played.reports).toEqual([]);
    await report(third, 'delivered');
    await until(() => bench.played.reports.length > 0);
    expect(bench.played.reports).toMatchObject([{ receiptSid: id, status: 'delivered' }]);
  });
  it('is not taken for delivered while parts are still to go', async () => {
    once(2, async () => {
      const [first, second] = [...bench.carrier.known.values()] as [string, string];
      for (const part of [first, second]) expect(await report(part, 'delivered')).toBe('done');
    });
    const { id } = await deliver();
    await bench.reaches(id, 'accepted');
    expect(bench.carrier.bodies()).toEqual(parts);
    await report((await bench.row(id)).provider_message_ids[2]!, 'delivered');
    expect(await bench.state(id)).toBe('delivered');
  });
  it('is refused without a policy that splits it, and elsewhere than on SMS', async () => {
    const lane: Lane = { account: bench.account, channel: 'whatsapp', sender: 'whatsapp:+15550100100', recipient: 'whatsapp:+15550100002' };
    const there = await bench.queue(lane, text);
    dispatcher.wake(lane);
    await bench.reaches(there, 'failed');
    await policy({});
    const { id } = await deliver();
    await bench.reaches(id, 'failed');
    expect(await bench.row(id)).toMatchObject({ error_code: 21617 });
    expect(bench.carrier.sent).toEqual([]);
  });
});

describe('a part', () => {
  it('that could not be sent is tried again, by itself, as often as any message', async () => {
    const left = new Map(parts.map((part) => [part, 2]));
    bench.carrier.respond = ({ body }) => {
      const more = left.get(body!)!;
      left.set(body!, more - 1);
      if (more > 0) trouble('retryable')();
    };
    const { id } = await deliver();
    await bench.reaches(id, 'accepted');
    expect(bench.carrier.bodies()).toEqual(parts.flatMap((part) => [part, part, part]));
  });
  it('without an answer is looked up, and not sent again when the carrier has it', async () => {
    once(1, (delivery) => {
      bench.carrier.take(delivery as never);
      trouble('ambiguous')();
    });
    const { id } = await deliver();
    await bench.reaches(id, 'accepted');
    expect(bench.carrier.bodies()).toEqual(parts);
    expect(bench.carrier.asked.map(({ body }) => body)).toEqual([parts[1]]);
    expect((await bench.row(id)).provider_message_ids).toHaveLength(3);
  });
  it('whose process died is looked up by another, and the rest follows', async () => {
    const lane = bench.lane();
    const id = await bench.queue(lane, text);
    const died = new DeliveryStore(bench.db.pool, 'died');
    const first = (await died.claim(lane))!;
    const part = await died.noteParts(first, parts);
    await died.settle({ deliveryId: id, attempt: first.attempt, state: 'queued', part: part.reference, segments: true, providerMessageIds: [bench.carrier.take({ deliveryId: part.reference } as never)] });
    const second = (await died.claim(lane))!;
    expect([second.part, second.parts_left, second.attempts_before]).toMatchObject([{ place: 1, body: parts[1] }, 2, 1]);
    bench.carrier.take({ deliveryId: second.part!.reference } as never);
    // The text was changed meanwhile: what is begun is ended as it began.
    await bench.db.pool.query("update model.message set body = 'other'");
    await bench.later();
    dispatcher.wake(lane);
    await bench.reaches(id, 'accepted');
    expect(bench.carrier.bodies()).toEqual([parts[2]]);
    expect(await bench.attempts(id)).toEqual(['accepted', 'accepted', 'accepted']);
  });
  it('is known by its first report, where no answer came and nothing can be looked up', async () => {
    Object.assign(bench.carrier, { lookup: undefined });
    once(1, async ({ deliveryId }) => {
      expect(await report('early', 'delivered', { deliveryId })).toBe('done');
      trouble('ambiguous')();
    });
    const { id } = await deliver();
    await bench.reaches(id, 'accepted');
    expect(bench.carrier.bodies()).toEqual(parts);
    const ids = (await bench.row(id)).provider_message_ids;
    expect(ids[1]).toBe('early');
    for (const part of [ids[0]!, ids[2]!]) await report(part, 'delivered');
    expect(await bench.state(id)).toBe('delivered');
  });
  it('is not taken by a report about an earlier one', async () => {
    const { id } = await deliver();
    await bench.reaches(id, 'accepted');
    expect(await report('a second copy', 'delivered', { deliveryId: bench.carrier.sent[0]!.deliveryId })).toBe('unmatched');
    expect((await bench.row(id)).provider_message_ids).toHaveLength(3);
  });
  it('that is refused fails the message, which goes no other way once it was begun', async () => {
    await policy({ long_text: 'split', fallback: { ways: [{ sender: '+15550100009' }] } });
    once(1, trouble('permanent', 30005));
    const { id } = await deliver();
    await bench.reaches(id, 'failed');
    await until(() => bench.played.reports.length > 0);
    expect(bench.played.reports).toMatchObject([{ status: 'failed', errorCode: 30005 }]);
    expect(bench.carrier.bodies()).toEqual(parts.slice(0, 2));
  });
  it('that is the first and refused lets the whole text go another way', async () => {
    await policy({ long_text: 'split', fallback: { ways: [{ sender: '+15550100009' }] } });
    bench.carrier.respond = ({ sender }) => { if (sender !== '+15550100009') trouble('permanent', 30005)(); };
    const { id } = await deliver();
    await bench.reaches(id, 'accepted');
    expect(bench.carrier.sent.map(({ sender, body }) => [sender, body])).toEqual([['+15550100001', parts[0]], ...parts.map((part) => ['+15550100009', part])]);
  });
  it('that failed later ends the message, and what is left of it is not sent', async () => {
    once(1, async () => {
      await report([...bench.carrier.known.values()][0]!, 'undelivered', { errorCode: 30003 });
    });
    const { id } = await deliver();
    await bench.reaches(id, 'undelivered');
    await until(() => bench.carrier.inFlight === 0);
    await dispatcher.stop();
    expect(bench.carrier.bodies()).toEqual(parts.slice(0, 2));
  });
  it('is where a dead letter goes on', async () => {
    let away = true;
    bench.carrier.respond = (delivery) => { if (away && begunWith(1)(delivery)) trouble('retryable')(); };
    const { id, lane } = await deliver();
    await bench.reaches(id, 'failed');
    away = false;
    bench.carrier.sent.length = 0;
    expect(await replayDeadLetters(bench.db.pool, [id])).toBe(1);
    dispatcher.wake(lane);
    await bench.reaches(id, 'accepted');
    expect(bench.carrier.bodies()).toEqual(parts.slice(1));
    expect((await bench.row(id)).provider_message_ids).toHaveLength(3);
  });
});
