/** `npm run chaos`: a run full of faults, and a judgement that does not trust the system about itself. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TestInstallation } from '../bench/test-installation.ts';
import { check } from './checker.ts';
import { brokenInvariants } from './log-invariants.ts';
import { modelDifferences } from './model-comparison.ts';
import { HELP, readOptions, type ChaosOptions } from './options.ts';
import { play } from './play.ts';
import { Random } from './random.ts';
import { tamper } from './tampering.ts';

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => void TestInstallation.stopAll().then(() => process.exit(130)));

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`chaos: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await TestInstallation.stopAll();
  for (const home of TestInstallation.kept) process.stderr.write(`chaos: data, logs and evidence are in ${home}\n`);
  process.exit();
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (!options) {
    console.log(HELP);
    return 0;
  }
  const say = (line: string) => void process.stderr.write(`chaos: ${line}\n`);
  say(`seed ${options.seed}`);
  const installation = await TestInstallation.start({ services: options.services, say, env: { WEBHOOK_PRIVATE_TARGETS: 'allow' } });
  const result = await installation.during(async () => {
    const done = await run(installation, options, say);
    if (!done.good || options.keep) installation.keep();
    return done;
  });
  const { good, acknowledged, lost, doubled, reordered, findings } = result;
  if (!options.json) for (const finding of findings) console.log(finding);
  const line = `${acknowledged} acknowledged, ${lost} lost, ${doubled} doubled, ${reordered} reordered${good ? '' : ': NOT GOOD'} (seed ${options.seed})`;
  await new Promise((written) => process.stdout.write(`${options.json ? JSON.stringify(result) : line}\n`, written));
  return good ? 0 : 1;
}

async function run(installation: TestInstallation, { seed, seconds, services, tampering }: ChaosOptions, say: (line: string) => void) {
  const random = new Random(seed);
  const { evidence, happened, crashes, followedAfter, behind, doneAfter, left, connections } = await play(installation, seconds, random, say);
  writeFileSync(join(installation.home, 'evidence.json'), JSON.stringify({ seed, happened, crashes, evidence }));
  const tampered = tampering && tamper(evidence, tampering, random);
  if (tampered) say(`tampered with the evidence: ${tampered}`);
  const { findings, ...verdict } = check(evidence);
  const { databaseUrl } = installation.info;
  const asFindings = (error: unknown) => [error instanceof Error ? error.message : String(error)];
  const invariants = await brokenInvariants(databaseUrl).catch(asFindings);
  const model = await modelDifferences(databaseUrl, installation.home).catch(asFindings);
  // A handset's text at the simulator is not repeated, so a fault may leave it without an answer. Everything else is.
  const unanswered = [...evidence.posts, ...evidence.texts].filter(({ acknowledged }) => !acknowledged).length;
  const givenUp = [...evidence.posts, ...evidence.texts].filter((one) => one.trouble !== undefined && (one.attempts > 1 || 'refused' in one));
  const stuck = [
    ...(followedAfter === undefined ? [`not at the end of the log within its time: ${JSON.stringify(behind)}`] : []),
    ...(doneAfter === undefined ? [`not done within its time: ${JSON.stringify(left)}`] : []),
  ];
  const problems = verdict.lost + verdict.doubled + verdict.reordered + verdict.foreign + givenUp.length + invariants.length + model.length + stuck.length;
  return {
    good: problems === 0, seed, seconds, topology: services ? 'services' : 'one process', ...verdict, unanswered, givenUp: givenUp.length,
    followedAfterSeconds: followedAfter ?? null, doneAfterSeconds: doneAfter ?? null, websocketConnections: connections, crashes,
    faults: happened, ...(tampered && { tampered }),
    findings: [...findings, ...invariants, ...model, ...stuck, ...givenUp.slice(0, 5).map(({ body, attempts, trouble }) => `given up after ${attempts} attempts: ${body}: ${trouble}`)],
  };
}
