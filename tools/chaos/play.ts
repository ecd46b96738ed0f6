/** One run: everybody takes part, things go wrong, everything heals, everybody finishes; then what they saw is collected. */
import { setTimeout as pause } from 'node:timers/promises';
import { RestClient, type Access as RestAccess } from '../bench/rest-client.ts';
import type { TestInstallation } from '../bench/test-installation.ts';
import { freePort } from '../../infra/local/ports.mjs';
import { castScenes, type Scene } from './cast.ts';
import type { Evidence, ThreadMessage } from './evidence.ts';
import { FaultSchedule, type Happened } from './fault-schedule.ts';
import { allFaults } from './faults.ts';
import { Mailbox } from './mailbox.ts';
import { Member } from './member.ts';
import { MessageCentre } from './message-centre.ts';
import { Parts } from './parts.ts';
import { Poster } from './poster.ts';
import { followed, settled, type Unfinished } from './quiet.ts';
import type { Random } from './random.ts';
import { SimulatorClient } from './simulator-client.ts';
import { Texter } from './texter.ts';

export type Access = RestAccess & { simulatorUrl: string };

export type Played = {
  evidence: Evidence;
  happened: Happened[];
  crashes: string[];
  /** Seconds after healing until nobody was behind the log, and until every delivery and callback had its end. */
  followedAfter: number | undefined;
  doneAfter: number | undefined;
  /** Facts not worked off, by consumer, when its time was up. */
  behind: Record<string, number>;
  left: Unfinished;
  connections: number;
};

const POSTERS_PER_SCENE = 3;
const POST_EVERY_MILLIS = { chatOnly: 60, mixed: 300 };
const TEXT_EVERY_MILLIS = 400;
const FOLLOW_SECONDS = 10;
const DONE_SECONDS = 150;
const SOCKET_SECONDS = 20;

export async function play(installation: TestInstallation, seconds: number, random: Random, say: (line: string) => void): Promise<Played> {
  const access: Access = installation.info;
  const simulator = new SimulatorClient(access);
  const parts = new Parts([...Object.values(installation.apps), ...Object.values(installation.servers)]);
  const centre = new MessageCentre();
  const mailListener = await freePort();
  const mailbox = new Mailbox(mailListener);
  const scenes = await castScenes(access, { centre: await centre.listen(), mailbox: await mailbox.listen(), mailListener });
  const members = scenes.flatMap(({ conversation, identities }) => identities.map((identity) => new Member(access, conversation, identity, random.branch())));
  const posters = scenes.flatMap((scene) => postersOf(scene, access, random));
  const texters = scenes.flatMap((scene) => textersOf(scene, access, { centre, mailbox }, random));
  const people = scenes.flatMap((scene) => scene.people);
  const simulated = people.filter(({ at }) => at === 'simulator');
  const schedule = new FaultSchedule(allFaults({ installation, access, parts, simulator, centre, mailbox, people: simulated, scenes, members }), say);
  try {
    await Promise.all(members.map((member) => member.start()));
    say(`${scenes.length} conversations, ${members.length} websockets, ${people.length} handsets and mailboxes; faults for ${seconds} s`);
    const over = new AbortController();
    setTimeout(() => over.abort(), seconds * 1000);
    await Promise.all([
      schedule.run(random.branch(), over.signal), ...posters.map((poster) => poster.run(over.signal)), ...texters.map((texter) => texter.run(over.signal)),
    ]);
    say('healing');
    await Promise.all([...Object.values(installation.apps), ...Object.values(installation.servers)].map((part) => parts.bringUp(part)));
    for (const address of new Set(simulated.flatMap(({ address, proxy }) => [address, proxy]))) await simulator.behaveAsUsual(address);

    const { databaseUrl } = installation.info;
    const following = await followed(databaseUrl, FOLLOW_SECONDS);
    say(`the log is followed ${after(following.seconds, FOLLOW_SECONDS)}`);
    const done = await settled(databaseUrl, DONE_SECONDS);
    say(`all is done ${after(done.seconds, DONE_SECONDS)}`);
    const threads = Object.fromEntries(await Promise.all(scenes.map(async ({ conversation }) => [conversation, await threadOf(access, conversation)] as const)));
    await socketsHave(threads, members);
    const handsets = await Promise.all(scenes.flatMap(({ conversation, people: own }) =>
      own.map(async ({ address, at, group, part }) => ({
        conversation, address, received: await { centre, mailbox, simulator }[at].received(address), ...(group && { unbrought: group.phones }), ...(part === 'comes' && { partly: true as const }),
      }))));
    return {
      evidence: {
        posts: posters.flatMap((poster) => poster.posts), texts: texters.flatMap((texter) => texter.texts), threads,
        sockets: members.map(({ ledger }) => ledger), handsets,
      },
      happened: schedule.happened, crashes: parts.crashes, followedAfter: following.seconds, behind: following.left, doneAfter: done.seconds, left: done.left,
      connections: members.reduce((sum, { ledger }) => sum + ledger.connections, 0),
    };
  } finally {
    parts.close();
    await Promise.all([centre.close(), mailbox.goAway()]);
    for (const member of members) member.stop();
  }
}

const after = (seconds: number | undefined, most: number) => (seconds === undefined ? `not within ${most} s` : `after ${seconds} s`);

function postersOf({ conversation, identities, people }: Scene, access: Access, random: Random): Poster[] {
  const everyMillis = people.length > 0 ? POST_EVERY_MILLIS.mixed : POST_EVERY_MILLIS.chatOnly;
  return Array.from({ length: POSTERS_PER_SCENE }, (_, i) =>
    new Poster({ access, name: `${conversation}-${i}`, conversation, authors: identities, random: random.branch(), everyMillis }));
}

/** The first person's texts come through the webhook, the second one's handset is the simulator's, and so are those of groups. */
function textersOf({ conversation, people }: Scene, access: Access, { centre, mailbox }: { centre: MessageCentre; mailbox: Mailbox }, random: Random): Texter[] {
  return people.filter(({ part }) => !part).map((person, i) => {
    const where = { centre, mailbox, simulator: i === 0 && !person.group ? 'webhook' as const : 'simulator' as const }[person.at];
    return new Texter({ access, conversation, person, where, random: random.branch(), everyMillis: TEXT_EVERY_MILLIS });
  });
}

/** All messages, oldest first, page by page as REST gives them. */
async function threadOf(access: Access, conversation: string): Promise<ThreadMessage[]> {
  const rest = new RestClient(access);
  type Page = { messages: ThreadMessage[]; meta: { next_page_url: string | null } };
  const thread: ThreadMessage[] = [];
  let path: string | undefined = `/v1/Conversations/${conversation}/Messages?PageSize=100&Order=asc`;
  while (path !== undefined) {
    const { messages, meta }: Page = await rest.get<Page>(path);
    thread.push(...messages.map(({ index, sid, body, author }) => ({ index, sid, body, author })));
    path = meta.next_page_url === null ? undefined : meta.next_page_url.slice(new URL(meta.next_page_url).origin.length);
  }
  return thread;
}

/** Nothing is in doubt any more: every socket gets what it lacks within a bounded time, or the checker finds it missing. */
async function socketsHave(threads: Record<string, ThreadMessage[]>, members: readonly Member[]): Promise<void> {
  const behind = () => members.some(({ ledger }) => ledger.messages.length < threads[ledger.conversation]!.length);
  for (const until = Date.now() + SOCKET_SECONDS * 1000; behind() && Date.now() < until; ) await pause(50);
}
