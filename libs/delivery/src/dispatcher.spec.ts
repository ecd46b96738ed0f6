import { SendError } from '@parley/channel/send-error';
import { newSid } from '@parley/domain/sid';
import { DeliveryBench, until } from './delivery.testing.js';
import { DeliveryStore } from './delivery-store.js';
import { listDeadLetters, replayDeadLetters } from './dead-letters.js';
import { DueLanes } from './due-lanes.js';
import { Dispatcher, type DispatcherOptions } from './dispatcher.js';
import type { Lane } from './lane.js';
import { Receipts } from './receipts.js';
import { saveSender } from './senders.js';

let bench: DeliveryBench;
const running: Dispatcher[] = [];
const retries = { attemptsMax: 3, pauseMillis: 0, pauseMillisMax: 0, unanswered: 'retry' } as const;

beforeAll(async () => { bench = await DeliveryBench.open(); });
afterAll(() => bench.db.drop());
beforeEach(() => bench.clear());
afterEach(() => Promise.all(running.splice(0).map((dispatcher) => dispatcher.stop())));

function dispatch(options: Partial<DispatcherOptions> = {}, owner = 'one'): Dispatcher {
  const { db: { pool }, carriers, conversations } = bench;
  const dispatcher = new Dispatcher({
    store: new DeliveryStore(pool, owner), carriers, receipts: new Receipts(pool, conversations), timeoutMillis: 100, retries,
    files: { urlOf: (sid) => `https://p.example/media/${sid}` }, ...options,
  });
  running.push(dispatcher);
  return dispatcher;
}
async function deliver(body = 'hi', lane = bench.lane()): Promise<{ id: `DY${string}`; lane: Lane; dispatcher: Dispatcher }> {
  const id = await bench.queue(lane, body);
  const dispatcher = dispatch();
  dispatcher.wake(lane);
  return { id, lane, dispatcher };
}
const throws = (outcome: 'retryable' | 'permanent' | 'ambiguous', errorCode?: number) => () => {
  throw new SendError('rejected', outcome, errorCode === undefined ? {} : { errorCode });
};

describe('a delivery', () => {
  it('is accepted with the ids of the carrier, and its attempt was recorded before the call', async () => {
    let recorded: unknown;
    bench.carrier.respond = async ({ deliveryId }) => { recorded = await bench.attempts(deliveryId); };
    const { id } = await deliver();
    await bench.reaches(id, 'accepted');
    expect(recorded).toEqual([null]);
    expect(await bench.attempts(id)).toEqual(['accepted']);
    expect((await bench.row(id)).provider_message_ids).toEqual([bench.carrier.known.get(id)]);
    expect(bench.played.reports).toEqual([]); // accepted is no receipt yet
  });
  it('of an account that is not active stays queued, untried, until it is active again', async () => {
    const status = (to: string) => bench.db.pool.query('update registry.account set status = $2 where sid = $1', [bench.account, to]);
    const lane = bench.lane();
    await status('suspended');
    const id = await bench.queue(lane, 'hi');
    expect(await new DeliveryStore(bench.db.pool, 'one').claim(lane)).toBeUndefined();
    expect(await new DueLanes(bench.db.pool).next()).toEqual([]);
    expect(await bench.row(id)).toMatchObject({ state: 'queued', attempt: 0, error_code: 0 });
    await status('active');
    expect(await new DueLanes(bench.db.pool).next()).toEqual([lane]);
    dispatch().wake(lane);
    await bench.reaches(id, 'accepted');
  });
  it('is tried again when it certainly was not sent', async () => {
    let failures = 2;
    bench.carrier.respond = () => { if (failures-- > 0) throws('retryable')(); };
    const { id } = await deliver();
    await bench.reaches(id, 'accepted');
    expect(await bench.attempts(id)).toEqual(['queued', 'queued', 'accepted']);
  });
  it('fails with the code of the carrier when there is no hope', async () => {
    bench.carrier.respond = throws('permanent', 21211);
    const { id } = await deliver();
    await until(async () => (await bench.row(id)).reported === 'failed');
    expect(bench.played.reports).toMatchObject([{ receiptSid: id, status: 'failed', errorCode: 21211 }]);
    expect(bench.carrier.sent).toHaveLength(1);
    expect(await listDeadLetters(bench.db.pool)).toEqual([]);
  });
  it('is a dead letter when it was tried too often, and can be replayed', async () => {
    bench.carrier.respond = throws('retryable', 20429);
    const { id, lane, dispatcher } = await deliver();
    await bench.reaches(id, 'failed');
    expect(bench.carrier.sent).toHaveLength(3);
    expect(await listDeadLetters(bench.db.pool, { account: bench.account })).toMatchObject([{ deliveryId: id, attempts: 3, errorCode: 20429 }]);
    expect(await listDeadLetters(bench.db.pool, { account: newSid('AC') })).toEqual([]);
    bench.carrier.respond = () => {};
    expect(await replayDeadLetters(bench.db.pool, [id])).toBe(1);
    dispatcher.wake(lane);
    await bench.reaches(id, 'accepted');
    expect(await listDeadLetters(bench.db.pool)).toEqual([]);
  });
  it('is not sent after its deadline, and the lane moves on', async () => {
    const lane = bench.lane();
    const late = await bench.queue(lane, 'late', -1);
    const { id } = await deliver('in time', lane);
    await bench.reaches(id, 'accepted');
    expect(await bench.row(late)).toMatchObject({ state: 'failed', error_code: 30036, dead_letter: true });
    expect(bench.carrier.bodies()).toEqual(['in time']);
  });
  it('of a message that was deleted is cancelled', async () => {
    const lane = bench.lane();
    const id = await bench.queue(lane, 'gone');
    await bench.db.pool.query('delete from model.message');
    dispatch().wake(lane);
    await bench.reaches(id, 'cancelled');
    expect(bench.carrier.sent).toEqual([]);
  });
  it('to somebody who opted out fails without asking the carrier', async () => {
    const lane = bench.lane();
    await bench.db.pool.query('insert into delivery.opt_out values ($1, $2, $3, $4)', Object.values(lane));
    const { id } = await deliver('hi', lane);
    await bench.reaches(id, 'failed');
    expect(await bench.row(id)).toMatchObject({ error_code: 21610, dead_letter: false });
    expect(bench.carrier.sent).toEqual([]);
  });
  it('from an address that is none of the account\'s own senders fails', async () => {
    const sender = { account: bench.account, address: '+15550100009', carrier: 'twilio', accountSid: newSid('AC'), authToken: 'x' } as const;
    await saveSender(bench.db.pool, bench.db.box, sender);
    const { id } = await deliver();
    await bench.reaches(id, 'failed');
    expect(await bench.row(id)).toMatchObject({ error_code: 21606, dead_letter: true });
    const own = await deliver('hi', bench.lane(undefined, sender.address));
    await bench.reaches(own.id, 'accepted');
  });
  it('outside the window is not handed to a carrier that has one, until the person writes', async () => {
    const sender = { account: bench.account, address: 'whatsapp:+15550100100', carrier: 'twilio', accountSid: newSid('AC'), authToken: 'x' } as const;
    await saveSender(bench.db.pool, bench.db.box, sender);
    Object.assign(bench.carrier.limits, { replyWindow: true });
    const lane = { account: bench.account, channel: 'whatsapp', sender: sender.address, recipient: 'whatsapp:US.17' };
    const open = await deliver('we cannot know yet', lane);
    await bench.reaches(open.id, 'accepted');
    await bench.db.pool.query("update delivery.sender set windows_since = now() - interval '24 hours' + interval '20 seconds'");
    const { id } = await deliver('too late', lane);
    await bench.reaches(id, 'failed');
    expect(await bench.row(id)).toMatchObject({ error_code: 63016, dead_letter: false });
    await bench.db.pool.query('insert into delivery.reply_window values ($1, $2, $3, $4, now())', Object.values(lane));
    const again = await deliver('in time', lane);
    await bench.reaches(again.id, 'accepted');
    expect(bench.carrier.bodies()).toEqual(['we cannot know yet', 'in time']);
  });
  it('that takes back what the channel never showed is cancelled', async () => {
    const lane = bench.lane();
    const id = await bench.queue(lane, '');
    await bench.db.pool.query('update model.message set attributes = $1', [JSON.stringify({ reaction: { messageSid: newSid('IM'), emoji: '' } })]);
    dispatch().wake(lane);
    await bench.reaches(id, 'cancelled');
    expect(bench.carrier.sent).toEqual([]);
  });
  it('that no carrier would take is refused here', async () => {
    const [empty, long] = [await deliver(''), await deliver('x'.repeat(1601))];
    await bench.reaches(empty.id, 'failed');
    await bench.reaches(long.id, 'failed');
    expect([(await bench.row(empty.id)).error_code, (await bench.row(long.id)).error_code]).toEqual([21619, 21617]);
    expect(bench.carrier.sent).toEqual([]);
  });
});

describe('an attempt without an answer', () => {
  it('is looked up, and not repeated when the carrier has it', async () => {
    bench.carrier.respond = (delivery) => { bench.carrier.take(delivery); throws('ambiguous')(); };
    const { id } = await deliver();
    await bench.reaches(id, 'accepted');
    expect(bench.carrier.sent).toHaveLength(1);
    expect(await bench.attempts(id)).toEqual(['accepted']);
  });
  it('is repeated once when the carrier does not know it, and that is on record', async () => {
    let first = true;
    bench.carrier.respond = () => { if (first) { first = false; throws('ambiguous')(); } };
    const { id } = await deliver();
    await bench.reaches(id, 'accepted');
    expect(await bench.attempts(id)).toEqual(['queued', 'accepted']);
    expect(bench.carrier.sent.map(({ deliveryId }) => deliveryId)).toEqual([id, id]);
  });
  it('is given up instead, when that is the policy', async () => {
    bench.carrier.respond = throws('ambiguous');
    const lane = bench.lane();
    const id = await bench.queue(lane, 'once at most');
    dispatch({ retries: { ...retries, unanswered: 'fail' } }).wake(lane);
    await bench.reaches(id, 'failed');
    expect(bench.carrier.sent).toHaveLength(1);
    expect(await bench.row(id)).toMatchObject({ error_code: 30008, dead_letter: true });
  });
  it('does not take another message for its own', async () => {
    const lane = bench.lane();
    const earlier = await deliver('same text', lane);
    await bench.reaches(earlier.id, 'accepted');
    const taken = bench.carrier.known.get(earlier.id)!;
    let first = true;
    bench.carrier.respond = ({ deliveryId }) => {
      if (!first) return bench.carrier.known.delete(deliveryId), undefined;
      first = false;
      bench.carrier.known.set(deliveryId, taken); // what a lookup by text alone would find
      return throws('ambiguous')();
    };
    const { id } = await deliver('same text', lane);
    await bench.reaches(id, 'accepted');
    expect(await bench.attempts(id)).toEqual(['queued', 'accepted']);
    expect((await bench.row(id)).provider_message_ids).not.toEqual([taken]);
  });
  it('because the process died is taken over when the lease ends', async () => {
    const lane = bench.lane();
    const id = await bench.queue(lane, 'hi');
    expect(await new DeliveryStore(bench.db.pool, 'died').claim(lane)).toMatchObject({ delivery_id: id, state: 'sending' });
    const dispatcher = dispatch();
    dispatcher.wake(lane);
    await until(async () => (await new DeliveryStore(bench.db.pool, 'x').claim(lane)) === undefined);
    expect(bench.carrier.sent).toEqual([]); // the lease still holds
    await bench.later();
    dispatcher.wake(lane);
    await bench.reaches(id, 'accepted');
    expect(await bench.attempts(id)).toEqual(['queued', 'accepted']);
  });
  it('because the process died leaves the carrier its time to tell, once', async () => {
    bench.carrier.limits.lookupDelayMillis = 60_000;
    const lane = bench.lane();
    const id = await bench.queue(lane, 'hi');
    await new DeliveryStore(bench.db.pool, 'died').claim(lane);
    await bench.later();
    // Who looks after it dies as well, before anything is noted.
    expect(await new DeliveryStore(bench.db.pool, 'died too').claim(lane)).toMatchObject({ state: 'unknown', orphaned: true });
    await bench.later();
    const dispatcher = dispatch();
    dispatcher.wake(lane);
    await until(async () => (await bench.attempts(id))[0] === 'unknown');
    const { rows: [row] } = await bench.db.pool.query<{ seconds: number }>('select extract(epoch from due_at - now())::float as seconds from delivery.delivery where delivery_id = $1', [id]);
    expect(row!.seconds).toBeGreaterThan(30);
    expect([bench.carrier.asked, bench.carrier.sent]).toEqual([[], []]);
    await bench.later();
    dispatcher.wake(lane);
    await bench.reaches(id, 'accepted');
    expect(await bench.attempts(id)).toEqual(['queued', 'accepted']);
  });
  it('blocks its lane, so that order is kept', async () => {
    const lane = bench.lane();
    let hang = true;
    bench.carrier.respond = (_, signal) => hang ? new Promise((_resolve, reject) => signal.addEventListener('abort', () => {
      hang = false;
      reject(new SendError('no_answer', 'ambiguous'));
    })) : undefined;
    const [first, second] = [await bench.queue(lane, 'first'), await bench.queue(lane, 'second')];
    dispatch().wake(lane);
    await bench.reaches(second, 'accepted');
    expect(await bench.state(first)).toBe('accepted');
    expect(bench.carrier.bodies()).toEqual(['first', 'first', 'second']);
  });
});

describe('lanes', () => {
  it('keep their order, one in flight each, side by side, however many processes work', async () => {
    const lanes = Array.from({ length: 6 }, () => bench.lane());
    bench.carrier.respond = () => until(() => bench.carrier.mostInFlight > 1);
    for (let n = 0; n < 10; n++) await Promise.all(lanes.map((lane) => bench.queue(lane, `${n}`)));
    const dispatchers = [dispatch({}, 'one'), dispatch({}, 'two'), dispatch({}, 'three')];
    for (const dispatcher of dispatchers) for (const lane of lanes) dispatcher.wake(lane);
    await until(async () => {
      for (const dispatcher of dispatchers) for (const lane of lanes) dispatcher.wake(lane);
      const { rows } = await bench.db.pool.query("select 1 from delivery.delivery where state <> 'accepted'");
      return rows.length === 0;
    });
    expect(bench.carrier.sent).toHaveLength(60);
    for (const { recipient } of lanes)
      expect(bench.carrier.sent.filter((sent) => sent.recipient === recipient).map(({ body }) => body)).toEqual(Array.from({ length: 10 }, (_, n) => `${n}`));
    expect(bench.carrier.mostInFlight).toBeGreaterThan(1);
    expect(bench.carrier.mostInFlight).toBeLessThanOrEqual(6);
  });
  it('of one sender are served in turn, no more at once than allowed', async () => {
    const lanes = Array.from({ length: 5 }, () => bench.lane());
    bench.carrier.respond = () => until(() => bench.carrier.mostInFlight > 1);
    const ids = await Promise.all(lanes.flatMap((lane) => [bench.queue(lane, 'a'), bench.queue(lane, 'b')]));
    const dispatcher = dispatch({ concurrency: 2 });
    for (const lane of lanes) dispatcher.wake(lane);
    for (const id of ids) await bench.reaches(id, 'accepted');
    expect(bench.carrier.mostInFlight).toBe(2);
    expect(new Set(bench.carrier.sent.slice(0, 5).map(({ recipient }) => recipient)).size).toBe(5);
  });
  it('are not held up by one person who got too much', async () => {
    const much = bench.lane('+15550100777');
    bench.carrier.respond = ({ recipient }) => {
      if (recipient === much.recipient) throw new SendError('recipient_rate_limited', 'retryable', { errorCode: 63018, retryAfterMillis: 60_000 });
    };
    const dispatcher = dispatch({ retries: { ...retries, pauseMillisMax: 60_000 } });
    const slow = await bench.queue(much, 'too much');
    dispatcher.wake(much);
    await until(async () => (await bench.row(slow)).error_code === 63018);
    for (let n = 0; n < 10; n++) {
      const lane = bench.lane();
      const id = await bench.queue(lane, 'hi');
      dispatcher.wake(lane);
      await bench.reaches(id, 'accepted');
    }
    expect(await bench.row(slow)).toMatchObject({ state: 'queued', attempt: 1 });
  });
  it('of other senders are not delayed by a carrier that hangs', async () => {
    const hanging: Array<() => void> = [];
    bench.carrier.respond = ({ sender }) =>
      sender === '+15550100666' ? new Promise((resolve) => hanging.push(resolve)) : undefined;
    const dispatcher = dispatch({ timeoutMillis: 60_000 });
    for (let n = 0; n < 40; n++) {
      const lane = bench.lane(undefined, '+15550100666');
      await bench.queue(lane, 'hangs');
      dispatcher.wake(lane);
    }
    await until(() => bench.carrier.inFlight === 16);
    const { id } = await deliver('quick');
    await bench.reaches(id, 'accepted');
    expect(bench.carrier.inFlight).toBe(16);
    bench.carrier.respond = () => {};
    for (const release of hanging) release();
  });
});
