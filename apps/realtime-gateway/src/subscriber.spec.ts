/**
 * Subscribing against a log that moves: every interleaving of appends, the tail, the snapshot and the reads of the past must
 * give each fact once, in order, and to members only. Played on a small model of the log, many times with other luck.
 */
import type { LogEvent } from '@parley/domain/event';
import type { Pool } from '@parley/event-store/database';
import { shardOf } from '@parley/event-store/shard';
import type { Principal } from '@parley/event-store/access-token';
import { Hub } from './hub.js';
import { Replayer } from './replayer.js';
import type { Session } from './session.js';
import { Subscriber } from './subscriber.js';
import type { Subscription } from './subscription.js';

const account = `AC${'0'.repeat(32)}`;
const service = `IS${'0'.repeat(32)}`;
const at = '2026-11-22T19:02:23.123Z';
const rooms = [1, 2, 3].map((n) => `CH${String(n).repeat(32)}`);
/** mulberry32: the same luck every time. */
const dice = (seed: number) => (sides: number) => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % sides;
};
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

class World {
  readonly log: LogEvent[] = [];
  private readonly heads = new Array<number>(64).fill(0);
  private handedOut = 0;
  private readonly waiting: Array<() => void> = [];
  readonly members = new Map<string, string>();
  readonly hub: Hub;
  readonly subscriber: Subscriber;

  constructor(private readonly roll: (sides: number) => number, knowsServices: boolean) {
    this.hub = new Hub({
      subscriptionsPerSocketMax: 100, replay: (subscription) => replayer.start(subscription), serviceOf: () => this.answer(() => service),
    });
    if (knowsServices) for (const room of rooms) this.hub.remember(room, service);
    const readConversation = (_: number, conversation: string, after: number, limit = 500) =>
      this.answer(() => this.log.filter((e) => e.conversation === conversation && e.position > after).slice(0, limit));
    const replayer = new Replayer({ readConversation }, (subscription) => this.hub.leave(subscription));
    const query = ({ values }: { values: [string, string[], number[], string | string[], string?, (string[] | null)?] }) => this.answer(() => {
      const [, from, , who, , listed] = values;
      const found = Array.isArray(who) ? who.map((sid) => [sid])
        : [...this.members].filter(([sid]) => !listed || listed.includes(sid));
      const lasts = from.map((sid) => [sid, this.log.findLast((e) => e.conversation === sid)?.position ?? null]);
      return { rows: [{ heads: [...this.heads], found, lasts }] };
    });
    this.subscriber = new Subscriber({ query } as unknown as Pool, this.hub, replayer, 100);
  }

  append(conversation: string, type: string, data: Record<string, unknown>): LogEvent {
    const shard = shardOf(account, conversation);
    const event: LogEvent = {
      shard, position: ++this.heads[shard]!, stream: `conversation-${conversation}`, version: 1, account, conversation, type, schemaVersion: 1,
      eventId: 'e', recordedAt: at, data,
    };
    this.log.push(event);
    return event;
  }

  say(room: string): void {
    this.append(room, 'MessageAdded', {
      messageSid: 'IM', index: 0, author: 'x', participantSid: null, body: '', attributes: '{}', media: null, contentSid: null, createdAt: at, updatedAt: at,
    });
  }

  joinOrLeave(room: string): void {
    const participantSid = this.members.get(room);
    if (participantSid) {
      this.append(room, 'ParticipantRemoved', { participantSid, removedAt: at });
      this.members.delete(room);
    } else {
      const joined = `MB${this.log.length}`;
      this.append(room, 'ParticipantAdded', {
        participantSid: joined, identity: 'alice', binding: null, attributes: '{}', roleSid: null, createdAt: at, updatedAt: at,
      });
      this.members.set(room, joined);
    }
  }

  /** The tail's next facts. */
  handOut(most: number): void {
    const events = this.log.slice(this.handedOut, this.handedOut + most);
    this.handedOut += events.length;
    if (events.length > 0) this.hub.publish(events);
  }

  /** A database that looks at some later moment, and whose answer arrives at a still later one. */
  private answer<T>(look: () => T): Promise<T> {
    return new Promise((resolve) => this.waiting.push(() => {
      const seen = look();
      this.waiting.push(() => resolve(seen));
    }));
  }

  /** Tells the heads at the moment of the snapshot that was just asked for. */
  whenLookedAt(tell: (heads: number[]) => void): void {
    const look = this.waiting.at(-1)!;
    this.waiting[this.waiting.length - 1] = () => { tell([...this.heads]); look(); };
  }

  get busy(): boolean { return this.waiting.length > 0 || this.handedOut < this.log.length; }

  async step(): Promise<void> {
    const at = this.roll(this.waiting.length || 1);
    this.waiting.splice(at, 1)[0]?.();
    for (let n = 0; n < 3; n++) await turn();
  }
}

class Listener {
  readonly subscriptions = new Map<string, Subscription>();
  readonly all = undefined;
  readonly open = true;
  readonly backlogWithPending = 0;
  readonly got: Array<{ conversation: string; position: number }> = [];
  started: { positions: Record<string, number> } | undefined;
  heads: readonly number[] = [];
  constructor(readonly principal: Principal) {}
  enqueue(frame: Buffer): void {
    this.got.push(JSON.parse(frame.toString('utf8', frame[1] === 126 ? 4 : frame[1] === 127 ? 10 : 2)) as { conversation: string; position: number });
  }
  say(frame: object): void { this.started = frame as never; }
  refuse(): void {}
  end(_code?: number): void { throw new Error('ended'); }
  get session(): Session { return this as unknown as Session; }
}
const alice: Principal = { account, service, identity: 'alice', key: undefined, expiresAt: undefined };
const observer: Principal = { ...alice, identity: undefined, service: undefined };

/** What the log says this listener has to get of a room. */
function due(world: World, listener: Listener, room: string, subscribedTo: 'all' | string[], headAtStart: number): number[] {
  const events = world.log.filter((e) => e.conversation === room);
  const start = listener.started!.positions[room];
  if (listener.principal.identity === undefined) {
    const from = start ?? (subscribedTo === 'all' ? headAtStart : Infinity);
    return events.filter((e) => e.position > from).map((e) => e.position);
  }
  // A member at the snapshot gets on from his start up to his leaving; joins after the snapshot count when subscribed to all.
  let inside = start !== undefined;
  const positions: number[] = [];
  const leavingAtStart = inside ? events.find((e) => e.position > headAtStart && e.type === 'ParticipantRemoved')?.position ?? Infinity : -1;
  for (const { position, type } of events) {
    if (start !== undefined && position > start && position <= leavingAtStart) positions.push(position);
    if (position <= headAtStart) continue;
    if (type === 'ParticipantRemoved') {
      if (inside && position !== leavingAtStart) positions.push(position);
      inside = false;
      continue;
    }
    if (type === 'ParticipantAdded' && subscribedTo === 'all') inside = true;
    if (inside && position > leavingAtStart) positions.push(position);
  }
  return positions;
}

describe.each<[string, Principal, 'all' | 'some', boolean]>([
  ['a member of everything', alice, 'all', true], ['a member of everything, conversations unknown', alice, 'all', false],
  ['a member of some', alice, 'some', true], ['an observer of everything', observer, 'all', true], ['an observer of some', observer, 'some', true],
])('%s', (_, principal, scope, knowsServices) => {
  it('gets each fact once, in order, and no other, however the log moves', async () => {
    for (let seed = 1; seed <= 150; seed++) {
      const roll = dice(seed);
      const world = new World(roll, knowsServices);
      const listener = new Listener(principal);
      const subscribedTo = scope === 'all' ? 'all' as const : rooms.slice(0, 2);
      const change = () => {
        const room = rooms[roll(3)]!;
        if (roll(4) === 0) world.joinOrLeave(room);
        else world.say(room);
      };
      for (let n = roll(30); n > 0; n--) change();
      world.handOut(roll(40));
      const from = new Map<string, number>();
      for (const room of rooms.slice(0, 2)) {
        const past = world.log.filter((e) => e.conversation === room);
        if (past.length > 0 && roll(2) === 0) from.set(room, past[roll(past.length)]!.position);
      }
      const done = world.subscriber.subscribe(listener.session, { type: 'subscribe', id: undefined, conversations: subscribedTo, from: Object.fromEntries(from) });
      let heads: number[] = [];
      world.whenLookedAt((seen) => (heads = seen));
      for (let n = 0; n < 60; n++) {
        switch (roll(4)) {
          case 0: change(); break;
          case 1: world.handOut(1 + roll(4)); break;
          default: await world.step();
        }
      }
      while (world.busy) {
        world.handOut(5);
        await world.step();
      }
      await done;
      for (const room of rooms) {
        const got = listener.got.filter((f) => f.conversation === room).map((f) => f.position);
        expect([seed, room, got]).toEqual([seed, room, due(world, listener, room, subscribedTo, heads[shardOf(account, room)]!)]);
      }
    }
  });
});

it('reads the past once more when too much happened while it was read', async () => {
  const world = new World(dice(1), true);
  world.joinOrLeave(rooms[0]!);
  world.say(rooms[0]!);
  const listener = new Listener(alice);
  world.handOut(10);
  const done = world.subscriber.subscribe(listener.session, { type: 'subscribe', id: undefined, conversations: 'all', from: { [rooms[0]!]: 1 } });
  await world.step();
  await world.step(); // subscribed; the past is about to be looked at
  await world.step(); // it was looked at
  for (let n = 0; n < 1_200; n++) world.say(rooms[0]!);
  world.handOut(2_000);
  while (world.busy) await world.step();
  await done;
  expect(listener.got.map((f) => f.position)).toEqual(Array.from({ length: 1_201 }, (_, i) => i + 2));
});

describe('those who come back at once', () => {
  const fact = (world: World) => { world.say(rooms[0]!); return world.log.at(-1)!; };
  const turnOf = (world: World, count: number) => { for (let n = 0; n < count; n++) world.hub.publish([fact(world)]); };

  it('each get what passed since they began, though somebody is subscribing all the time', () => {
    const world = new World(dice(1), true);
    let before = world.hub.keepPassing();
    for (let n = 0; n < 200; n++) {
      const next = world.hub.keepPassing();
      turnOf(world, 100);
      expect(before()).toEqual(world.log.slice(n === 0 ? 0 : -200));
      before = next;
    }
    expect(before()).toHaveLength(100);
  });

  it('fail alone when they take too long', () => {
    const world = new World(dice(1), true);
    const slow = world.hub.keepPassing();
    turnOf(world, 9_000);
    const quick = world.hub.keepPassing();
    turnOf(world, 4_096);
    const last = world.hub.keepPassing();
    expect(quick()).toEqual(world.log.slice(-4_096));
    turnOf(world, 1);
    expect(slow()).toBeUndefined();
    expect(last()).toEqual(world.log.slice(-1));
    turnOf(world, 1);
    expect(world.hub.keepPassing()()).toEqual([]);
  });

  it('are sent away when the log runs away from them again and again', async () => {
    const world = new World(dice(1), true);
    const listener = new Listener(alice);
    const ends: number[] = [];
    listener.end = (code?: number) => void ends.push(code!);
    const done = world.subscriber.subscribe(listener.session, { type: 'subscribe', id: undefined, conversations: 'all' });
    for (let attempt = 1; attempt <= 3; attempt++) {
      turnOf(world, 4_097);
      await world.step();
      await world.step();
    }
    await done;
    expect([ends, listener.started]).toEqual([[1011], undefined]);
  });
});
