/** Connections that are listened to, of a carrier under the spec's control, in a real database. */
import { ChannelAdapter, type InboundSink } from '@parley/channel/channel-adapter';
import type { CarrierDefinition } from '@parley/channel/carrier-definition';
import type { InboundEvent } from '@parley/channel/inbound-event';
import { newSid } from '@parley/domain/sid';
import { Accounts } from '@parley/event-store/accounts';
import { CarrierListeners } from './carrier-listeners.js';
import { Carriers } from './carriers.js';
import { DeliveryBench, until } from './delivery.testing.js';

const open: Line[] = [];
let refusals = 0;
class Line extends ChannelAdapter {
  override readonly limits = { bodyCharsMax: 1, mediaBytesMax: 1, lookupDelayMillis: 0 };
  sink: InboundSink | undefined;
  constructor(readonly secret: string) { super(); }
  override async send(): Promise<never> { throw new Error('not played here'); }
  override parseWebhook(): never { throw new Error('not played here'); }
  override async listen(sink: InboundSink) {
    if (refusals-- > 0) throw new Error('not now');
    this.sink = sink;
    open.push(this);
  }
  override async close() { open.splice(open.indexOf(this), 1); }
}
/** A schema that takes everything. */
const anything = { parse: (value: unknown) => value } as never;
const definition: CarrierDefinition = {
  name: 'line', title: 'Line', channels: ['sms'], credentials: anything, settings: anything, rate: null,
  load: async () => ({ credentials }) => new Line((credentials as { secret: string }).secret),
};
let bench: DeliveryBench;
let carriers: Carriers;
let listeners: CarrierListeners;
const received: [string, string, InboundEvent[]][] = [];
beforeAll(async () => { bench = await DeliveryBench.open(); });
afterAll(() => bench.db.drop());
beforeEach(async () => {
  await bench.clear();
  refusals = 0;
  received.length = 0;
  const { pool, box } = bench.db;
  carriers = new Carriers({ channel: 'sms', pool, box, accounts: new Accounts(pool, box), publicUrl: 'https://p.test', simulatorUrl: 'http://s.test', find: (name) => (name === 'line' ? definition : undefined) });
  listeners = new CarrierListeners({ pool, carriers, names: ['line'], receive: async (...args) => { received.push(args); } });
  await listeners.start();
});
afterEach(async () => {
  await listeners.stop();
  expect(open).toEqual([]);
});

async function connect(secret: string): Promise<string> {
  const sid = newSid('CX');
  await bench.db.pool.query("insert into delivery.connection (sid, account, carrier, credentials) values ($1, $2, 'line', $3)", [sid, bench.account, bench.db.box.seal(JSON.stringify({ secret }))]);
  listeners.soon();
  return sid;
}
const secrets = () => open.map(({ secret }) => secret).sort();

describe('connections that listen', () => {
  it('are opened when they come, hand on what they hear, and send by the same session', async () => {
    const sid = await connect('a');
    await until(() => open.length === 1);
    await open[0]!.sink!.receive([]);
    expect(received).toEqual([[bench.account, 'line', []]]);
    expect(await carriers.adapterFor({ account: bench.account, carrier: 'line', connection: sid, version: 1 })).toBe(open[0]);
  });
  it('are opened again when they change, and closed when they go', async () => {
    const [first, second] = [await connect('a'), await connect('b')];
    await until(() => open.length === 2);
    await bench.db.pool.query('update delivery.connection set version = version + 1, credentials = $2 where sid = $1', [first, bench.db.box.seal('{"secret":"c"}')]);
    listeners.soon();
    await until(() => secrets().join() === 'b,c');
    await bench.db.pool.query('delete from delivery.connection where sid = $1', [second]);
    listeners.soon();
    await until(() => secrets().join() === 'c');
  });
  it('are closed while their account is not active', async () => {
    await connect('a');
    await until(() => open.length === 1);
    await bench.db.pool.query("update registry.account set status = 'suspended' where sid = $1", [bench.account]);
    listeners.soon();
    await until(() => open.length === 0);
  });
  it('that cannot be opened are tried again, and do not hold up others', async () => {
    refusals = 1;
    await connect('a');
    await until(() => refusals <= 0);
    await connect('b');
    await until(() => open.length === 2);
  });
});
