import { Redis } from 'ioredis';
import { isOnline, Presence, whoIsOnline, type Scope, type Somebody } from './presence.js';

const scope = { account: `AC${Math.random()}`, service: `IS${Math.random()}` };
const open: Redis[] = [];
const redis = (options = {}) => {
  const connection = new Redis(process.env['TEST_REDIS_URL']!, options);
  open.push(connection);
  return connection;
};
let asking: Redis;
beforeAll(() => (asking = redis()));
afterAll(async () => {
  await asking.del(`presence:${scope.account}/${scope.service}`);
  for (const connection of open) connection.disconnect();
});
const of = (identity: string): Somebody => ({ ...scope, identity });
const online = (identity: string) => isOnline(asking, of(identity));
/** Ends when somebody is told of; what else is told meanwhile is kept too. */
class Told {
  readonly all: string[] = [];
  private readonly waiting: { identity: string; done(): void }[] = [];
  /** How often. */
  times = 0;
  readonly listener = (_: Scope, identities: readonly string[]) => {
    this.times += 1;
    for (const identity of identities) {
      this.all.push(identity);
      const at = this.waiting.findIndex((each) => each.identity === identity);
      if (at >= 0) this.waiting.splice(at, 1)[0]!.done();
    }
  };
  of(identity: string): Promise<void> { return new Promise((done) => this.waiting.push({ identity, done })); }
}

it('knows who has a connection, however many', async () => {
  const told = new Told();
  const presence = new Presence(redis(), told.listener);
  const [came, went] = [told.of('ann'), told.of('ann')];
  presence.arrived(of('ann'));
  presence.arrived(of('ann'));
  await came;
  expect([await online('ann'), await online('bob')]).toEqual([true, false]);
  presence.left(of('ann'));
  expect(await online('ann')).toBe(true);
  presence.left(of('ann'));
  await went;
  expect(await online('ann')).toBe(false);
  expect(told.all).toEqual(['ann', 'ann']);
  await presence.stop();
});
it('tells of thousands at once in a few words, and of each the last that is true', async () => {
  const told = new Told();
  const presence = new Presence(redis(), told.listener);
  const crowd = Array.from({ length: 1_200 }, (_, n) => `crowd-${n}`);
  let [first, last] = [told.of('crowd-0'), told.of('crowd-1199')];
  for (const identity of crowd) presence.arrived(of(identity));
  await Promise.all([first, last]);
  expect([told.times, told.all.length]).toEqual([3, 1_200]);
  [first, last] = [told.of('crowd-599'), told.of('crowd-1199')];
  for (const identity of crowd) presence.left(of(identity));
  for (const identity of crowd.slice(600)) presence.arrived(of(identity));
  await Promise.all([first, last]);
  const there = [...(await whoIsOnline(asking, scope, crowd.slice(400, 800)))!];
  expect(there).toEqual(crowd.slice(400, 800).map((_, n) => n >= 200));
  await presence.stop();
});
it('knows who is still there on another instance', async () => {
  const told = new Told();
  const [one, two] = [new Presence(redis(), told.listener), new Presence(redis(), told.listener)];
  for (const presence of [one, two]) {
    const came = told.of('cat');
    presence.arrived(of('cat'));
    await came;
  }
  const left = told.of('cat');
  one.left(of('cat'));
  await left;
  expect(await online('cat')).toBe(true);
  await Promise.all([one.stop(), two.stop()]);
  expect(await online('cat')).toBe(false);
});
it('tells of whom an instance that died has left behind, and only then', async () => {
  const told = new Told();
  const dying = redis({ retryStrategy: null });
  const [dead, alive] = [new Presence(dying, told.listener, 1_500), new Presence(redis(), told.listener, 3_000)];
  for (const [presence, identity] of [[dead, 'dan'], [dead, 'eve'], [alive, 'eve'], [alive, 'fay']] as const) {
    const came = told.of(identity);
    presence.arrived(of(identity));
    await came;
  }
  const before = Date.now();
  const gone = told.of('dan');
  dying.disconnect();
  await gone;
  expect(Date.now() - before).toBeGreaterThan(500); // a beat may have been due at once, so a lease less a beat
  expect(await whoIsOnline(asking, scope, ['dan', 'eve', 'fay'])).toEqual([false, true, true]);
  await alive.stop();
  await dead.stop();
});
it('keeps accounts apart that name the same service', async () => {
  const told = new Told();
  const presence = new Presence(redis(), told.listener);
  const came = told.of('gil');
  presence.arrived({ ...of('gil'), account: 'AC-other' });
  await came;
  expect(await online('gil')).toBe(false);
  await presence.stop();
});
it('takes those along who are there when it stops', async () => {
  const told = new Told();
  const presence = new Presence(redis(), told.listener);
  const came = told.of('hal');
  presence.arrived(of('hal'));
  presence.arrived(of('hal'));
  await came;
  expect(await online('hal')).toBe(true);
  await presence.stop();
  expect(await online('hal')).toBe(false);
});
it('does not know without Redis', async () => {
  const away = new Redis({ lazyConnect: true, enableOfflineQueue: false });
  expect(await isOnline(away, of('ann'))).toBeNull();
  away.disconnect();
});
