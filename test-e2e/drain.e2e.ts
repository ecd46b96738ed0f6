/**
 * An instance of realtime-gateway ends while people write: its clients, of both protocols, go on at the other one, and nobody is
 * told of anything twice or not at all.
 */
import { Balancer } from './balancer.js';
import { Caller } from './caller.js';
import { Follower } from './client-sdk/follower.js';
import { sdkVersions } from './client-sdk/versions.js';
import { Parley, START_MS, until } from './installation.js';
import { Thread } from './thread.js';

const STORY_MS = 180_000;
const MEMBERS = 24;
/** After this long it would have been killed: it ended by itself. */
const END_MILLIS = 10_000;

describe('an instance of realtime-gateway that ends', () => {
  let parley: Parley;
  let balancer: Balancer;
  const stops: (() => Promise<void> | void)[] = [];
  beforeAll(async () => {
    parley = await Parley.start({ services: true });
  }, START_MS);
  afterAll(async () => {
    for (const stop of stops) await stop();
    await balancer?.close();
    await parley?.stop();
  }, START_MS);

  it('hands its clients over: what each was told is the log', async () => {
    const { installation } = parley;
    const second = await installation.addInstance('realtime-gateway');
    const first = { url: new URL(installation.info.wsUrl.replace(/^ws/, 'http')).origin, process: installation.apps['realtime-gateway']! };
    balancer = await Balancer.before([first.url, second.url]);
    const caller = new Caller(parley.account, { ...installation.info, wsUrl: `ws://${balancer.host}/v1/stream` });
    const thread = await Thread.open(caller, 'Moving house', { members: MEMBERS, sms: 0, whatsapp: 0 });
    stops.push(() => thread.leave());
    const followers = await Promise.all(sdkVersions.map(async (version) => {
      const identity = `sdk ${version}`;
      await caller.post(`${thread.path}/Participants`, { Identity: identity });
      const follower = await Follower.start(installation.home, version, identity, thread.sid, `ws://${balancer.host}/v3/wsconnect`);
      stops.push(() => follower.stop());
      return follower;
    }));

    let writing = true;
    const writers = Promise.all([1, 2].map(async (writer) => {
      for (let n = 0; writing; n++) await thread.post(`${writer}: ${n}`);
    }));
    await until(async () => thread.answered > 20, 'people write');
    const gone = () => thread.members.filter(({ closeCodes }) => closeCodes.length > 0);
    const ended = first.process.stop();
    const begin = performance.now();
    await until(async () => gone().length > 0, 'the first client is sent away');
    expect(await Balancer.isReady(first.url)).toBe(false); // since before that
    await ended;
    expect(performance.now() - begin).toBeLessThan(END_MILLIS);
    const [moved, posted] = [gone(), thread.posts.length];
    expect(moved.length).toBeGreaterThanOrEqual(MEMBERS / 3); // the other half was there already
    expect(new Set(moved.flatMap(({ closeCodes }) => closeCodes))).toEqual(new Set([1001]));
    await until(async () => thread.posts.length > posted + 20, 'people go on writing');
    writing = false;
    await writers;

    await thread.check();
    const log = (await thread.messages()).map(({ body }) => body);
    for (const { added, identity } of followers) await until(async () => added.length >= log.length, `${identity} has everything`);
    for (const { added } of followers) expect(added).toEqual(log);
    expect(await Promise.all(followers.map((follower) => follower.ending()))).toEqual(['', '', '']);
  }, STORY_MS);
});
