/**
 * The connection is cut at random moments, of clients of both protocols, while people write: at each client the sequence of
 * messages equals the log. PARLEY_CUTS=1000 makes it the long run; PARLEY_SEED repeats the moments of an earlier one.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../tools/chaos/random.ts';
import { BreakableLine } from './breakable-line.js';
import { Stage } from './stage.js';
import { topology, until } from './installation.js';
import type { Member } from './member.js';
import { SdkClient, sdkVersions } from './sdk-client.js';
import type { Thread } from './thread.js';

const CUTS = Number(process.env['PARLEY_CUTS'] ?? 100);
const SEED = Number(process.env['PARLEY_SEED'] ?? Date.now() % 1_000_000);
const MEMBERS = 6;
/** The official SDK comes back after a second: of the cuts it gets one in five. */
const SDK_CUTS = Math.ceil(CUTS / 5 / sdkVersions.length);
const OWN_CUTS = Math.ceil((CUTS - SDK_CUTS * sdkVersions.length) / MEMBERS);
const OWN_BETWEEN_MILLIS = 120;
const SDK_BETWEEN_MILLIS = 1_200;
const DOWN_MILLIS = 30;
const WRITERS = 2;
const STORY_MS = 30_000 + CUTS * 400;

describe(`connections that are cut ${CUTS} times (${topology}), PARLEY_SEED=${SEED}`, () => {
  const stage = new Stage(topology);
  const random = new Random(SEED);
  const stops: (() => Promise<void>)[] = [];
  afterAll(async () => { for (const stop of stops) await stop(); });

  it('lose and double nothing', async () => {
    const thread = await stage.open('Cut', { members: MEMBERS, sms: 0, whatsapp: 0 });
    const sdk = await Promise.all(sdkVersions.map((version) => official(thread, version)));
    let cutting = true;
    const writing = Promise.all(Array.from({ length: WRITERS }, async (_, writer) => {
      const luck = random.branch();
      for (let n = 0; cutting; n++) {
        await thread.post(`${writer}: ${n}`);
        await pause(luck.between(0, 20));
      }
    }));
    const cuts = (await Promise.all([...thread.members.map(cutOwn), ...sdk.map(cutOfficial)])).reduce((sum, each) => sum + each, 0);
    cutting = false;
    await writing;

    expect(cuts).toBeGreaterThanOrEqual(CUTS);
    await thread.check(20_000); // of the members, too
    const log = (await thread.messages()).map(({ body }) => body);
    for (const { client } of sdk) await until(async () => client.added.length >= log.length, `${client.identity} has everything`, 30_000);
    for (const { client } of sdk) expect(client.added).toEqual(log);
    await stage.checkAll();
  }, STORY_MS);

  async function official(thread: Thread, version: (typeof sdkVersions)[number]): Promise<{ client: SdkClient; line: BreakableLine }> {
    const identity = `sdk ${version}`;
    await stage.caller.post(`${thread.path}/Participants`, { Identity: identity });
    const line = await BreakableLine.to(stage.parley.installation.info.clientWsUrl);
    stops.push(() => line.close());
    const client = await SdkClient.start(stage.parley, version, identity, { uri: line.url });
    stops.unshift(() => client.stop());
    await client.conversation(thread.sid);
    return { client, line };
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

  async function cutOfficial({ line }: { line: BreakableLine }): Promise<number> {
    const luck = random.branch();
    let cuts = 0;
    while (cuts < SDK_CUTS) {
      await pause(luck.between(0, SDK_BETWEEN_MILLIS));
      if (line.cut() > 0) cuts++;
      await pause(luck.between(0, DOWN_MILLIS));
      line.mend();
    }
    return cuts;
  }
});
