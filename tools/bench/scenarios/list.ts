/** `list`: a million messages in one conversation and a hundred thousand conversations; a page deep inside costs what the first does. */
import { withHistory } from '../history.ts';
import { LoadGenerator } from '../load-generator.ts';
import { measuredRound, type MeasuredRound } from '../measured-round.ts';
import type { Scenario, ScenarioContext, ScenarioResult, Target } from '../scenario.ts';
import { medianOf, rounded } from '../statistics.ts';
import { TestInstallation } from '../test-installation.ts';
import { describeRound, memoryTarget, wrongIn } from './rounds.ts';

const SIZES = { messages: 1_000_000, conversations: 100_000 };
const SIZES_QUICK = { messages: 50_000, conversations: 5_000 };
/** Pages of 100 a second: a load that leaves the machine room, so that the figure is the page's cost and not the queue's. */
const PER_SECOND = 200;
const lists = ['messages', 'conversations'] as const;

export const list: Scenario = async (context) => {
  const installation = await TestInstallation.start(context);
  return installation.during(() => measure(installation, context));
};

async function measure(installation: TestInstallation, context: ScenarioContext): Promise<ScenarioResult> {
  const { messages, conversations } = context.quick ? SIZES_QUICK : SIZES;
  const members = await withHistory(installation, { messages, hot: 1, cold: conversations - 1, membersEach: 1, coldMembersEach: 0, hotShare: 1 }, context);
  const load = new LoadGenerator('list', context.profile);
  try {
    context.say('list: following every page of both lists');
    await load.open(installation.info, members);
    const results: Record<string, MeasuredRound[]> = {};
    for (let n = 0; n <= context.rounds; n++)
      for (const name of lists)
        for (const part of [`${name}-first`, `${name}-deep`]) {
          const round = await measuredRound(installation, load, { seconds: n === 0 ? 2 : context.seconds, perSecond: PER_SECOND, part }, context);
          if (n === 0) continue; // warming up
          context.say(`list, round ${n}, ${part}: ${describeRound(round)}`);
          (results[part] ??= []).push(round);
        }
    const medians = Object.fromEntries(Object.entries(results).map(([part, rounds]) => [part, medianOf(rounds)]));
    const memory = installation.nodeMemory();
    return {
      scenario: 'list', medians: { ...medians, nodeMemoryMiB: memory }, rounds: results,
      targets: [...lists.flatMap((name) => targetsOf(name, medians)), ...memoryTarget(memory, context)],
      wrong: wrongIn(Object.values(results).flat()),
      remarks: [`${messages} messages in one conversation, ${conversations} conversations; first and last tenth of the pages, 100 items each, at ${PER_SECOND}/s`],
    };
  } finally {
    await load.close();
  }
}

function targetsOf(name: string, medians: Record<string, MeasuredRound>): Target[] {
  const [first, deep] = [medians[`${name}-first`]!, medians[`${name}-deep`]!];
  return [
    { figure: `p99 of a page of ${name}, first pages`, measured: first.answer.p99, unit: 'ms', atMost: 20 },
    { figure: `p99 of a page of ${name}, deep inside`, measured: deep.answer.p99, unit: 'ms', atMost: 20 },
    { figure: `CPU of a page of ${name} deep inside, of a first one`, measured: rounded(deep.cpuMicros['sum']! / first.cpuMicros['sum']!), unit: '', atMost: 1.2 },
  ];
}
