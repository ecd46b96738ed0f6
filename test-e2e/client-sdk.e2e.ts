/**
 * An application made with the official client SDK, on every version we promise, in one process and as services: nearly a hundred
 * named steps each (client-sdk/main.ts). Nothing of the SDK is changed but the address it connects to.
 */
import { inParallel } from '../tools/bench/rest-client.ts';
import { Acceptance } from './client-sdk/acceptance.js';
import { protocolStories } from './client-sdk/protocol-stories.js';
import { sdkVersions, type SdkVersion } from './client-sdk/versions.js';
import { Parley, START_MS } from './installation.js';

const STORY_MS = 600_000;
const AT_ONCE = 32;

/** Where the thousand are made matters little, how often costs time. */
describe.each([['in one process', false, 1_000], ['as services', true, 200]])('the official client SDK %s', (_, services, many) => {
  const BUSY = 'in very many conversations';
  let parley: Parley;
  let runs: Record<SdkVersion, Acceptance>;
  beforeAll(async () => {
    parley = await Parley.start({ services });
    const { home } = parley.installation;
    runs = Object.fromEntries(sdkVersions.map((version) => [version, new Acceptance(home, version, '--busy', BUSY, '--conversations', String(many))])) as typeof runs;
  }, START_MS);
  afterAll(async () => {
    for (const run of Object.values(runs ?? {})) run.stop();
    await parley?.stop();
  }, START_MS);

  it(`somebody is brought into ${many} conversations meanwhile`, () => inParallel(many, AT_ONCE, async () => {
    const { conversations } = parley.sdk().conversations.v1;
    const { sid } = await conversations.create({});
    await conversations(sid).participants.create({ identity: BUSY });
  }), STORY_MS);

  it.each(sdkVersions)('%s: two people, step by step', async (version) => {
    const { passed, problem } = await runs[version].outcome;
    expect(problem).toBe('');
    expect(passed.length).toBeGreaterThanOrEqual(95);
  }, STORY_MS);

  if (!services) protocolStories(() => parley);
});
