/** Rounds of one load against one installation. */
import { LoadGenerator } from '../load-generator.ts';
import type { LoadKind } from '../load.ts';
import { measuredRound, type MeasuredRound } from '../measured-round.ts';
import type { Pace } from '../request-pool.ts';
import type { ScenarioContext, Target } from '../scenario.ts';
import type { TestInstallation } from '../test-installation.ts';

const WARM_UP_SECONDS = 5;

/** A load generator that has set up its conversations, connected, and warmed the code up at this pace. */
export async function warmLoad(kind: LoadKind, installation: TestInstallation, context: ScenarioContext, perSecond?: number): Promise<LoadGenerator> {
  const load = new LoadGenerator(kind, context.profile);
  try {
    context.say(`${kind}: setting up`);
    await load.open(installation.info);
    context.say(`${kind}: warming up`);
    await load.round({ seconds: context.quick ? 2 : WARM_UP_SECONDS, ...(perSecond !== undefined && { perSecond }) });
    return load;
  } catch (error) {
    await load.close();
    throw error;
  }
}

export async function rounds(
  name: string, installation: TestInstallation, load: LoadGenerator, context: ScenarioContext, perSecond?: number,
): Promise<MeasuredRound[]> {
  const results: MeasuredRound[] = [];
  for (let n = 1; n <= context.rounds; n++) {
    const pace: Pace = { seconds: context.seconds, ...(perSecond !== undefined && { perSecond }) };
    const round = await measuredRound(installation, load, pace, context);
    context.say(`${name}, round ${n}: ${describeRound(round)}`);
    results.push(round);
  }
  return results;
}

export function describeRound({ answeredPerSecond, deliveriesPerSecond, answer, delivery, cpuMicros, othersShare, wrong }: MeasuredRound): string {
  const parts = [`${answeredPerSecond}/s`, `answer p50 ${answer.p50} p99 ${answer.p99} ms`];
  if (deliveriesPerSecond > 0) parts.push(`${deliveriesPerSecond} deliveries/s p50 ${delivery.p50} p99 ${delivery.p99} ms`);
  parts.push(`CPU ${Object.entries(cpuMicros).map(([process, micros]) => `${process} ${micros}`).join(', ')} us`);
  if (othersShare > 0.02) parts.push(`others took ${Math.round(othersShare * 100)} % of the machine`);
  const faults = Object.entries(wrong).filter(([, count]) => count > 0).map(([what, count]) => `${count} ${what}`);
  return [...parts, ...faults].join('; ');
}

export const wrongIn = (results: readonly MeasuredRound[]): number =>
  results.reduce((sum, { wrong }) => sum + Object.values(wrong).reduce((a, b) => a + b, 0), 0);

/** Promised for one process; in services mode it is only shown. */
export function memoryTarget(memory: Record<string, number>, { services }: ScenarioContext): Target[] {
  const measured = Object.values(memory).reduce((sum, mib) => sum + mib, 0);
  return services ? [] : [{ figure: 'Node resident after the load', measured, unit: 'MiB', atMost: 400 }];
}
