/** `npm run bench`: runs scenarios on installations of their own, prints what was promised beside what was measured. */
import { availableParallelism } from 'node:os';
import { describeMachine } from './machine.ts';
import { HELP, readOptions, type ScenarioName } from './options.ts';
import { reportLines } from './report.ts';
import { isReached, type Scenario, type ScenarioResult } from './scenario.ts';
import { fanout } from './scenarios/fanout.ts';
import { grow } from './scenarios/grow.ts';
import { idle } from './scenarios/idle.ts';
import { list } from './scenarios/list.ts';
import { outbound } from './scenarios/outbound.ts';
import { reconnect } from './scenarios/reconnect.ts';
import { start } from './scenarios/start.ts';
import { inbound, mixed, read } from './scenarios/steady.ts';
import { write } from './scenarios/write.ts';
import { TestInstallation } from './test-installation.ts';

const scenarios: Record<ScenarioName, Scenario> = { write, inbound, fanout, idle, reconnect, read, list, mixed, grow, outbound, start };

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => void TestInstallation.stopAll().then(() => process.exit(130)));

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await TestInstallation.stopAll();
  for (const home of TestInstallation.kept) process.stderr.write(`bench: data and logs are in ${home}\n`);
  process.exit();
}

/** 0 when every check held, whatever the figures; a figure below its target is a result, not a failure. */
async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (!options) {
    console.log(HELP);
    return 0;
  }
  const say = (line: string) => void process.stderr.write(`bench: ${line}\n`);
  const machine = describeMachine();
  const began = new Date().toISOString();
  const results: ScenarioResult[] = [];
  for (const name of options.scenarios) results.push(await scenarios[name]({ ...options, cores: availableParallelism(), say }));
  const { json, scenarios: _names, ...settings } = options;
  const reached = results.every(({ targets }) => targets.every(isReached));
  const topology = options.services ? 'services' : 'one process';
  const text = json
    ? JSON.stringify({ began, machine, topology, settings, reached, results })
    : reportLines(machine, results).join('\n');
  await new Promise((written) => process.stdout.write(`${text}\n`, written));
  return results.some(({ wrong }) => wrong > 0) ? 1 : 0;
}
