/** Scenario `outbound`: what leaves by carriers. So far the SMPP adapter alone, against a message centre of ours in another process. */
import { OutboundSmpp, type SmppRound } from '../outbound-smpp.ts';
import type { ScenarioContext, ScenarioResult } from '../scenario.ts';
import { medianOf } from '../statistics.ts';

const WARM_UP_SECONDS = 2;

export async function outbound(context: ScenarioContext): Promise<ScenarioResult> {
  const rounds = await smppRounds(context);
  const medians = medianOf(rounds);
  return {
    scenario: 'outbound', medians: { smpp: medians }, rounds: { smpp: rounds },
    targets: [{ figure: 'segments by SMPP, one bind, each with its receipt', measured: medians.segmentsPerSecond, unit: '/s', atLeast: 2_000 }],
    wrong: rounds.reduce((sum, { wrong }) => sum + Object.values(wrong).reduce((a, b) => a + b, 0), 0),
  };
}

async function smppRounds({ rounds, seconds, say }: ScenarioContext): Promise<SmppRound[]> {
  const smpp = await OutboundSmpp.start();
  try {
    await smpp.round(WARM_UP_SECONDS);
    const results: SmppRound[] = [];
    for (let n = 1; n <= rounds; n++) {
      const round = await smpp.round(seconds);
      const { segmentsPerSecond, answer, cpuMicrosPerSegment, wrong } = round;
      say(`outbound, SMPP, round ${n}: ${segmentsPerSecond} segments/s; answer p50 ${answer.p50} p99 ${answer.p99} ms; CPU ${cpuMicrosPerSegment} us a segment; wrong ${JSON.stringify(wrong)}`);
      results.push(round);
    }
    return results;
  } finally {
    await smpp.close();
  }
}
