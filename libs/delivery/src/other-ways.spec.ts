import { SendError } from '@parley/channel/send-error';
import { newSid } from '@parley/domain/sid';
import type { RoutingPolicy } from '@parley/domain/delivery/routing';
import { transaction } from '@parley/event-store/database';
import { replayDeadLetters } from './dead-letters.js';
import { DeliveryBench, until } from './delivery.testing.js';
import { DeliveryStore } from './delivery-store.js';
import type { Dispatcher } from './dispatcher.js';
import type { Lane } from './lane.js';
import type { Receipts } from './receipts.js';
import { RoutingPolicies } from './routing-policies.js';

let bench: DeliveryBench;
let dispatcher: Dispatcher;
let receipts: Receipts;
const OURS = '+15550100001';
const ann = '+15550100002';
const chain: RoutingPolicy = { fallback: { ways: [{ sender: OURS }] } };

beforeAll(async () => { bench = await DeliveryBench.open(); });
afterAll(() => bench.db.drop());
beforeEach(async () => {
  await bench.clear();
  ({ dispatcher, receipts } = bench.dispatching());
});
afterEach(() => dispatcher.stop());

const whatsapp = (): Lane => ({ account: bench.account, channel: 'whatsapp', sender: 'whatsapp:+15550100100', recipient: `whatsapp:${ann}` });
const policy = (of: RoutingPolicy, conversation = '') => bench.db.pool.query(
  'insert into delivery.routing_policy (sid, account, conversation_sid, policy) values ($1, $2, $3, $4)', [newSid('RP'), bench.account, conversation, of]);
async function deliver(body = 'hi', lane = whatsapp()) {
  const id = await bench.queue(lane, body);
  dispatcher.wake(lane);
  return id;
}
const refuses = (errorCode: number) => ({ channel }: { channel: string }) => {
  if (channel === 'whatsapp') throw new SendError('rejected', 'permanent', { errorCode, carrierCode: `own ${errorCode}` });
};
/** By the sender a delivery was handed over with. */
const byWhatsapp = (respond: (about: { channel: string }) => void) => ({ sender }: { sender: string }) => respond({ channel: sender.startsWith('whatsapp:') ? 'whatsapp' : 'sms' });
const attempts = async (id: string) => (await bench.db.pool.query<Record<string, unknown>>(
  'select attempt, leg, channel, sender, recipient, outcome, error_code, carrier_code from delivery.attempt where delivery_id = $1 order by attempt', [id])).rows;
const report = (providerMessageId: string, status: 'sent' | 'delivered' | 'failed' | 'undelivered', more = {}) => receipts.apply(bench.account, {
  kind: 'status', channel: 'whatsapp', from: '', to: '', text: null, media: [], inReplyTo: null, providerMessageId, status, ...more });

describe('a delivery that is refused', () => {
  it('goes on by the next way, with one receipt, and every attempt on record', async () => {
    await policy(chain);
    bench.carrier.respond = byWhatsapp(refuses(63016));
    const id = await deliver();
    await bench.reaches(id, 'accepted');
    expect(bench.carrier.sent.map(({ sender, recipient }) => [sender, recipient])).toEqual([['whatsapp:+15550100100', `whatsapp:${ann}`], [OURS, ann]]);
    expect(await attempts(id)).toMatchObject([
      { attempt: 1, leg: 0, channel: 'whatsapp', outcome: 'failed', error_code: 63016, carrier_code: 'own 63016' }, { attempt: 2, leg: 1, channel: 'sms', sender: OURS, recipient: ann, outcome: 'accepted' },
    ]);
    await report(bench.carrier.known.get(id)!, 'delivered');
    await until(() => bench.played.reports.length > 0);
    expect(bench.played.reports).toMatchObject([{ receiptSid: id, status: 'delivered' }]);
  });
  it.each([[30007, 'for a reason that is no reason to go on'], [21610, 'by the person']])('fails with %i %s', async (errorCode) => {
    await policy(chain);
    bench.carrier.respond = byWhatsapp(refuses(errorCode));
    const id = await deliver();
    await bench.reaches(id, 'failed');
    expect((await bench.row(id)).error_code).toBe(errorCode);
    expect(bench.carrier.sent).toHaveLength(1);
  });
  it('fails where no policy knows another way', async () => {
    bench.carrier.respond = byWhatsapp(refuses(63016));
    const id = await deliver();
    await bench.reaches(id, 'failed');
  });
  it('fails with the code of the last way', async () => {
    await policy(chain);
    bench.carrier.respond = ({ sender }) => { throw new SendError('rejected', 'permanent', { errorCode: sender === OURS ? 30006 : 63024 }); };
    const id = await deliver();
    await bench.reaches(id, 'failed');
    await until(() => bench.played.reports.length > 0);
    expect(bench.played.reports).toMatchObject([{ status: 'failed', errorCode: 30006 }]);
  });
  it('keeps the order on the other way, and is tried as often there as anywhere', async () => {
    await policy(chain);
    let troubles = 2;
    bench.carrier.respond = ({ sender }) => {
      if (sender !== OURS) throw new SendError('rejected', 'permanent', { errorCode: 63016 });
      if (troubles-- > 0) throw new SendError('unreachable', 'retryable');
    };
    const [first, second] = [await bench.queue(whatsapp(), 'first'), await bench.queue(whatsapp(), 'second')];
    dispatcher.wake(whatsapp());
    await bench.reaches(first, 'accepted');
    await bench.reaches(second, 'accepted');
    const bySms = bench.carrier.sent.filter(({ sender }) => sender === OURS).map(({ body }) => body);
    expect(bySms).toEqual(['first', 'first', 'first', 'second']);
  });
  it('too late goes on with time of its own', async () => {
    await policy(chain);
    const id = await bench.queue(whatsapp(), 'late', -1);
    await bench.db.pool.query("update delivery.delivery set created_at = now() - interval '1 hour'");
    dispatcher.wake(whatsapp());
    await bench.reaches(id, 'accepted');
    expect(bench.carrier.sent.map(({ sender }) => sender)).toEqual([OURS]);
  });
  it('and whose process died goes on from where the row says', async () => {
    await policy(chain);
    const id = await bench.queue(whatsapp(), 'hi');
    const died = new DeliveryStore(bench.db.pool, 'died');
    const claim = (await died.claim(whatsapp()))!;
    const leg = { channel: 'sms', sender: OURS, recipient: ann, codes: [63016] };
    await died.settle({ deliveryId: id, attempt: claim.attempt, state: 'queued', leg, legs: [] });
    dispatcher.wake(whatsapp());
    dispatcher.wake({ ...whatsapp(), ...leg });
    await bench.reaches(id, 'accepted');
    expect(bench.carrier.sent.map(({ sender }) => sender)).toEqual([OURS]);
  });
  it('falls back by the policy of its conversation, which lies over that of the account', async () => {
    await policy({ ...chain, author_name: 'never' });
    bench.carrier.respond = byWhatsapp(refuses(63016));
    const id = await bench.queue(whatsapp(), 'hi');
    const { rows: [row] } = await bench.db.pool.query<{ conversation_sid: string }>('select conversation_sid from delivery.delivery');
    await policy({ fallback: { ways: [{ sender: '+15550100009' }] } }, row!.conversation_sid);
    dispatcher.wake(whatsapp());
    await bench.reaches(id, 'accepted');
    expect(bench.carrier.sent.map(({ sender }) => sender)).toEqual(['whatsapp:+15550100100', '+15550100009']);
  });
});

it('a carrier is asked about the words it was sent', async () => {
  await policy({ author_name: 'always' });
  const id = await bench.queue(whatsapp(), 'hi');
  const user = newSid('US');
  await bench.db.pool.query("update model.message set author = 'ann'");
  await bench.db.pool.query(
    `with c as (insert into model.conversation (sid, account, chat_service_sid, attributes, state, created_at, updated_at, last_activity_at)
       select conversation_sid, account, 'IS', '{}', 'active', now(), now(), now() from delivery.delivery)
     insert into model.chat_user (sid, account, chat_service_sid, identity, friendly_name, attributes, role_sid, created_at, updated_at)
     values ($1, $2, 'IS', 'ann', 'Ann B', '{}', 'RL', now(), now())`, [user, bench.account],
  );
  bench.carrier.respond = () => {
    if (bench.carrier.sent.length === 1) throw new SendError('no_answer', 'ambiguous');
  };
  dispatcher.wake(whatsapp());
  await bench.reaches(id, 'accepted');
  expect(bench.carrier.asked.map(({ body }) => body)).toEqual(['Ann B: hi']);
  expect(bench.carrier.sent.map(({ body }) => body)).toEqual(['Ann B: hi', 'Ann B: hi']);
});

describe('a template in between', () => {
  const sid = newSid('HX');
  const template = async (status: string) => {
    await policy({ fallback: { ways: [{ template: sid }, { sender: OURS }] } });
    await bench.db.pool.query('delete from model.content_template');
    await bench.db.pool.query(
      `insert into model.content_template (sid, account, language, variables, types, approval, created_at, updated_at) values ($1, $2, 'en', '{}', $3, $4, now(), now())`,
      [sid, bench.account, { 'twilio/text': { body: 'News: {{1}}' } }, { name: 'news', status }]);
  };
  it('goes by the same sender, with the text in it', async () => {
    await template('approved');
    bench.carrier.respond = ({ rich }) => { if (!rich) throw new SendError('rejected', 'permanent', { errorCode: 63016 }); };
    const id = await deliver('two\nlines');
    await bench.reaches(id, 'accepted');
    expect(bench.carrier.sent.at(-1)).toMatchObject({ sender: 'whatsapp:+15550100100', body: 'News: two lines', rich: { kind: 'template', name: 'news' } });
    expect(await attempts(id)).toHaveLength(2);
  });
  it('keeps its place in the lane', async () => {
    await template('approved');
    bench.carrier.respond = ({ rich }) => { if (!rich) throw new SendError('rejected', 'permanent', { errorCode: 63016 }); };
    await bench.queue(whatsapp(), 'first');
    const second = await deliver('second');
    await bench.reaches(second, 'accepted');
    expect(bench.carrier.sent.filter(({ rich }) => rich).map(({ body }) => body)).toEqual(['News: first', 'News: second']);
  });
  it('that is not approved is passed over', async () => {
    await template('pending');
    bench.carrier.respond = byWhatsapp(refuses(63016));
    const id = await deliver();
    await bench.reaches(id, 'accepted');
    expect(bench.carrier.sent.map(({ sender }) => sender)).toEqual(['whatsapp:+15550100100', OURS]);
  });
});

describe('a report of a failure, after the carrier took it', () => {
  const failsLater = async () => {
    await policy(chain);
    const id = await deliver();
    await bench.reaches(id, 'accepted');
    const former = bench.carrier.known.get(id)!;
    bench.carrier.known.clear(); // another carrier, another id
    await report(former, 'undelivered', { errorCode: 63024, carrierCode: '131026' });
    return { id, former };
  };
  it('sends it on, and keeps what the carrier said', async () => {
    const { id } = await failsLater();
    await until(() => bench.carrier.sent.length === 2);
    await bench.reaches(id, 'accepted');
    expect(bench.carrier.sent[1]).toMatchObject({ sender: OURS, recipient: ann });
    expect((await attempts(id))[0]).toMatchObject({ error_code: 63024, carrier_code: '131026' });
    expect(bench.played.reports).toEqual([]);
  });
  it('that is repeated, or of an earlier way, changes nothing', async () => {
    const { id, former } = await failsLater();
    await bench.reaches(id, 'accepted');
    for (const status of ['undelivered', 'failed', 'sent'] as const) await report(former, status, { deliveryId: id, errorCode: 63024 });
    expect(await bench.state(id)).toBe('accepted');
    expect(bench.carrier.sent).toHaveLength(2);
  });
  it('does not hide that it arrived after all', async () => {
    const { id, former } = await failsLater();
    await report(former, 'delivered', { deliveryId: id });
    expect(await bench.state(id)).toBe('delivered');
  });
  it('may come before the answer to the send', async () => {
    await policy(chain);
    let first = true;
    bench.carrier.respond = async ({ deliveryId }) => {
      if (!first) return;
      first = false;
      await report(newSid('SM'), 'failed', { deliveryId, errorCode: 63024 });
    };
    const id = await deliver();
    await bench.reaches(id, 'accepted');
    expect(bench.carrier.sent.map(({ sender }) => sender)).toEqual(['whatsapp:+15550100100', OURS]);
  });
});

describe('quiet hours', () => {
  const clock = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16);
  /** An hour before and after the moment that many hours from now. */
  const around = (hours: number) => ({ start: clock(hours - 1), end: clock(hours + 1), time_zone: 'UTC' });
  const putOff = (id: string) => until(async () => (await bench.db.pool.query("select 1 from delivery.delivery where delivery_id = $1 and waits_for = 'quiet_hours' and due_at > now() + interval '20 minutes'", [id])).rowCount === 1);
  /** As if so much time had passed; the policy stays as old as it is. */
  const pass = (minutes: number) => bench.db.pool.query(
    `update delivery.delivery set created_at = created_at - i, deadline = deadline - i, deadline_since = deadline_since - i, due_at = due_at - i from (select $1 * interval '1 minute' as i) p`, [minutes]);
  /** The hours that are in force have always been. */
  const always = () => bench.db.pool.query('delete from delivery.quiet_hours_past');
  /** Hours so that this much of them is over; they end now, to the minute. */
  const endingNow = (minutes: number) => ({ start: clock(-minutes / 60), end: clock(0), time_zone: 'UTC' });
  const fate = async (id: string) => [await bench.state(id), (await bench.row(id)).error_code];
  it('are waited for, beyond the deadline; no attempt is counted', async () => {
    await policy({ quiet_hours: around(0) });
    const id = await deliver();
    await putOff(id);
    expect([await attempts(id), bench.carrier.sent]).toEqual([[], []]);
  });
  it('are no time of what they held up, nor of what waits behind it', async () => {
    await policy({ quiet_hours: around(0) });
    const [first, second] = [await deliver('first'), await bench.queue(whatsapp(), 'second')];
    await putOff(first);
    await bench.db.pool.query('update delivery.routing_policy set policy = $1', [{ quiet_hours: endingNow(300) }]);
    await always();
    await pass(120); // last: from then on it is due, for whoever looks
    dispatcher.wake(whatsapp());
    for (const id of [first, second]) await until(async () => ['accepted', 'failed'].includes(await bench.state(id)));
    expect([await fate(first), await fate(second)]).toEqual([['accepted', 0], ['accepted', 0]]);
    expect(bench.carrier.bodies()).toEqual(['first', 'second']);
  });
  it('are no time of what a change of them frees early', async () => {
    const policies = new RoutingPolicies(bench.db.pool);
    const sid = newSid('RP');
    await policies.create(sid, bench.account, null, { quiet_hours: around(0) });
    await always();
    const [first, second] = [await deliver('first'), await bench.queue(whatsapp(), 'second')];
    await putOff(first);
    await pass(40);
    await policies.remove(bench.account, sid);
    dispatcher.wake(whatsapp());
    await until(async () => ['accepted', 'failed'].includes(await bench.state(second)));
    expect([await fate(first), await fate(second)]).toEqual([['accepted', 0], ['accepted', 0]]);
  });
  it.each([
    ['began only after the time was up', endingNow(60)],
    ['are of another channel', { ...endingNow(300), channels: ['sms'] }],
    ['came into force only after the time was up', endingNow(300), false],
  ])('that %s leave the deadline as it is', async (_what, hours, old = true) => {
    await policy({ quiet_hours: hours });
    if (old) await always();
    const id = await bench.queue(whatsapp(), 'late');
    await pass(120);
    dispatcher.wake(whatsapp());
    await bench.reaches(id, 'failed');
    expect(await fate(id)).toEqual(['failed', 30036]);
  });
  it('before a dead letter was replayed give it no time', async () => {
    await policy({ quiet_hours: endingNow(300) });
    await always();
    const id = await bench.queue(whatsapp(), 'late');
    await pass(120);
    await bench.db.pool.query("update delivery.delivery set state = 'failed', dead_letter = true");
    await replayDeadLetters(bench.db.pool, [id], -1);
    dispatcher.wake(whatsapp());
    await bench.reaches(id, 'failed');
    expect(await fate(id)).toEqual(['failed', 30036]);
  });
  it('that have passed do not make retries hurry', async () => {
    await policy({ quiet_hours: endingNow(300) });
    await always();
    const id = await bench.queue(whatsapp(), 'hi');
    await pass(120);
    const claim = (await new DeliveryStore(bench.db.pool, 'one').claim(whatsapp()))!;
    expect(claim.expired).toBe(false);
    await new DeliveryStore(bench.db.pool, 'one').settle({ deliveryId: id, attempt: claim.attempt, state: 'queued', dueInMillis: 120_000, quietMillis: claim.quietMillis });
    const { rows: [row] } = await bench.db.pool.query<{ wait: number }>('select extract(epoch from due_at - now())::float as wait from delivery.delivery');
    expect(row!.wait).toBeGreaterThan(60);
  });
  it('that change leave alone what waits for something else', async () => {
    const policies = new RoutingPolicies(bench.db.pool);
    const sid = newSid('RP');
    await policies.create(sid, bench.account, null, { quiet_hours: around(0) });
    const id = await bench.queue(whatsapp(), 'hi');
    // By chance until the moment at which the hours end.
    await bench.db.pool.query(`update delivery.delivery set due_at = date_trunc('minute', now()) + interval '1 hour', waits_for = 'daily_cap'`);
    const waits = async () => (await bench.db.pool.query('select due_at, deadline from delivery.delivery where delivery_id = $1', [id])).rows[0];
    const before = await waits();
    await policies.remove(bench.account, sid);
    expect(await waits()).toEqual(before);
  });
  it('that change wait for no worker', async () => {
    const policies = new RoutingPolicies(bench.db.pool);
    const sid = newSid('RP');
    await policies.create(sid, bench.account, null, { quiet_hours: around(0) });
    await bench.queue(bench.lane(), 'hi');
    await bench.db.pool.query(
      `insert into delivery.delivery (delivery_id, account, conversation_sid, message_sid, message_index, participant_sid, channel, sender, recipient, deadline)
       select 'DY' || n, account, conversation_sid, message_sid, 0, participant_sid, channel, sender, recipient || n, deadline from delivery.delivery, generate_series(1, 2499) n`);
    await bench.db.pool.query("update delivery.delivery set due_at = now() + interval '1 hour', waits_for = 'quiet_hours'");
    await transaction(bench.db.pool, async (tx) => {
      await tx.query("select 1 from delivery.delivery where delivery_id = 'DY7' for update");
      await policies.remove(bench.account, sid);
      const { rows } = await tx.query('select count(*)::integer as waiting, min(delivery_id) as one from delivery.delivery where due_at > clock_timestamp()');
      expect(rows).toEqual([{ waiting: 1, one: 'DY7' }]);
    });
  });
  it.each([
    ['are removed', (policies: RoutingPolicies, sid: string) => policies.remove(bench.account, sid)],
    ['become others', (policies: RoutingPolicies, sid: string) => policies.update(bench.account, sid, { media: 'refuse' })],
    ['are not those of this conversation any more', async (policies: RoutingPolicies) => {
      const { rows: [row] } = await bench.db.pool.query<{ conversation_sid: string }>('select conversation_sid from delivery.delivery');
      await policies.create(newSid('RP'), bench.account, row!.conversation_sid, { quiet_hours: { ...around(6), channels: ['email'] } });
    }],
  ])('that %s hold up nothing from then on', async (_what, change) => {
    const policies = new RoutingPolicies(bench.db.pool);
    const sid = newSid('RP');
    await policies.create(sid, bench.account, null, { quiet_hours: around(0) });
    const id = await deliver();
    const held = async () => (await bench.db.pool.query("select 1 from delivery.delivery where delivery_id = $1 and due_at > now() + interval '10 minutes'", [id])).rowCount === 1;
    await until(held);
    await change(policies, sid);
    expect(await held()).toBe(false);
    dispatcher.wake(whatsapp());
    await bench.reaches(id, 'accepted');
  });
  it('that stay as they are wait on, with the same deadline', async () => {
    const policies = new RoutingPolicies(bench.db.pool);
    const [sid, hours] = [newSid('RP'), around(0)]; // one clock: a minute may end meanwhile
    await policies.create(sid, bench.account, null, { quiet_hours: hours });
    const id = await deliver();
    const held = async () => (await bench.db.pool.query("select deadline from delivery.delivery where delivery_id = $1 and due_at > now() + interval '10 minutes'", [id])).rows[0]?.deadline as string | undefined;
    await until(async () => (await held()) !== undefined);
    const before = Date.parse((await held())!);
    await policies.update(bench.account, sid, { quiet_hours: hours, media: 'refuse' });
    dispatcher.wake(whatsapp());
    await until(async () => (await held()) !== undefined);
    expect(Math.abs(Date.parse((await held())!) - before)).toBeLessThan(30_000);
    expect(bench.carrier.sent).toEqual([]);
  });
});

it('files go as links from a sender that takes none', async () => {
  const id = await bench.queue(bench.lane(), '');
  const sid = newSid('ME');
  await bench.db.pool.query("insert into media.media (sid, account, state, size, content_type) values ($1, $2, 'stored', 10, 'image/png')", [sid, bench.account]);
  await bench.db.pool.query('update model.message set media = $1', [JSON.stringify([{ sid }])]);
  const { rows: [row] } = await bench.db.pool.query<Lane>('select account, channel, sender, recipient from delivery.delivery');
  Object.assign(bench.carrier.limits, { mediaMax: 0 });
  dispatcher.wake(row!);
  await bench.reaches(id, 'accepted');
  expect(bench.carrier.sent).toMatchObject([{ body: `https://p.example/${sid}`, media: [] }]);
});
