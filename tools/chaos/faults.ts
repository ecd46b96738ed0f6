/** Everything that goes wrong. Each fault hurts one target, lasts a while, and heals it again before it returns. */
import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { builtFile, nodeProgram } from '../../infra/local/apps.mjs';
import type { ManagedProcess } from '../../infra/local/managed-process.mjs';
import type { TestInstallation } from '../bench/test-installation.ts';
import { RestClient, type Access } from '../bench/rest-client.ts';
import type { Person, Scene } from './cast.ts';
import type { Mailbox, MailMood } from './mailbox.ts';
import type { Member } from './member.ts';
import type { CentreMood, MessageCentre } from './message-centre.ts';
import type { Parts } from './parts.ts';
import type { Random } from './random.ts';
import { basic, persistently, request } from './persistence.ts';
import { redisCommand } from './redis-command.ts';
import type { Behaviour, SimulatorClient } from './simulator-client.ts';

export type Fault = {
  name: string;
  /** Two faults of one target never overlap. */
  target: string;
  /** Relative frequency. */
  weight: number;
  /** Resolves when it is healed. */
  run(random: Random): Promise<void>;
};

export type Victims = {
  installation: TestInstallation;
  access: Access;
  parts: Parts;
  simulator: SimulatorClient;
  centre: MessageCentre;
  mailbox: Mailbox;
  /** At the simulator. */
  people: readonly Person[];
  scenes: readonly Scene[];
  members: readonly Member[];
};

export function allFaults(victims: Victims): Fault[] {
  const { installation } = victims;
  const apps = Object.values(installation.apps);
  return [
    ...apps.flatMap((app) => processFaults(app, victims, apps.length)),
    ...databaseFaults(victims),
    ...busFaults(victims),
    ...redisFaults(victims),
    ...carrierFaults(victims),
    ...smppFaults(victims),
    ...mailFaults(victims),
    ...groupFaults(victims),
    { name: 'rebuild the read models', target: 'read models', weight: 1, run: () => rebuild(installation.home) },
    ...clientFaults(victims),
  ];
}

function processFaults(app: ManagedProcess, { parts }: Victims, among: number): Fault[] {
  return [
    { name: `kill -9 ${app.name}`, target: app.name, weight: 8 / among, run: (random) => killed(app, parts, random, 'SIGKILL', 1500) },
    { name: `stop ${app.name} for a while`, target: app.name, weight: 4 / among, run: (random) => frozen(app, random, 1000, 5000) },
    { name: `SIGTERM ${app.name}`, target: app.name, weight: 2 / among, run: (random) => killed(app, parts, random, 'SIGTERM', 500) },
  ];
}

function databaseFaults({ installation, parts }: Victims): Fault[] {
  const postgres = installation.servers.postgres!;
  return [
    { name: 'kill -9 postgres', target: 'postgres', weight: 2, run: (random) => killed(postgres, parts, random, 'SIGKILL', 1500) },
    { name: 'restart postgres, immediate', target: 'postgres', weight: 2, run: (random) => killed(postgres, parts, random, 'SIGQUIT', 1500) },
    { name: 'restart postgres, fast', target: 'postgres', weight: 1, run: (random) => killed(postgres, parts, random, 'SIGINT', 500) },
  ];
}

function busFaults({ installation, parts }: Victims): Fault[] {
  const nats = installation.servers.nats!;
  return [
    { name: 'kill -9 nats', target: 'nats', weight: 2, run: (random) => killed(nats, parts, random, 'SIGKILL', 3000) },
    { name: 'stop nats for a while', target: 'nats', weight: 1, run: (random) => frozen(nats, random, 1000, 4000) },
    { name: 'wipe the JetStream store', target: 'nats', weight: 2, run: () => nats.wipe() },
  ];
}

function redisFaults({ installation, parts }: Victims): Fault[] {
  const redis = installation.servers.redis!;
  return [
    { name: 'kill -9 redis', target: 'redis', weight: 1, run: (random) => killed(redis, parts, random, 'SIGKILL', 3000) },
    { name: 'flush redis', target: 'redis', weight: 1, run: async () => void (await redisCommand(redis.url, 'FLUSHALL')) },
  ];
}

const carrierTroubles: [name: string, behaviour: Behaviour][] = [
  ['hangs', { hangMs: 60_000 }],
  ['answers 429', { rejectWith: { status: 429, code: 20429, retryAfterSeconds: 1 } }],
  ['answers 500', { rejectWith: { status: 500 } }],
  ['answers 503', { rejectWith: { status: 503 } }],
  ['accepts, then drops the connection', { acceptThenDrop: true }],
  ['reports everything twice', { twice: true }],
  ['reports in the wrong order', { outOfOrder: true }],
  ['reports late, twice and in the wrong order', { twice: true, outOfOrder: true, delayMs: 1500 }],
  ['reports long after', { delayMs: 6000 }],
];
/** All senders at once, so that every queue fills up and empties again. */
const storms: [name: string, behaviour: Behaviour][] = [
  ['429 for every sender', { rejectWith: { status: 429, code: 20429, retryAfterSeconds: 2 } }],
  ['no answer for any sender', { hangMs: 60_000 }],
  ['answers lost for every sender', { acceptThenDrop: true }],
];

/** Of one handset, or of one of our senders: then all that it sends. */
function carrierFaults({ simulator, people }: Victims): Fault[] {
  const senders = [...new Set(people.map(({ proxy }) => proxy))];
  const addresses = [...people.map(({ address }) => address), ...senders];
  const trouble = async (who: readonly string[], behaviour: Behaviour, random: Random) => {
    await Promise.all(who.map((address) => simulator.behave(address, behaviour)));
    await pause(random.between(1000, 6000));
    await Promise.all(who.map((address) => simulator.behaveAsUsual(address)));
  };
  return [
    ...carrierTroubles.map(([name, behaviour]): Fault => ({ name: `carrier ${name}`, target: 'carrier', weight: 1, run: (random) => trouble([random.pick(addresses)], behaviour, random) })),
    ...storms.map(([name, behaviour]): Fault => ({ name: `carrier: ${name}`, target: 'carrier', weight: 1, run: (random) => trouble(senders, behaviour, random) })),
  ];
}

const PATIENCE_MILLIS = 60_000;
const moods: [name: string, mood: CentreMood][] = [
  ['throttles', 'throttled'], ['takes messages and answers nothing', 'silent'], ['takes messages, then cuts the line', 'cut'],
];

/** Sessions break while messages are in their windows. */
function smppFaults({ centre }: Victims): Fault[] {
  return [
    ...moods.map(([name, mood]): Fault => ({
      name: `message centre ${name}`, target: 'centre', weight: 1,
      run: async (random) => {
        centre.mood = mood;
        await pause(random.between(1000, 5000));
        centre.mood = 'well';
      },
    })),
    {
      name: 'SMPP sessions end, again and again', target: 'centre', weight: 1,
      run: async (random) => {
        for (let n = 0; n < 5; n++) {
          centre.dropSessions();
          await pause(random.between(100, 1000));
        }
      },
    },
    {
      name: 'message centre goes away', target: 'centre', weight: 1,
      run: async (random) => {
        await centre.goAway();
        await pause(random.between(500, 4000));
        await centre.listen();
      },
    },
  ];
}

const mailMoods: [name: string, mood: MailMood][] = [
  ['is busy', 'busy'], ['takes mails and answers nothing', 'silent'], ['takes mails, then cuts the line', 'cut'],
];

function mailFaults({ mailbox }: Victims): Fault[] {
  return [
    ...mailMoods.map(([name, mood]): Fault => ({
      name: `mail server ${name}`, target: 'mail server', weight: 1,
      run: async (random) => {
        mailbox.mood = mood;
        await pause(random.between(1000, 5000));
        mailbox.mood = 'well';
        mailbox.dropSessions(); // who waits for an answer gets none
      },
    })),
    {
      name: 'mail server goes away', target: 'mail server', weight: 1,
      run: async (random) => {
        await mailbox.goAway();
        await pause(random.between(500, 4000));
        await mailbox.listen();
      },
    },
  ];
}

/** The group shrinks to one phone, and grows again: who stays misses nothing, in order. */
function groupFaults({ access, scenes }: Victims): Fault[] {
  const headers = { Authorization: basic(access) };
  return scenes.flatMap(({ conversation, people }) => people.filter(({ part }) => part === 'comes').map(({ address }): Fault => ({
    name: 'a phone leaves its group, and comes back', target: `group ${conversation}`, weight: 4,
    run: async (random) => {
      const path = `/v1/Conversations/${conversation}/Participants`;
      const rest = new RestClient(access);
      type One = { sid: string; messaging_binding: { address?: string } | null };
      const one = (await persistently(PATIENCE_MILLIS, () => rest.get<{ participants: One[] }>(path))).participants.find(({ messaging_binding }) => messaging_binding?.address === address);
      // Repeated it is gone already.
      if (one) await persistently(PATIENCE_MILLIS, () => request(`${access.restUrl}${path}/${one.sid}`, { method: 'DELETE', headers })).catch((error: Error) => { if (!error.message.includes(': 404')) throw error; });
      await pause(random.between(500, 4000));
      const key = `comes back ${random.next()}`;
      await persistently(PATIENCE_MILLIS, () => request(`${access.restUrl}${path}`, {
        method: 'POST', headers: { ...headers, 'Idempotency-Key': key }, body: new URLSearchParams({ 'MessagingBinding.Address': address }),
      }));
    },
  })));
}

function clientFaults({ members }: Victims): Fault[] {
  return [
    {
      name: 'clients lose their network', target: 'clients', weight: 4,
      run: async (random) => {
        for (const member of members) if (random.next() < 0.4) member.cut();
      },
    },
  ];
}

async function killed(part: ManagedProcess, parts: Parts, random: Random, signal: NodeJS.Signals, downMillisMax: number): Promise<void> {
  await part.kill(signal);
  await pause(random.between(0, downMillisMax));
  await parts.bringUp(part);
}

async function frozen(part: ManagedProcess, random: Random, minMillis: number, maxMillis: number): Promise<void> {
  await part.kill('SIGSTOP');
  try {
    await pause(random.between(minMillis, maxMillis));
  } finally {
    await part.kill('SIGCONT');
  }
}

/** While serving. May fail, as the database may be taken away from it; then the old read models stay. */
export function rebuild(home: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(nodeProgram(), [builtFile('parley', 'cli.js'), 'rebuild'], {
      env: { ...process.env, PARLEY_HOME: home }, stdio: ['ignore', 'ignore', 'pipe'],
    });
    let complaint = '';
    child.stderr.on('data', (text: Buffer) => (complaint = (complaint + text.toString()).slice(-500)));
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`rebuild ended with ${code}: ${complaint}`))));
  });
}
