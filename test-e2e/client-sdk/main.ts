/**
 * `npm run client-sdk -- <version> [--conversations N] [--busy <identity>]`: an application made with the official client SDK, two people in it, against a
 * running installation (PARLEY_HOME, `.parley/` without it). `--busy` names somebody who is in N conversations already. What each of them does and what the other is told of are named steps, told as TAP.
 */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { RestClient } from '../../tools/bench/rest-client.ts';
import type { Cast } from './cast.ts';
import { breaks } from './chapter-breaks.ts';
import { conversations, partings } from './chapter-conversations.ts';
import { many } from './chapter-many.ts';
import { files, messages, receipts, templates } from './chapter-messages.ts';
import { changes, push, reachability, reading, roles, typing } from './chapter-people.ts';
import { tokens } from './chapter-tokens.ts';
import { SdkClient, type Server } from './sdk-client.ts';
import { Steps } from './steps.ts';
import { sdkVersions, type SdkVersion } from './versions.ts';

const { positionals: [given], values: { conversations: count, busy } } = parseArgs({
  allowPositionals: true, options: { conversations: { type: 'string', default: '1000' }, busy: { type: 'string' } },
});
const version = sdkVersions.find((each) => each === given) ?? quit(`which version: ${sdkVersions.join(', ')}?`);
try {
  await run(version, Number(count));
  process.exit(0); // timers of the SDK may wait for hours
} catch (error) {
  console.log(error instanceof Error ? (error.stack ?? error.message).replace(/^/gm, '# ') : error);
  process.exit(1);
}

async function run(version: SdkVersion, count: number): Promise<void> {
  const steps = new Steps();
  const access = JSON.parse(readFileSync(join(process.env['PARLEY_HOME'] ?? '.parley', 'run.json'), 'utf8')) as Cast['access'];
  const rest = new RestClient(access);
  const server: Server = { access, version, steps };
  const mark = randomInt(1_000_000);
  const name = (who: string) => `${who} ${version} ${mark}`;
  const number = () => `+1555${String(randomInt(10_000_000)).padStart(7, '0')}`;
  await rest.post(`/v1/Services/${access.serviceSid}/Configuration`, { ReachabilityEnabled: 'true' });
  const [alice, bob] = await steps.step('alice and bob are initialised', () => Promise.all([SdkClient.start(server, name('alice')), SdkClient.start(server, name('bob'))]));
  const cast: Cast = { ...server, access, rest, step: steps.step, name, number, alice, bob };
  const shared = await conversations(cast);
  await messages(cast, shared);
  await files(cast, shared);
  await templates(cast, shared);
  await typing(cast, shared);
  await reading(cast, shared);
  await changes(cast, shared);
  await roles(cast, shared);
  await reachability(cast);
  await push(cast);
  await receipts(cast);
  await breaks(cast, shared);
  await partings(cast, shared);
  await tokens(cast);
  await many(cast, count, busy);
  await Promise.all([alice.stop(), bob.stop()]);
  steps.end();
}

function quit(why: string): never {
  console.error(why);
  process.exit(2);
}
