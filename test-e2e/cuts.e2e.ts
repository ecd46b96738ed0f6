/**
 * The connection is cut at random moments, of clients of both protocols, while people write: at each client the sequence of
 * messages equals the log. PARLEY_CUTS=1000 makes it the long run; PARLEY_SEED repeats the moments of an earlier one.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../tools/chaos/random.ts';
import { Follower } from './client-sdk/follower.js';
import { sdkVersions } from './client-sdk/versions.js';
import { topology, until } from './installation.js';
import type { Member } from './member.js';
import { Stage } from './stage.js';
import type { Thread } from './thread.js';

const CUTS = Number(process.env['PARLEY_CUTS'] ?? 60);
const SEED = Number(process.env['PARLEY_SEED'] ?? Date.now() % 1_000_000);
const MEMBERS = 6;
/** The official SDK comes back after a second: of the cuts it gets one in five. */
const SDK_CUTS = Math.ceil(CUTS / 5 / sdkVersions.length);
const OWN_CUTS = Math.ceil((CUTS - SDK_CUTS * sdkVersions.length) / MEMBERS);
const OWN_BETWEEN_MILLIS = 120;
const SDK_BETWEEN_MILLIS = 1_200;
const DOWN_MILLIS = 30;
const WRITERS = 2;
const STORY_MS = 180_000 + CUTS * 1_000;

describe(`connections that are cut ${CUTS} times (${topology}), PARLEY_SEED=${SEED}`, () => {
  const stage = new Stage(topology);
  const random = new Random(SEED);
  const followers: Follower[] = [];
  afterAll(() => { for (const follower of followers) follower.stop(); });

  it('lose and double nothing', async () => {
    const thread = await stage.open('Cut', { members: MEMBERS, sms: 0, whatsapp: 0 });
    await Promise.all(sdkVersions.map((version) => follow(thread, version)));
    let cutting = true;
    const writing = Promise.all(Array.from({ length: WRITERS }, async (_, writer) => {
      const luck = random.branch();
      for (let n = 0; cutting; n++) {
        await thread.post(`${writer}: ${n}`);
        await pause(luck.between(0, 20));
      }
    }));
    const cuts = (await Promise.all([...thread.members.map(cutOwn), ...followers.map(cutOfficial)])).reduce((sum, each) => sum + each, 0);
    cutting = false;
    await writing;

    expect(cuts).toBeGreaterThanOrEqual(CUTS);
    await thread.check(); // of the members, too
    const log = (await thread.messages()).map(({ body }) => body);
    for (const { added, identity } of followers) await until(async () => added.length >= log.length, `${identity} has everything`);
    for (const { added } of followers) expect(added).toEqual(log);
    expect(await Promise.all(followers.map((follower) => follower.ending()))).toEqual(followers.map(() => ''));
    await stage.checkAll();
  }, STORY_MS);

  async function follow(thread: Thread, version: (typeof sdkVersions)[number]): Promise<void> {
    const { home, info } = stage.parley.installation;
    const identity = `sdk ${version}`;
    await stage.caller.post(`${thread.path}/Participants`, { Identity: identity });
    followers.push(await Follower.start(home, version, identity, thread.sid, info.clientWsUrl));
  }

  /** At any moment: subscribed, on its way back, or reading what it missed. */
  async function cutOwn(member: Member): Promise<number> {
    const luck = random.branch();
    let cuts = 0;
    while (cuts < OWN_CUTS) {
      await pause(luck.between(0, OWN_BETWEEN_MILLIS));
      if (member.cut()) cuts++;
    }
    return cuts;
  }

  async function cutOfficial(follower: Follower): Promise<number> {
    const luck = random.branch();
    let cuts = 0;
    while (cuts < SDK_CUTS) {
      await pause(luck.between(0, SDK_BETWEEN_MILLIS));
      if (await follower.cut(luck.between(0, DOWN_MILLIS))) cuts++;
    }
    return cuts;
  }
});
