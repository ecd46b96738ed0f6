/** An installation with history: stored with the services down; then they work it off, and the database comes to rest. */
import { connectDatabase } from '../../infra/local/database.mjs';
import { caughtUp } from './log-progress.ts';
import type { Member } from './member-socket.ts';
import type { ScenarioContext } from './scenario.ts';
import { seed, type SeedPlan } from './seed.ts';
import type { TestInstallation } from './test-installation.ts';

const CATCH_UP_SECONDS = 1800;

/** Returns the members of the plan's hot conversations. */
export async function withHistory(installation: TestInstallation, plan: SeedPlan, { say }: Pick<ScenarioContext, 'say'>): Promise<Member[]> {
  const apps = Object.values(installation.apps);
  await Promise.all(apps.map((app) => app.stop()));
  const members = await seed(installation, plan, say);
  await Promise.all(apps.map((app) => app.start()));
  say('history: waiting until consumers and relay have worked it off');
  await caughtUp(installation.info.databaseUrl, CATCH_UP_SECONDS);
  say('history: vacuum and checkpoint');
  const client = await connectDatabase(databaseOf(installation));
  await client.query('vacuum (analyze)');
  await client.query('checkpoint');
  await client.end();
  return members;
}

/** The product's database as the superuser sees it, who may vacuum and write checkpoints. */
export function databaseOf({ info, servers }: TestInstallation): string {
  const url = new URL(servers.postgres!.superuserUrl);
  url.pathname = new URL(info.databaseUrl).pathname;
  return url.href;
}
