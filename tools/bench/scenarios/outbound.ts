/**
 * Scenario `outbound`: what leaves by carriers. Each channel through the simulator, latencies of all of them while the carrier of
 * one sender hangs and while it does not (rounds in turn), and the SMPP adapter alone against a message centre of ours.
 */
import { OutboundSimulator, simulatedChannels, type OutboundRound } from '../outbound-simulator.ts';
import { cpuBetween, readCpu } from '../process-cpu.ts';
import { OutboundSmpp, type SmppRound } from '../outbound-smpp.ts';
import type { ScenarioContext, ScenarioResult, Target } from '../scenario.ts';
import { medianOf, rounded } from '../statistics.ts';
import { TestInstallation } from '../test-installation.ts';

const WARM_UP_SECONDS = 2;
/** Over all channels, well below what they can. */
const PACE_PER_SECOND = 60;
/** So that what hung is soon known to be unanswered, and the next round starts with a calm machine. */
const CARRIER_TIMEOUT_MILLIS = '4000';

/** `cpuMicros`: per delivery with all that is reported of it, of our processes, Postgres, NATS and Redis. */
type SimulatedRound = OutboundRound & { cpuMicros: Record<string, number> };
type Simulated = Record<string, SimulatedRound[]>;
type Wrong = { wrong: Record<string, number> };

export async function outbound(context: ScenarioContext): Promise<ScenarioResult> {
  const installation = await TestInstallation.start({ ...context, env: { CARRIER_TIMEOUT_MILLIS } });
  const simulated = await installation.during(() => simulatedRounds(installation, context));
  const smpp = await smppRounds(context);
  const medians = Object.fromEntries(Object.entries(simulated).map(([name, rounds]) => [name, medianOf(rounds)])) as Record<string, SimulatedRound>;
  const { segmentsPerSecond } = medianOf(smpp);
  const { calm, hanging } = medians as { calm: SimulatedRound; hanging: SimulatedRound };
  const ratio = (figure: 'p50' | 'p99'): Target => ({
    figure: `${figure} to the carrier while another's hangs, of ${figure} otherwise (${calm.latency[figure]} ms)`,
    measured: rounded(hanging.latency[figure] / calm.latency[figure]), unit: '', atMost: figure === 'p50' ? 1.2 : 1.5,
  });
  return {
    scenario: 'outbound', medians: { ...medians, smpp: medianOf(smpp) }, rounds: { ...simulated, smpp },
    targets: [
      ratio('p50'), ratio('p99'),
      { figure: 'segments by SMPP, one bind, each with its receipt', measured: segmentsPerSecond, unit: '/s', atLeast: 2_000 },
    ],
    wrong: wrongIn([...Object.values(simulated).flat(), ...smpp]),
    remarks: simulatedChannels.map((channel) => `${channel} through ${channel === 'email' ? 'a mail server' : 'the simulator'}: ${medians[channel]!.deliveriesPerSecond} deliveries/s, to the carrier p50 ${medians[channel]!.latency.p50} ms`),
  };
}

async function simulatedRounds(installation: TestInstallation, { rounds, seconds, say }: ScenarioContext): Promise<Simulated> {
  say('outbound: setting up');
  const simulator = await OutboundSimulator.start(installation);
  const results: Simulated = { sms: [], whatsapp: [], messenger: [], email: [], calm: [], hanging: [] };
  const roots = installation.processes();
  const note = async (name: string, n: number, run: () => Promise<OutboundRound>) => {
    const before = readCpu(roots);
    const round = await run();
    await simulator.reported();
    const { deliveriesPerSecond, latency, wrong } = round;
    const spent = Object.entries(cpuBetween(before, readCpu(roots)).trees);
    const cpuMicros = Object.fromEntries(spent.map(([process, cpuSeconds]) => [process, rounded((cpuSeconds * 1e6) / latency.count, 0)]));
    const all = Object.entries(cpuMicros).map(([process, micros]) => `${process} ${micros}`).join(', ');
    say(`outbound, ${name}, round ${n}: ${deliveriesPerSecond} deliveries/s; to the carrier p50 ${latency.p50} p99 ${latency.p99} ms; CPU a delivery ${all} us; wrong ${JSON.stringify(wrong)}`);
    results[name]!.push({ ...round, cpuMicros });
  };
  try {
    for (const channel of simulatedChannels) await simulator.full(channel, WARM_UP_SECONDS);
    await simulator.reported();
    for (let n = 1; n <= rounds; n++) {
      for (const channel of simulatedChannels) await note(channel, n, () => simulator.full(channel, seconds));
      await note('calm', n, () => simulator.paced(PACE_PER_SECOND, seconds));
      await note('hanging', n, () => simulator.whileOneHangs(() => simulator.paced(PACE_PER_SECOND, seconds)));
    }
    return results;
  } finally {
    await simulator.close();
  }
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

const wrongIn = (rounds: readonly Wrong[]): number => rounds.reduce((sum, { wrong }) => sum + Object.values(wrong).reduce((a, b) => a + b, 0), 0);
