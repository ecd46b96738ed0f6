/** `write`: as fast as it goes, then at half that rate, with the database's own limit measured in between. */
import { CommitLimitMeter, type CommitLimit } from '../commit-limit.ts';
import { measuredRound, type MeasuredRound } from '../measured-round.ts';
import type { Scenario, ScenarioContext, ScenarioResult } from '../scenario.ts';
import { median, medianOf, rounded } from '../statistics.ts';
import { TestInstallation } from '../test-installation.ts';
import { describeRound, memoryTarget, rounds, warmLoad, wrongIn } from './rounds.ts';

const LIMIT_SECONDS = 3;

export const write: Scenario = async (context) => {
  const installation = await TestInstallation.start(context);
  return installation.during(() => measure(installation, context));
};

async function measure(installation: TestInstallation, context: ScenarioContext): Promise<ScenarioResult> {
  const meter = await CommitLimitMeter.on(installation.servers.postgres!.superuserUrl);
  const load = await warmLoad('write', installation, context);
  try {
    const full: (MeasuredRound & { limit: CommitLimit; ofLimit: number })[] = [];
    for (let n = 1; n <= context.rounds; n++) {
      // Side by side, as the machine's speed drifts: a ratio is of neighbours.
      const limit = await meter.measure(LIMIT_SECONDS);
      const round = await measuredRound(installation, load, { seconds: context.seconds }, context);
      const ofLimit = rounded(round.answeredPerSecond / limit.commitsPerSecond, 3);
      context.say(`write, round ${n}: ${describeRound(round)}; ${limit.commitsPerSecond} commits/s by ${limit.tool}: ratio ${ofLimit}`);
      full.push({ ...round, limit, ofLimit });
    }
    const halfRate = Math.round(median(full.map(({ answeredPerSecond }) => answeredPerSecond)) / 2);
    const half = await rounds(`write at ${halfRate}/s`, installation, load, context, halfRate);
    const memory = installation.nodeMemory();
    const [atFull, atHalf] = [medianOf(full), medianOf(half)];
    return {
      scenario: 'write',
      medians: { full: atFull, half: atHalf, halfRate, nodeMemoryMiB: memory },
      rounds: { full, half },
      targets: [
        { figure: 'messages committed and delivered to 5 sockets', measured: atFull.answeredPerSecond, unit: '/s', atLeast: 5000 },
        { figure: 'of the one-row commits of pgbench', measured: atFull.ofLimit, unit: '', atLeast: 0.35 },
        { figure: 'p99 of the answer', measured: atFull.answer.p99, unit: 'ms', atMost: 60 },
        { figure: 'p99 of the answer at half the rate', measured: atHalf.answer.p99, unit: 'ms', atMost: 20 },
        ...memoryTarget(memory, context),
      ],
      wrong: wrongIn(full) + wrongIn(half),
    };
  } finally {
    await load.close();
    meter.close();
  }
}
