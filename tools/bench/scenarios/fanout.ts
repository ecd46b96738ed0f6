/** `fanout`: one conversation of 1,000 connected members, by our own protocol, then by the official client SDK's. */
import type { LoadKind } from '../load.ts';
import type { MeasuredRound } from '../measured-round.ts';
import type { ScenarioContext, ScenarioResult } from '../scenario.ts';
import { medianOf } from '../statistics.ts';
import { TestInstallation } from '../test-installation.ts';
import { memoryTarget, rounds, warmLoad, wrongIn } from './rounds.ts';

/** Messages a second; the SDK's protocol costs an acknowledgement for every frame, and a second frame for some. */
const OWN_PER_SECOND = 81;
const SDK_PER_SECOND = 41;

export async function fanout(context: ScenarioContext): Promise<ScenarioResult> {
  const installation = await TestInstallation.start(context);
  return installation.during(async () => {
    const own = await measure('fanout', OWN_PER_SECOND, installation, context);
    const sdk = await measure('fanoutSdk', SDK_PER_SECOND, installation, context);
    const memory = installation.nodeMemory();
    const [ofOwn, ofSdk] = [medianOf(own), medianOf(sdk)];
    return {
      scenario: 'fanout', medians: { own: ofOwn, sdk: ofSdk, nodeMemoryMiB: memory }, rounds: { own, sdk },
      targets: [
        { figure: 'deliveries to 1,000 sockets', measured: ofOwn.deliveriesPerSecond, unit: '/s', atLeast: 80_000 },
        { figure: 'p99 from post to socket', measured: ofOwn.delivery.p99, unit: 'ms', atMost: 25 },
        { figure: 'deliveries to 1,000 sockets of the official client SDK', measured: ofSdk.deliveriesPerSecond, unit: '/s', atLeast: 40_000 },
        ...memoryTarget(memory, context),
      ],
      wrong: wrongIn([...own, ...sdk]),
      remarks: [`the official client SDK's sockets: p50 ${ofSdk.delivery.p50} ms, p99 ${ofSdk.delivery.p99} ms from post to socket`],
    };
  });
}

async function measure(kind: LoadKind, perSecond: number, installation: TestInstallation, context: ScenarioContext): Promise<MeasuredRound[]> {
  const load = await warmLoad(kind, installation, context, perSecond);
  try {
    return await rounds(kind, installation, load, context, perSecond);
  } finally {
    await load.close();
  }
}
