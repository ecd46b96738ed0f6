/**
 * P3: what carriers do twice, late, in the wrong order or halfway has one effect; P6: one that hangs delays nobody else, and
 * neither does a websocket that nobody reads. And: what nobody we know signed leaves no trace.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { connectDatabase } from '../infra/local/database.mjs';
import { anySid, report, text, webhook } from './carrier.js';
import { behaviourOfSender } from './handset.js';
import { until, type Topology } from './installation.js';
import { Stage } from './stage.js';

const TEST_MS = 540_000;
const HANGING_PROXY = '+15550100066';

describe.each<Topology>(['one', 'services'])('carriers as they are (%s)', (topology) => {
  const stage = new Stage(topology, { CARRIER_TIMEOUT_MILLIS: '2000', REALTIME_LAG_BYTES_MAX: '65536' });

  const query = async (sql: string): Promise<number> => {
    const client = await connectDatabase(stage.parley.installation.info.databaseUrl);
    try {
      return Number((await client.query<{ count: string }>(sql)).rows[0]!.count);
    } finally {
      await client.end();
    }
  };
  const webhooksAreHandled = () => until(async () => (await query("select count(*) from delivery.inbox where state = 'received' and attempts = 0")) === 0, 'webhooks are handled');

  /** Nothing of what happened before is on its way any more: who counts rows counts his own. */
  const quiet = async () => {
    await until(async () => (await query('select count(*) from simulator.callback where attempts = 0')) === 0, 'the simulator has said everything');
    await webhooksAreHandled();
    await until(async () => {
      const before = await rows();
      await pause(300);
      return (await rows()) === before;
    }, 'nothing is written any more');
  };
  const rows = () => query('select (select count(*) from delivery.inbox) + (select count(*) from log.event) + (select count(*) from delivery.delivery) as count');

  it('P3: reports that come twice, late and in the wrong order', async () => {
    const thread = await stage.open('Muddled reports', { sms: 3 });
    const [twice, backwards, late, both] = thread.handsets;
    await twice!.behave({ twice: true });
    await backwards!.behave({ outOfOrder: true, outcome: 'read' });
    await late!.behave({ delayMs: 500, twice: true, outOfOrder: true });
    await both!.behave({ twice: true, outOfOrder: true, outcome: 'read' });
    await Promise.all([thread.write(20), thread.text(5)]);
    await thread.check();
  }, TEST_MS);

  it('P3: reports repeated by hand long after, and false ones, change nothing', async () => {
    const thread = await stage.open('Replayed reports', { whatsapp: 0 });
    const [handset] = thread.handsets;
    await thread.write(2);
    await thread.check();
    const message = `${thread.path}/Messages/${thread.posts[0]!.answer!.sid}`;
    const receipts = () => stage.caller.all<{ sid: string; channel_message_sid: string; status: string; date_updated: string }>(`${message}/Receipts`, 'delivery_receipts');
    const before = await receipts();
    const [{ sid: receipt, channel_message_sid: carrierSid, status }] = before as [(typeof before)[0]];
    expect([before.length, status]).toEqual([1, 'delivered']);

    await quiet();
    const stored = () => query('select count(*) from delivery.inbox');
    const storedBefore = await stored();
    const statuses = ['queued', 'sent', 'delivered', 'delivered', 'undelivered', 'failed', 'sent'];
    const answers = await Promise.all(statuses.map((said) => webhook(stage.caller, `/twilio/status?delivery=${receipt}`, report(handset!, carrierSid, said))));
    expect(answers.map((answer) => answer.status)).toEqual(statuses.map(() => 200));
    const unknown = await webhook(stage.caller, `/twilio/status?delivery=${anySid('DY')}`, report(handset!, anySid('SM'), 'failed'));
    expect(unknown.status).toBe(200);
    // Those not said before, and the one about nothing of ours, which waits for its delivery to turn up.
    expect(await stored()).toBe(storedBefore + 4);
    await webhooksAreHandled();
    expect(await receipts()).toEqual(before);
    await thread.check();
  }, TEST_MS);

  it('P3: the same inbound message three times at once and once more is one message', async () => {
    const thread = await stage.open('Repeated webhook');
    const [handset] = thread.handsets;
    for (let n = 0; n < 10; n++) {
      const body = `inbound ${n}`;
      const fields = text(handset!, body);
      handset!.texts.push({ body, answered: true });
      const answers = await Promise.all([1, 2, 3].map(() => webhook(stage.caller, '/twilio/sms', fields)));
      answers.push(await webhook(stage.caller, '/twilio/sms', fields));
      expect(answers.map(({ status, text: answer }) => [status, answer.includes('<Response/>')])).toEqual(answers.map(() => [200, true]));
    }
    await webhooksAreHandled();
    await thread.check();
  }, TEST_MS);

  it('P3: accepted, and the connection dropped before we knew: asked about, not sent again', async () => {
    const thread = await stage.open('Dropped connection', { whatsapp: 0 });
    const [handset] = thread.handsets;
    await handset!.behave({ acceptThenDrop: true, times: 3 });
    await thread.write(6);
    await thread.check();
    expect((await handset!.received()).map(({ sends }) => sends)).toEqual([1, 1, 1, 1, 1, 1]);
  }, TEST_MS);

  it('P6: a sender whose carrier hangs delays nobody else', async () => {
    const hanging = await stage.open('Hanging carrier', { sms: 20, whatsapp: 1, smsProxy: HANGING_PROXY });
    const healthy = await stage.open('Healthy carrier');
    await behaviourOfSender(stage.caller, HANGING_PROXY, { hangMs: 60_000 });
    try {
      const begun = Date.now();
      await hanging.write(5);
      await healthy.write(20);
      await healthy.text(3);
      const answeredAfter = Date.now() - begun;
      await healthy.check();
      const byWhatsApp = hanging.handsets.at(-1)!; // the same messages through another sender
      await until(async () => (await byWhatsApp.received()).length === 5, 'the other sender of the same conversation delivers');
      expect(answeredAfter).toBeLessThan(30_000); // 25 answers that each waited for a hanging call would take longer
      expect((await Promise.all(hanging.handsets.slice(0, -1).map((handset) => handset.received()))).flat()).toEqual([]);
    } finally {
      await behaviourOfSender(stage.caller, HANGING_PROXY, undefined);
    }
    await hanging.check();
  }, TEST_MS);

  it('P6: a websocket that nobody reads is closed, everybody else gets everything, and so does it when it comes back', async () => {
    const thread = await stage.open('Unread websocket', { members: 3, sms: 0, whatsapp: 0 });
    const slow = thread.members[2]!;
    const metrics = new URL('/metrics', stage.caller.places.wsUrl.replace(/^ws/, 'http')).href;
    const lagged = async () => Number(/^parley_realtime_lagged_total (\d+)/m.exec((await stage.caller.call('GET', metrics)).text)?.[1] ?? 0);
    const before = await lagged();
    slow.stopReading();
    const attributes = { Attributes: JSON.stringify({ text: 'x'.repeat(4_000) }) };
    for (let n = 0; n < 1000 && (await lagged()) === before; n++) await Promise.all([0, 1, 2, 3].map((i) => thread.post(`large ${n} ${i} ${'€'.repeat(1_500)}`, attributes)));
    expect(await lagged()).toBe(before + 1);
    slow.read();
    await until(async () => slow.closeCodes.length > 0, 'it is told');
    expect(slow.closeCodes).toEqual([4008]);
    await thread.check();
    expect(thread.members.map(({ connections }) => connections)).toEqual([1, 1, 2]);
  }, TEST_MS);

  it('a webhook that nobody we know signed is refused and leaves no trace', async () => {
    const thread = await stage.open('Forged webhooks', { whatsapp: 0 });
    const [handset] = thread.handsets;
    const { authToken: other } = await stage.parley.newAccount();
    await quiet();
    const before = await rows();
    const fields = text(handset!, 'forged');
    const forged = [
      webhook(stage.caller, '/twilio/sms', fields, { signature: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' }),
      webhook(stage.caller, '/twilio/sms', fields, { signature: 'none' }),
      webhook(stage.caller, '/twilio/sms', fields, { token: other }),
      webhook(stage.caller, '/twilio/sms', fields, { url: 'https://elsewhere.example/webhooks/twilio/sms' }),
      webhook(stage.caller, '/twilio/sms', { ...fields, AccountSid: anySid('AC') }),
      webhook(stage.caller, `/twilio/status?delivery=${anySid('DY')}`, report(handset!, anySid('SM'), 'failed'), { token: other }),
    ];
    expect((await Promise.all(forged)).map(({ status }) => status)).toEqual(forged.map(() => 403));
    expect(await rows()).toBe(before);
    expect((await webhook(stage.caller, '/twilio/sms', fields)).status).toBe(200); // it was the signature
    handset!.texts.push({ body: 'forged', answered: true });
    await thread.check();
  }, TEST_MS);

  it('and in the end nothing more came, nothing vanished, and no part ended by itself', () => stage.checkAll());
});
