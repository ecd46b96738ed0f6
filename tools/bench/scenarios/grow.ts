/**
 * `grow`: `write` at empty and with history stored. Two installations side by side take turns, so that the drift of the
 * machine's speed meets both.
 */
import { connectDatabase } from '../../../infra/local/database.mjs';
import { databaseOf, withHistory } from '../history.ts';
import { LoadGenerator } from '../load-generator.ts';
import type { Member } from '../member-socket.ts';
import { measuredRound, type MeasuredRound } from '../measured-round.ts';
import type { Scenario, ScenarioContext, ScenarioResult } from '../scenario.ts';
import { median, medianOf, rounded } from '../statistics.ts';
import { TestInstallation } from '../test-installation.ts';
import { describeRound, wrongIn } from './rounds.ts';

const MESSAGES = 2_000_000;
const MESSAGES_QUICK = 100_000;
const MEMBERS_EACH = 5;

export const grow: Scenario = async (context) => {
  const full = await TestInstallation.start(context);
  return full.during(async () => {
    const messages = context.quick ? MESSAGES_QUICK : MESSAGES;
    const members = await withHistory(full, { messages, hot: 100, cold: Math.ceil(messages / 200), membersEach: MEMBERS_EACH }, context);
    const empty = await TestInstallation.start(context);
    return empty.during(() => compare(empty, full, members, context));
  });
};

async function compare(empty: TestInstallation, full: TestInstallation, members: Member[], context: ScenarioContext): Promise<ScenarioResult> {
  const loads: LoadGenerator[] = [];
  try {
    const before = await stored(full);
    const emptyLoad = await opened(loads, empty, context);
    const fullLoad = await opened(loads, full, context, members);
    const results: Record<'empty' | 'full', MeasuredRound[]> = { empty: [], full: [] };
    for (let n = 1; n <= context.rounds; n++) {
      // The order turns too: whoever comes second in a pair meets the other one's dirty pages.
      for (const which of n % 2 === 1 ? (['empty', 'full'] as const) : (['full', 'empty'] as const)) {
        const [installation, load] = which === 'empty' ? [empty, emptyLoad] : [full, fullLoad];
        const round = await measuredRound(installation, load, { seconds: context.seconds }, context);
        context.say(`grow, round ${n}, ${which}: ${describeRound(round)}`);
        results[which].push(round);
      }
    }
    const ratio = rounded(median(results.full.map((round, i) => round.answeredPerSecond / results.empty[i]!.answeredPerSecond)), 3);
    const [atEmpty, atFull] = [medianOf(results.empty), medianOf(results.full)];
    return {
      scenario: 'grow',
      medians: { empty: atEmpty, full: atFull, ratio, storedBefore: before, storedAfter: await stored(full) },
      rounds: results,
      targets: [{ figure: `write with ${before.messages} messages stored, of write at empty`, measured: ratio, unit: '', atLeast: 0.9 }],
      wrong: wrongIn(results.empty) + wrongIn(results.full),
      remarks: [
        `CPU per message ${atEmpty.cpuMicros['sum']} us at empty, ${atFull.cpuMicros['sum']} us with history`,
        ...(context.quick ? [`--quick: ${MESSAGES_QUICK} messages instead of ${MESSAGES}`] : []),
      ],
    };
  } finally {
    await Promise.all(loads.map((load) => load.close()));
  }
}

async function opened(loads: LoadGenerator[], installation: TestInstallation, { say, quick, profile }: ScenarioContext, members?: Member[]): Promise<LoadGenerator> {
  const load = new LoadGenerator('write', profile);
  loads.push(load);
  say('grow: setting up and warming up');
  await load.open(installation.info, members);
  await load.round({ seconds: quick ? 2 : 5 });
  return load;
}

async function stored(installation: TestInstallation): Promise<{ messages: number; events: number; databaseMiB: number }> {
  const client = await connectDatabase(databaseOf(installation));
  const { rows } = await client.query<{ messages: string; events: string; bytes: string }>(
    `select (select count(*) from model.message) as messages, (select sum(head) from log.shard) as events, pg_database_size(current_database()) as bytes`,
  );
  await client.end();
  const { messages, events, bytes } = rows[0]!;
  return { messages: Number(messages), events: Number(events), databaseMiB: Math.round(Number(bytes) / 2 ** 20) };
}
