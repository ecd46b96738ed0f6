/**
 * `idle`: 20,000 connected sockets that only say that they live. Memory is the growth of the realtime-gateway's processes from the first
 * 1,000 sockets to all. As many gateways, and as many load generators, as the limit of open files asks for.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { LoadGenerator } from '../load-generator.ts';
import { openFilesMax } from '../machine.ts';
import type { Member } from '../member-socket.ts';
import { cpuBetween, readCpu, residentMiB } from '../process-cpu.ts';
import { seed } from '../seed.ts';
import type { ScenarioContext, ScenarioResult } from '../scenario.ts';
import { medianOf, rounded } from '../statistics.ts';
import { TestInstallation } from '../test-installation.ts';

const CONVERSATIONS = 20;
const MEMBERS_EACH = 1_000;
const SOCKETS = CONVERSATIONS * MEMBERS_EACH;
/** Files and connections that a gateway and a load generator have open besides. */
const OTHER_FILES = 500;
const FIRST_SHARE = 0.05;
/** Until what connecting left behind has been collected. */
const SETTLE_MILLIS = 8_000;

/** `cpuShare`: of one core, all gateways together. */
type Round = { cpuShare: number; cpuMicrosPerSocketAndMinute: number };
type Lane = { load: LoadGenerator; pid: number; wsUrl: string; members: Member[] };

export async function idle(context: ScenarioContext): Promise<ScenarioResult> {
  const installation = await TestInstallation.start({ ...context, services: true });
  return installation.during(() => measure(installation, context));
}

async function measure(installation: TestInstallation, context: ScenarioContext): Promise<ScenarioResult> {
  const { say } = context;
  const gateways = Math.ceil(SOCKETS / (openFilesMax() - OTHER_FILES));
  const lanes = await openLanes(installation, gateways, context);
  try {
    const memory = () => lanes.reduce((sum, { pid }) => sum + residentMiB(pid), 0);
    say(`idle: ${SOCKETS} sockets on ${gateways} realtime-gateway processes`);
    const connect = (share: number) => Promise.all(lanes.map(({ load, wsUrl, members }) =>
      load.open({ ...installation.info, wsUrl }, members.slice(0, Math.ceil(members.length * share)))));
    await connect(FIRST_SHARE);
    await pause(SETTLE_MILLIS);
    const few = memory();
    await connect(1);
    await pause(SETTLE_MILLIS);
    const all = memory();
    const kibPerSocket = rounded(((all - few) * 1024) / (SOCKETS * (1 - FIRST_SHARE)), 1);
    say(`idle: ${rounded(few, 0)} MiB with ${SOCKETS * FIRST_SHARE} sockets, ${rounded(all, 0)} MiB with all: ${kibPerSocket} KiB each`);
    const results: Round[] = [];
    for (let n = 1; n <= context.rounds; n++) results.push(await round(n, lanes, context));
    const wrong = (await Promise.all(lanes.map(({ load }) => load.verify()))).reduce((sum, each) => sum + Object.values(each).reduce((a, b) => a + b, 0), 0);
    const medians = medianOf(results);
    return {
      scenario: 'idle', medians: { ...medians, sockets: SOCKETS, gateways, kibPerSocket, gatewayMiB: rounded(all, 0) }, rounds: { idle: results },
      targets: [
        { figure: `memory per socket of ${SOCKETS}`, measured: kibPerSocket, unit: 'KiB', atMost: 20 },
        { figure: 'CPU of the gateways, of one core', measured: medians.cpuShare, unit: '', atMost: 0.2 },
      ],
      wrong, remarks: [`${gateways} realtime-gateway processes of ${Math.ceil(SOCKETS / gateways)} sockets: ${rounded(all, 0)} MiB resident in all`],
    };
  } finally {
    await Promise.all(lanes.map(({ load }) => load.close()));
  }
}

/** A gateway with the load generator that connects to it, and its share of the conversations. */
async function openLanes(installation: TestInstallation, count: number, context: ScenarioContext): Promise<Lane[]> {
  const first = { url: installation.info.wsUrl, process: installation.apps['realtime-gateway']! };
  const others = await Promise.all(Array.from({ length: count - 1 }, () => installation.addInstance('realtime-gateway')));
  const members = await seed(installation, { messages: 0, hot: CONVERSATIONS, cold: 0, membersEach: MEMBERS_EACH }, context.say);
  return [first, ...others].map(({ url, process }, i) => ({
    load: new LoadGenerator('crowd', context.profile), pid: process.pid, wsUrl: new URL('/v1/stream', url.replace(/^http/, 'ws')).href,
    members: members.slice(Math.floor((i * members.length) / count), Math.floor(((i + 1) * members.length) / count)),
  }));
}

async function round(n: number, lanes: readonly Lane[], { seconds, say }: ScenarioContext): Promise<Round> {
  const roots = Object.fromEntries(lanes.map(({ pid }, i) => [`gateway${i}`, pid]));
  const [before, begin] = [readCpu(roots), performance.now()];
  await pause(seconds * 1000);
  const spent = Object.values(cpuBetween(before, readCpu(roots)).trees).reduce((sum, each) => sum + each, 0);
  const elapsed = (performance.now() - begin) / 1000;
  const cpuShare = rounded(spent / elapsed, 3);
  say(`idle, round ${n}: ${rounded(cpuShare * 100, 1)} % of a core`);
  return { cpuShare, cpuMicrosPerSocketAndMinute: rounded((spent * 1e6 * 60) / (elapsed * SOCKETS), 1) };
}
