/**
 * `node follow.ts <version> <identity> <conversation> <websocket>`: somebody with the official client SDK who follows one conversation of a running
 * installation (PARLEY_HOME), on a line that is cut when its parent says so. A process of its own: see acceptance.ts. The parent's side is follower.ts.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SdkClient, type Server } from './sdk-client.ts';
import { Steps } from './steps.ts';
import { sdkVersions } from './versions.ts';

export type Told = { following: true } | { added: string } | { cut: boolean } | { problem: string };
export type Order = { cut: true; downMillis: number } | { end: true };

const [given, identity = '', conversation = '', clientWsUrl = ''] = process.argv.slice(2);
const version = sdkVersions.find((each) => each === given)!;
const run = JSON.parse(readFileSync(join(process.env['PARLEY_HOME']!, 'run.json'), 'utf8')) as Server['access'];
const steps = new Steps();
const tell = (what: Told) => process.send!(what);

process.on('disconnect', () => process.exit(0)); // timers of the SDK may wait for hours
const client = await SdkClient.start({ access: { ...run, clientWsUrl }, version, steps }, identity);
await client.opened(conversation);
client.sdk.on('messageAdded', ({ body }: { body: string }) => tell({ added: body }));
process.on('message', (order: Order) => void ('cut' in order ? cut(order.downMillis) : end()));
tell({ following: true });

async function cut(downMillis: number): Promise<void> {
  steps.linesAreCut = true;
  tell({ cut: client.line.cut() > 0 });
  await pause(downMillis);
  client.line.mend();
}

function end(): void {
  let problem = '';
  try {
    steps.end();
  } catch (error) {
    problem = String((error as Error).stack);
  }
  tell({ problem });
}
