import type { DeliveryReceipt, InboundMessage } from '@parley/channel/inbound-event';
import { DomainError } from '@parley/domain/domain-error';
import { newSid } from '@parley/domain/sid';
import { transaction } from '@parley/event-store/database';
import { DeliveryBench, until } from './delivery.testing.js';
import { Inbox, type InboxHandlers } from './inbox.js';
import { InboxStore } from './inbox-store.js';

let bench: DeliveryBench;
const open: Inbox[] = [];
beforeAll(async () => { bench = await DeliveryBench.open(); });
afterAll(() => bench.db.drop());
beforeEach(() => bench.clear());
afterEach(() => Promise.all(open.splice(0).map((inbox) => inbox.stop())));

const text = (body: string, from = '+15550100002'): InboundMessage => ({
  kind: 'message', channel: 'sms', from, to: '+15550100001', text: body, media: [], providerMessageId: `SM-${from}-${body}`, inReplyTo: null,
});
const status = (): DeliveryReceipt => ({
  kind: 'status', channel: 'sms', from: '+1', to: '+2', text: null, media: [], inReplyTo: null, providerMessageId: newSid('SM'), status: 'sent',
});

/** An inbox that notes what it handles; `fails` decides whether a message throws. */
async function inbox(owner = 'one', fails: (body: string) => Error | undefined = () => undefined, options: Partial<InboxHandlers> = {}, before: (store: InboxStore) => void = () => {}) {
  const handled: string[] = [];
  const store = new InboxStore(bench.db.pool, owner);
  before(store);
  const made = new Inbox(store, {
    message: async (_account, { text: body }) => {
      const error = fails(body!);
      if (error) throw error;
      handled.push(body!);
      return 'done';
    },
    status: async () => 'done',
    other: async () => 'done',
    ...options,
  }, 10);
  open.push(made);
  await made.start();
  return { handled, receive: (...events: Parameters<Inbox['receive']>[2]) => made.receive(bench.account, 'simulator', events), inbox: made, store };
}
const states = async () => {
  const { rows } = await bench.db.pool.query<{ state: string; count: number }>(
    'select state, count(*) from delivery.inbox group by state order by state');
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
};
/** What is put off is due, and with `owner` also what that process has in hand, as if its lease had ended. */
const due = (owner: string | null = null) =>
  bench.db.pool.query("update delivery.inbox set due_at = now() where state = 'received' and (owner is null or owner = $1)", [owner]);

describe('the inbox', () => {
  it('handles an event once, however often the carrier tells it', async () => {
    const { handled, receive } = await inbox();
    await Promise.all([receive(text('hi')), receive(text('hi')), receive(text('hi'), text('hi'))]);
    await receive(text('hi'));
    await until(async () => (await states())['done'] === 1);
    expect(handled).toEqual(['hi']);
    expect(await states()).toEqual({ done: 1 });
  });
  it.each([['NUL', 'a\0b', 'ab'], ['half a character', 'a\ud800b', 'a\ufffdb']])('stores what came with %s without it, and what came with that in one go', async (_what, dirty, clean) => {
    const { handled, receive } = await inbox();
    const from = (event: InboundMessage | DeliveryReceipt) => receive(event);
    // The first is stored alone, the others together once it is.
    await Promise.all([
      from(text('first')), from({ ...text(dirty, `+1555${dirty}`), providerMessageId: `id-${dirty}` }), from(text('other')), from({ ...status(), carrierCode: dirty }),
      from({ ...text('named'), attributes: { [dirty]: [{ deep: dirty }] } } as InboundMessage),
    ]);
    await until(async () => (await states())['done'] === 5);
    expect(handled.toSorted()).toEqual([clean, 'first', 'named', 'other'].toSorted());
    const { rows } = await bench.db.pool.query<{ event_key: string }>('select event_key from delivery.inbox');
    expect(rows.map(({ event_key }) => event_key)).toEqual(expect.arrayContaining([expect.stringContaining(`id-${clean}`)]));
  });
  it('forgets what an event said once it is done, but not what has to be fetched', async () => {
    const { receive } = await inbox();
    const media = [{ contentType: 'image/png', url: 'https://carrier.test/1' }];
    await receive(text('hi'), { ...text('look'), media });
    await until(async () => (await states())['done'] === 2);
    const { rows } = await bench.db.pool.query('select event from delivery.inbox order by id');
    expect(rows).toMatchObject([{ event: null }, { event: { media } }]);
  });
  it('keeps the order when one was stored and nobody was told, as the database went away', async () => {
    const { handled, receive, store } = await inbox();
    const real = store.store.bind(store);
    store.store = async (...args) => {
      await real(...args);
      throw new Error('connection lost');
    };
    await expect(receive(text('first'))).rejects.toThrow('connection lost');
    store.store = real;
    await receive(text('second'));
    await receive(text('first')); // the carrier tries again
    await receive(text('third'));
    await until(() => handled.length === 3);
    expect(handled).toEqual(['first', 'second', 'third']);
  });
  it('keeps the order of each sender', async () => {
    const { handled, receive } = await inbox();
    const senders = ['+1', '+2', '+3'];
    for (let n = 0; n < 20; n++) await Promise.all(senders.map((from) => receive(text(`${from} ${n}`, from))));
    await until(() => handled.length === 60);
    for (const from of senders)
      expect(handled.filter((body) => body.startsWith(`${from} `))).toEqual(Array.from({ length: 20 }, (_, n) => `${from} ${n}`));
  });
  it('lets nobody overtake a message that has to be tried again, and holds nobody else up', async () => {
    let failures = 2;
    const { handled, receive } = await inbox('one', (body) => (body === 'first' && failures-- > 0 ? new DomainError('unavailable') : undefined));
    await receive(text('first'), text('second'), text('elsewhere', '+9'));
    await receive(text('third'));
    await until(() => handled.length === 4);
    expect(handled[0]).toBe('elsewhere');
    expect(handled.slice(1)).toEqual(['first', 'second', 'third']);
  });
  it('gives up on a message that always fails for reasons of its own, and moves on', async () => {
    const { handled, receive } = await inbox('one', (body) => (body === 'poison' ? new Error('cannot') : undefined));
    await receive(text('poison'), text('next'));
    await until(async () => {
      await due();
      return (await states())['failed'] === 1;
    });
    await until(() => handled.length === 1);
    const { rows } = await bench.db.pool.query("select attempts, event->>'text' as text from delivery.inbox where state = 'failed'");
    expect(rows).toEqual([{ attempts: 9, text: 'poison' }]);
  });
  it('takes over at once what it had before a restart, and in order', async () => {
    const stuck = new InboxStore(bench.db.pool, 'one');
    for (const body of ['a', 'b', 'c']) await stuck.store({ account: bench.account, carrier: 'simulator', event: text(body) }, true);
    const { handled, receive } = await inbox('one');
    await receive(text('d'));
    await until(() => handled.length === 4);
    expect(handled).toEqual(['a', 'b', 'c', 'd']);
  });
  it('keeps the order when a restart could not take back what it had before', async () => {
    const stuck = new InboxStore(bench.db.pool, 'one');
    for (const body of ['a', 'b']) await stuck.store({ account: bench.account, carrier: 'simulator', event: text(body) }, true);
    const { handled, receive } = await inbox('one', undefined, undefined, (store) => {
      const real = store.disown.bind(store);
      store.disown = async () => { store.disown = real; throw new Error('connection lost'); };
    });
    await receive(text('c'));
    await until(() => handled.length === 3);
    expect(handled).toEqual(['a', 'b', 'c']);
  });
  describe('what nobody has in hand, when it is taken', () => {
    const left = (body: string) => new InboxStore(bench.db.pool, 'other').store({ account: bench.account, carrier: 'simulator', event: text(body) }, false);
    const owned = async () => (await bench.db.pool.query("select 1 from delivery.inbox where owner = 'one'")).rowCount! > 0;

    it('is not overtaken by what comes before the database has answered', async () => {
      const answer = Promise.withResolvers<void>();
      await left('a');
      const { handled, receive } = await inbox('one', undefined, undefined, (store) => {
        const real = store.take.bind(store);
        store.take = async (...args) => {
          const rows = await real(...args);
          if (rows.length > 0) await answer.promise;
          return rows;
        };
      });
      await until(owned);
      await receive(text('b'));
      await until(async () => (await bench.db.pool.query("select 1 from delivery.inbox where event->>'text' = 'b'")).rowCount === 1);
      answer.resolve();
      await until(() => handled.length === 2);
      expect(handled).toEqual(['a', 'b']);
    });
    it('is not overtaken when the answer is lost', async () => {
      const failing = Promise.withResolvers<void>();
      await left('a');
      const { handled, receive } = await inbox('one', undefined, undefined, (store) => {
        const real = store.take.bind(store);
        store.take = async (...args) => {
          if ((await real(...args)).length === 0) return [];
          store.take = real;
          await failing.promise;
          throw new Error('connection lost');
        };
      });
      await until(owned);
      await receive(text('b'));
      failing.resolve();
      await receive(text('c'));
      await until(() => handled.length === 3);
      expect(handled).toEqual(['a', 'b', 'c']);
    });
  });
  it('leaves alone what another process has in hand, and takes it over when that is silent', async () => {
    const silent = new InboxStore(bench.db.pool, 'other');
    for (const body of ['a', 'b']) await silent.store({ account: bench.account, carrier: 'simulator', event: text(body) }, true);
    const { handled, receive } = await inbox('one');
    await receive(text('c'), text('mine', '+9'));
    await until(async () => (await states())['done'] === 1);
    expect(handled).toEqual(['mine']);
    await due('other');
    await until(() => handled.length === 4);
    expect(handled.slice(1)).toEqual(['a', 'b', 'c']);
  });
  it('keeps the order of a sender whose messages arrive at two processes', async () => {
    const order: string[] = [];
    const note: Partial<InboxHandlers> = { message: async (_account, { text: body }) => { order.push(body!); return 'done'; } };
    const [one, two] = [await inbox('one', undefined, note), await inbox('two', undefined, note)];
    for (let n = 0; n < 30; n++) await [one, two][n % 2]!.receive(text(`${n}`));
    await until(() => new Set(order).size === 30);
    expect([...new Set(order)]).toEqual(Array.from({ length: 30 }, (_, n) => `${n}`));
  });
  it('stores what two processes are told at once, in whichever order each is told', async () => {
    const [one, two] = [new InboxStore(bench.db.pool, 'one'), new InboxStore(bench.db.pool, 'two')];
    const store = (by: InboxStore, bodies: string) => Promise.all([...bodies].map((body) => by.store({ account: bench.account, carrier: 'simulator', event: text(body) }, false)));
    const waiting = (processes: number) => until(async () =>
      (await bench.db.pool.query('select 1 from pg_stat_activity where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0')).rowCount === processes);
    const told: Promise<unknown>[] = [];
    await transaction(bench.db.pool, async (tx) => {
      await tx.query(`insert into delivery.inbox (account, carrier, event_key, event) values ($1, 'simulator', 'SM-+15550100002-b', '{}')`, [bench.account]);
      told.push(store(one, 'abc'));
      await waiting(1); // for b, with a in its hands
      told.push(store(two, 'ca')); // would wait for a with c in its hands, which the first one wants next
      await waiting(2);
    });
    await Promise.all(told);
    const { rows } = await bench.db.pool.query<{ key: string }>(`select event_key as key from delivery.inbox where event_key <> 'SM-+15550100002-b' order by event_key`);
    expect(rows.map(({ key }) => key.at(-1))).toEqual(['a', 'c']);
  });
  it('gives what was told together its order, whatever it is called', async () => {
    const store = new InboxStore(bench.db.pool, 'one');
    await Promise.all([...'zebra'].map((body) => store.store({ account: bench.account, carrier: 'simulator', event: text(body) }, false)));
    const { rows } = await bench.db.pool.query<{ key: string }>('select event_key as key from delivery.inbox order by id');
    expect(rows.map(({ key }) => key.at(-1)).join('')).toBe('zebra');
  });
  it('parks a status that matches nothing yet, and gives it up after five minutes', async () => {
    let known = false;
    const { receive } = await inbox('one', undefined, { status: async () => (known ? 'done' : 'unmatched') });
    await receive(status(), status());
    await until(async () => (await bench.db.pool.query('select 1 from delivery.inbox where attempts > 0')).rowCount === 2);
    expect(await states()).toEqual({ received: 2 });
    await bench.db.pool.query("update delivery.inbox set received_at = now() - interval '6 min', due_at = now() where id = (select min(id) from delivery.inbox)");
    await until(async () => (await states())['unmatched'] === 1);
    known = true;
    await due();
    await until(async () => (await states())['done'] === 1);
  });
  it('a correction that waits for its message holds up no other message', async () => {
    let corrected = 0;
    const { handled, receive } = await inbox('one', undefined, { other: async () => (handled.includes('gren') ? (corrected++, 'done') : 'unmatched') });
    await receive({ kind: 'edit', channel: 'sms', from: '+15550100002', to: '+15550100001', providerMessageId: 'SM-edit', editedMessageId: 'SM-+15550100002-gren', text: 'green' });
    await until(async () => (await bench.db.pool.query('select 1 from delivery.inbox where attempts > 0')).rowCount === 1);
    await receive(text('gren'), text('next'));
    await until(async () => (await states())['done'] === 3);
    expect([handled, corrected]).toEqual([['gren', 'next'], 1]);
  });
  it('stores but does not begin anything while it stops', async () => {
    const { handled, receive, inbox: stopping } = await inbox();
    await stopping.stop();
    await receive(text('hi'));
    expect(await states()).toEqual({ received: 1 });
    expect(handled).toEqual([]);
  });
});
