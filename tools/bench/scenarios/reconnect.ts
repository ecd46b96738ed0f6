/**
 * `reconnect`: 5,000 sockets lose their connection in the same instant, miss three messages each, and come back all at once, while
 * others write at a steady pace. How long until every socket has what it missed, and what the writers notice: of the cut, and of
 * the return.
 */
import { LoadGenerator } from '../load-generator.ts';
import type { Percentiles } from '../statistics.ts';
import { seed } from '../seed.ts';
import type { ScenarioContext, ScenarioResult } from '../scenario.ts';
import { median, medianOf, rounded } from '../statistics.ts';
import { TestInstallation } from '../test-installation.ts';
import { memoryTarget } from './rounds.ts';

const CONVERSATIONS = 50;
const MEMBERS_EACH = 100;
const WRITES_PER_SECOND = 200;
/** The first one is not measured: it tells how long the writers have to be watched. */
const WATCHED_SECONDS_MIN = 2;
const CUT_SECONDS = 2;

type Round = { backSeconds: number; back: Percentiles; before: Percentiles; cut: Percentiles; during: Percentiles; wrong: number };

export async function reconnect(context: ScenarioContext): Promise<ScenarioResult> {
  const installation = await TestInstallation.start(context);
  return installation.during(() => measure(installation, context));
}

async function measure(installation: TestInstallation, context: ScenarioContext): Promise<ScenarioResult> {
  const { say } = context;
  const crowd = new LoadGenerator('crowd', context.profile);
  const writers = new LoadGenerator('write', context.profile);
  try {
    say(`reconnect: connecting ${CONVERSATIONS * MEMBERS_EACH} sockets`);
    const members = await seed(installation, { messages: 0, hot: CONVERSATIONS, cold: 0, membersEach: MEMBERS_EACH }, say);
    await crowd.open(installation.info, members);
    await writers.open(installation.info);
    await writers.round({ seconds: 3, perSecond: WRITES_PER_SECOND });
    const cut = () => crowd.round({ seconds: 0, part: 'cut' });
    const storm = () => crowd.round({ seconds: 0, part: 'reconnect' });
    const watch = (seconds: number) => writers.round({ seconds, perSecond: WRITES_PER_SECOND });
    await cut();
    let seconds = Math.max(WATCHED_SECONDS_MIN, Math.ceil((await storm()).seconds));
    const results: Round[] = [];
    for (let n = 1; n <= context.rounds; n++) {
      const before = await watch(seconds);
      const wrong = named('writers before', await writers.verify());
      const [atCut] = await Promise.all([watch(CUT_SECONDS), cut()]);
      const [during, back] = await Promise.all([watch(seconds), storm()]);
      Object.assign(wrong, named('writers', await writers.verify()), named('crowd', await crowd.verify()));
      results.push({ backSeconds: back.seconds, back: back.answer, before: before.answer, cut: atCut.answer, during: during.answer, wrong: sum(wrong) });
      say(`reconnect, round ${n}: all back after ${back.seconds} s (p50 ${back.answer.p50} ms); writes p99 ${before.answer.p99} ms before, ${atCut.answer.p99} ms at the cut, ${during.answer.p99} ms during; wrong ${JSON.stringify(wrong)}`);
      seconds = Math.max(WATCHED_SECONDS_MIN, Math.ceil(back.seconds));
    }
    const medians = medianOf(results);
    const memory = installation.nodeMemory();
    return {
      scenario: 'reconnect', medians: { ...medians, nodeMemoryMiB: memory }, rounds: { reconnect: results },
      targets: [
        { figure: '5,000 sockets at once: all are back and have what they missed', measured: medians.backSeconds, unit: 's', atMost: 10 },
        { figure: `p99 of ${WRITES_PER_SECOND} writes/s meanwhile, of p99 before`, measured: rounded(median(results.map(({ before, during }) => during.p99 / before.p99))), unit: '', atMost: 2 },
        ...memoryTarget(memory, context),
      ],
      wrong: results.reduce((all, { wrong }) => all + wrong, 0),
      remarks: [`writes: p50 ${medians.before.p50} ms and p99 ${medians.before.p99} ms before, p50 ${medians.cut.p50} ms and p99 ${medians.cut.p99} ms in the two seconds of the cut, p50 ${medians.during.p50} ms and p99 ${medians.during.p99} ms during`],
    };
  } finally {
    await Promise.all([crowd.close(), writers.close()]);
  }
}

/** What is not 0. */
const named = (who: string, wrong: object): Record<string, number> =>
  Object.fromEntries((Object.entries(wrong) as [string, number][]).flatMap(([what, count]) => (count === 0 ? [] : [[`${who}: ${what}`, count]])));
const sum = (wrong: Record<string, number>): number => Object.values(wrong).reduce((a, b) => a + b, 0);
