/**
 * What a first start leaves in the folder of an installation, made once for all tests of a run and copied: making the databases
 * takes longer than starting on them. That a start in an empty folder works is launcher.e2e.ts' business.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startInstallation } from '../infra/local/installation.mjs';
import { waitUntil } from '../infra/local/wait-until.mjs';

/** Data and the secrets that belong to it; NATS and Redis begin empty. */
const KEPT = ['postgres', 'postgres.password', 'postgres-app.password', 'kek'];
const MAKING_MS = 240_000;
const run = promisify(execFile);

/** A folder of its own, to be removed by the caller. `env`: what the installation is not to take from ours. */
export async function freshHome(env: NodeJS.ProcessEnv): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'parley-e2e-'));
  const shared = process.env['TEST_HOMES'];
  if (!shared) return home;
  try {
    const made = await madeHome(shared, env);
    await run('cp', ['-a', ...KEPT.map((name) => join(made, name)), home]);
    return home;
  } catch (error) {
    await rm(home, { recursive: true, force: true });
    throw error;
  }
}

/** By the first who asks; tests run in several processes. */
async function madeHome(shared: string, env: NodeJS.ProcessEnv): Promise<string> {
  const made = join(shared, 'made');
  const making = join(shared, 'making');
  await mkdir(shared, { recursive: true });
  if (existsSync(made)) return made;
  const mine = await mkdir(making).then(() => true, () => false);
  if (!mine) {
    // Gone without a result: whoever was at it failed, and says why.
    await waitUntil(() => existsSync(made) || !existsSync(making), { timeoutMs: MAKING_MS });
    if (!existsSync(made)) throw new Error('the test that makes the first home has failed');
    return made;
  }
  try {
    const installation = await startInstallation({ home: making, port: 0, env });
    await installation.stop();
    await rename(making, made);
    return made;
  } catch (error) {
    await rm(making, { recursive: true, force: true });
    throw error;
  }
}
