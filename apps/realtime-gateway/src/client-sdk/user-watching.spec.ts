/** Looking at a user: nothing that happens to him between the first read and the watch is lost, and only a cancellation of this watch ends it. */
import type { LogEvent } from '@parley/domain/event';
import type { ClientSession } from './client-session.js';
import type { Rooms } from './rooms.js';
import { Subscriptions } from './subscriptions.js';
import { sidOf } from './sync-names.js';
import type { InfoRow } from './sync-data.js';
import type { SyncReads } from './sync-reads.js';
import { UserObjects } from './user-objects.js';

const bob = `US${'3'.repeat(32)}`;
const began = Date.now();
const rowOf = (friendly_name: string, updated: number): InfoRow =>
  ({ sid: bob, identity: 'bob', friendly_name, attributes: '{}', updated_at: new Date(updated).toISOString(), reachable: false, notifiable: false });

class World {
  row = rowOf('Bob', began - 60_000);
  /** What happens the moment he was read. */
  afterRead = (): void => {};
  readonly told: { event_type: string; event?: { item_key: string; item_data: unknown } }[] = [];
  private readonly reads = { info: () => { const { row } = this; this.afterRead(); return Promise.resolve(row); } } as unknown as SyncReads;
  readonly users = new UserObjects(this.reads, () => Promise.resolve(false), () => {});
  private readonly subscriptions = new Subscriptions({} as never, this.reads, {} as Rooms, this.users, 100);
  private chain: Promise<void> = Promise.resolve();
  private id = began * 1_000;
  private readonly session = {
    open: true, principal: { account: 'AC1', service: 'IS1', identity: 'alice' }, subscriptions: new Map(), nextId: () => (this.id += 1), hold: () => true, release: () => {},
    inOrder: (work: () => Promise<void>) => (this.chain = this.chain.then(work)),
    send: (frame: Buffer) => void this.told.push(JSON.parse(String(frame).split('\r\n')[2]!)),
  } as unknown as ClientSession;

  async request(action: 'establish' | 'cancel', correlation: number): Promise<void> {
    this.subscriptions.enqueue(this.session, { action, correlation, objects: [{ sid: sidOf('info', bob), type: 'map', after: began * 1_000 }] });
    await this.settled();
  }
  /** Until what was asked, and what that led to, is answered. */
  async settled(): Promise<void> {
    for (let before; before !== this.chain;) await (before = this.chain);
  }
  get watched(): number { return this.users.watching(this.session); }
}

it('a name that changed after it was read, and before it was watched, is told', async () => {
  const world = new World();
  world.afterRead = () => {
    world.afterRead = () => {};
    world.row = rowOf('Robert', began + 60_000);
    world.users.publish({ type: 'UserUpdated', account: 'AC1', data: { sid: bob, friendly_name: 'Robert' } } as unknown as LogEvent);
  };
  await world.request('establish', 1);
  expect(world.told.map(({ event_type }) => event_type)).toContain('subscription_established');
  expect(world.told.filter(({ event }) => event?.item_key === 'friendlyName').map(({ event }) => event!.item_data)).toEqual([{ value: 'Robert' }]);
});

it('of a user who did not change, nothing is told', async () => {
  const world = new World();
  await world.request('establish', 1);
  expect(world.told.map(({ event_type }) => event_type)).toEqual(['subscription_established']);
});

it('a cancellation that comes late does not end what was asked for since; one in time does', async () => {
  const world = new World();
  await world.request('establish', 20);
  await world.request('cancel', 10);
  expect(world.watched).toBe(1);
  await world.request('cancel', 30);
  expect(world.watched).toBe(0);
});
