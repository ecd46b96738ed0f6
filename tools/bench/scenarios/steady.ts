/** Scenarios of one load at one pace: `inbound`, `read`, `mixed`. */
import type { LoadKind } from '../load.ts';
import type { MeasuredRound } from '../measured-round.ts';
import type { Scenario, ScenarioContext, ScenarioResult, Target } from '../scenario.ts';
import { medianOf } from '../statistics.ts';
import { TestInstallation } from '../test-installation.ts';
import { memoryTarget, rounds, warmLoad, wrongIn } from './rounds.ts';

type Steady = { kind: LoadKind; perSecond?: number; targets(medians: MeasuredRound): Target[] };

const steady = (options: Steady): Scenario => async (context) => {
  const installation = await TestInstallation.start(context);
  return installation.during(() => measure(options, installation, context));
};

async function measure({ kind, perSecond, targets }: Steady, installation: TestInstallation, context: ScenarioContext): Promise<ScenarioResult> {
  const load = await warmLoad(kind, installation, context, perSecond);
  try {
    const results = await rounds(kind, installation, load, context, perSecond);
    const medians = medianOf(results);
    const memory = installation.nodeMemory();
    return {
      scenario: kind, medians: { ...medians, nodeMemoryMiB: memory }, rounds: { [kind]: results },
      targets: [...targets(medians), ...memoryTarget(memory, context)], wrong: wrongIn(results),
    };
  } finally {
    await load.close();
  }
}

export const inbound = steady({
  kind: 'inbound', perSecond: 505,
  targets: ({ delivery, deliveriesPerSecond }) => [
    { figure: 'texts to the agent\'s socket', measured: deliveriesPerSecond, unit: '/s', atLeast: 500 },
    { figure: 'p99 from webhook to socket', measured: delivery.p99, unit: 'ms', atMost: 50 },
  ],
});

export const read = steady({
  kind: 'read',
  targets: ({ answeredPerSecond }) => [{ figure: 'pages of the newest 20 messages', measured: answeredPerSecond, unit: '/s', atLeast: 4000 }],
});

/** As fast as the answers come; what is promised is that nothing is refused and no writer waits long behind the readers. */
export const mixed = steady({
  kind: 'mixed',
  targets: ({ answer }) => [{ figure: 'p99 of the answer, 80 % reads', measured: answer.p99, unit: 'ms', atMost: 60 }],
});
