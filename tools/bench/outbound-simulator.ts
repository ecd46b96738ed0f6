/**
 * Messages to people outside the chat, carried by the built-in simulator, and by SMTP to a mail server of ours: posted by REST, read off
 * the database when the carrier has them. Latency is from the message's own time to the end of the attempt that the carrier took it in.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { connectDatabase } from '../../infra/local/database.mjs';
import { logLag } from './log-progress.ts';
import { inParallel, RestClient } from './rest-client.ts';
import { Latencies, rounded, type Percentiles } from './statistics.ts';
import { Mailbox } from './mailbox.ts';
import type { TestInstallation } from './test-installation.ts';

export const simulatedChannels = ['sms', 'whatsapp', 'messenger', 'email'] as const;
export type SimulatedChannel = (typeof simulatedChannels)[number];
export type OutboundRound = {
  /** From the first message's time until the carrier had the last one. */
  deliveriesPerSecond: number;
  latency: Percentiles;
  wrong: { missing: number; sentTwice: number };
};

/** A person each, and so a lane each. */
const PEOPLE = 96;
const SENDERS = 4;
const WRITERS = 32;
const HUNG_PEOPLE = 64;
const HANG_MILLIS = 3_600_000;
/** Posted and not yet with the carrier; more would only wait. */
const BACKLOG_MAX = 256;
const LOOK_MILLIS = 20;
const DRAINED_WITHIN_MILLIS = 60_000;
/** Each message is reported on three times; on a busy machine that takes longer than to send it. */
const REPORTED_WITHIN_MILLIS = 180_000;
const addresses: Record<SimulatedChannel, { sender: (n: number) => string; person: (n: number) => string }> = {
  sms: { sender: (n) => `+1555010${numbered(n)}`, person: (n) => `+1555020${numbered(n)}` },
  whatsapp: { sender: (n) => `whatsapp:+1555030${numbered(n)}`, person: (n) => `whatsapp:+1555040${numbered(n)}` },
  messenger: { sender: (n) => `messenger:10${numbered(n)}`, person: (n) => `messenger:72${numbered(n)}` },
  email: { sender: (n) => `desk${numbered(n)}@inbox.example.test`, person: (n) => `person${numbered(n)}@example.com` },
};
const HUNG_SENDER = '+15550109999';

type Client = Awaited<ReturnType<typeof connectDatabase>>;

export class OutboundSimulator {
  private readonly conversations: Record<SimulatedChannel, string[]>;
  private readonly hung: string[];
  private readonly rest: RestClient;
  private readonly client: Client;
  private readonly behaviourUrl: string;
  private readonly authorization: string;
  private readonly mailbox: Mailbox;

  private constructor({ info }: TestInstallation, rest: RestClient, client: Client, mailbox: Mailbox, conversations: Record<SimulatedChannel, string[]>, hung: string[]) {
    this.mailbox = mailbox;
    this.rest = rest;
    this.client = client;
    this.conversations = conversations;
    this.hung = hung;
    this.behaviourUrl = `${info.simulatorUrl}/handsets/${encodeURIComponent(HUNG_SENDER)}/behaviour`;
    this.authorization = `Basic ${btoa(`${info.accountSid}:${info.authToken}`)}`;
  }

  static async start(installation: TestInstallation): Promise<OutboundSimulator> {
    const rest = new RestClient(installation.info);
    const mailbox = await Mailbox.start();
    await mailSenders(rest, mailbox.port);
    const withPerson = (person: string, sender: string) => conversationWith(rest, person, sender);
    const conversations = {} as Record<SimulatedChannel, string[]>;
    for (const channel of simulatedChannels) {
      const { person, sender } = addresses[channel];
      conversations[channel] = await inParallel(PEOPLE, 8, (n) => withPerson(person(n), sender(n % SENDERS)));
    }
    const hung = await inParallel(HUNG_PEOPLE, 8, (n) => withPerson(`+1555050${numbered(n)}`, HUNG_SENDER));
    return new OutboundSimulator(installation, rest, await connectDatabase(installation.info.databaseUrl), mailbox, conversations, hung);
  }

  /** As fast as it goes with a bounded backlog, to everybody of the channel in turn. */
  async full(channel: SimulatedChannel, seconds: number): Promise<OutboundRound> {
    const [since, senders] = [await this.now(), sendersOf([channel])];
    const until = performance.now() + seconds * 1000;
    let [posted, room] = [0, BACKLOG_MAX];
    const going = () => performance.now() < until;
    const watching = (async () => {
      for (; going(); await pause(LOOK_MILLIS)) room = BACKLOG_MAX + (await this.taken(since, senders)) - posted;
    })();
    await Promise.all(Array.from({ length: WRITERS }, async () => {
      while (going()) {
        if (room-- > 0) await this.post(this.conversations[channel], posted++);
        else await pause(LOOK_MILLIS / 4);
      }
    }));
    await watching;
    return this.result([channel], since, posted);
  }

  /** To all channels in turn, paced. */
  async paced(perSecond: number, seconds: number): Promise<OutboundRound> {
    const [since, begin, posts] = [await this.now(), performance.now(), perSecond * seconds];
    const answers: Promise<void>[] = [];
    for (let n = 0; n < posts; n++) {
      await pause(Math.max(0, begin + (n * 1000) / perSecond - performance.now()));
      answers.push(this.post(this.conversations[simulatedChannels[n % simulatedChannels.length]!], Math.floor(n / simulatedChannels.length)));
    }
    await Promise.all(answers);
    return this.result(simulatedChannels, since, posts);
  }

  /** Resolves when what carriers report has been taken in too: it belongs to the round that it follows. */
  async reported(): Promise<void> {
    for (const end = performance.now() + REPORTED_WITHIN_MILLIS; ; await pause(500)) { // it reads a lot
      const { rows: [left] } = await this.client.query<{ count: string }>(
        `select (select count(*) from simulator.callback) + (select count(*) from delivery.inbox where state = 'received')
              + (select count(*) from delivery.delivery where state in ('sent', 'delivered', 'read', 'failed', 'undelivered') and reported is distinct from state) as count`,
      );
      if (Number(left!.count) === 0) return;
      if (performance.now() > end) throw new Error(`after ${REPORTED_WITHIN_MILLIS} ms ${left!.count} reports are still to be taken in`);
    }
  }

  /** While `work` runs, the carrier of one sender takes requests and never answers, and there is plenty for it to do. */
  async whileOneHangs<T>(work: () => Promise<T>): Promise<T> {
    const since = await this.now();
    await this.behave('PUT', { hangMs: HANG_MILLIS });
    await inParallel(this.hung.length, 8, (n) => this.post(this.hung, n));
    try {
      return await work();
    } finally {
      await this.behave('DELETE');
      await this.drained(since);
    }
  }

  async close(): Promise<void> {
    this.mailbox.stop();
    await this.client.end();
  }

  private async result(channels: readonly SimulatedChannel[], since: string, posted: number): Promise<OutboundRound> {
    const senders = sendersOf(channels);
    await this.drained(since, senders);
    const { rows } = await this.client.query<{ millis: number; began: number; ended: number }>(
      `select extract(epoch from a.ended_at - m.created_at)::float8 * 1000 as millis, extract(epoch from m.created_at)::float8 as began, extract(epoch from a.ended_at)::float8 as ended
         from delivery.delivery d join delivery.attempt a on a.delivery_id = d.delivery_id and a.attempt = d.attempt and a.outcome in ('accepted', 'sent')
         join model.message m on m.conversation_sid = d.conversation_sid and m.index = d.message_index
        where d.created_at >= $1 and d.sender = any ($2)`, [since, senders],
    );
    const latency = new Latencies();
    let [first, last] = [Infinity, 0];
    for (const { millis, began, ended } of rows) {
      latency.add(millis);
      first = Math.min(first, began);
      last = Math.max(last, ended);
    }
    const { rows: [repeated] } = await this.client.query<{ count: string }>('select coalesce(sum(sends - 1), 0) as count from simulator.message where created_at >= $1 and sender = any ($2)', [since, senders]);
    return {
      deliveriesPerSecond: rounded(rows.length / (last - first), 0), latency: latency.percentiles(),
      wrong: { missing: posted - rows.length, sentTwice: Number(repeated!.count) + (await this.mailbox.twice()) },
    };
  }

  private async taken(since: string, senders: string[]): Promise<number> {
    const { rows: [taken] } = await this.client.query<{ count: string }>(
      `select count(*) from delivery.delivery where created_at >= $1 and sender = any ($2) and state not in ('queued', 'sending', 'unknown')`, [since, senders],
    );
    return Number(taken!.count);
  }

  /** Resolves when nothing that was planned since then (by these senders) is on its way to a carrier. */
  private async drained(since: string, senders: string[] | null = null): Promise<void> {
    for (const end = performance.now() + DRAINED_WITHIN_MILLIS; ; await pause(50)) {
      const unplanned = (await logLag(this.client))['message-router'] ?? 0;
      const { rows: [left] } = await this.client.query<{ count: string }>(
        `select count(*) from delivery.delivery where created_at >= $1 and state in ('queued', 'sending', 'unknown') and ($2::text[] is null or sender = any ($2))`, [since, senders],
      );
      if (unplanned + Number(left!.count) === 0) return;
      if (performance.now() > end) throw new Error(`after ${DRAINED_WITHIN_MILLIS} ms ${left!.count} are still on their way`);
    }
  }

  private async post(conversations: readonly string[], n: number): Promise<void> {
    await this.rest.post(`/v1/Conversations/${conversations[n % conversations.length]!}/Messages`, { Author: 'agent', Body: 'Your parcel is at the door, and so is the one who brought it.' });
  }

  private async behave(method: string, behaviour?: object): Promise<void> {
    const { status } = await fetch(this.behaviourUrl, {
      method, headers: { authorization: this.authorization, ...(behaviour && { 'content-type': 'application/json' }) }, ...(behaviour && { body: JSON.stringify(behaviour) }),
    });
    if (status >= 300) throw new Error(`the simulator answered ${status}`);
  }

  private async now(): Promise<string> {
    return (await this.client.query<{ now: string }>('select clock_timestamp()::text as now')).rows[0]!.now;
  }
}

const sendersOf = (channels: readonly SimulatedChannel[]): string[] =>
  channels.flatMap((channel) => Array.from({ length: SENDERS }, (_, n) => addresses[channel].sender(n)));

/** Mail goes to no simulator: a connection of the account and its senders, to a mail server on this machine. */
async function mailSenders(rest: RestClient, port: number): Promise<void> {
  const settings = { domain: 'inbox.example.test', host: '127.0.0.1', port, tls: 'none' };
  const { sid } = await rest.post<{ sid: string }>('/v1/CarrierConnections', { Carrier: 'smtp', Settings: JSON.stringify(settings) });
  for (let n = 0; n < SENDERS; n++) await rest.post('/v1/Senders', { Address: addresses.email.sender(n), ConnectionSid: sid });
}

async function conversationWith(rest: RestClient, address: string, proxy: string): Promise<string> {
  const { sid } = await rest.post<{ sid: string }>('/v1/Conversations', { FriendlyName: 'Outbound' });
  await rest.post(`/v1/Conversations/${sid}/Participants`, { 'MessagingBinding.Address': address, 'MessagingBinding.ProxyAddress': proxy });
  return sid;
}

function numbered(n: number): string {
  return String(n).padStart(4, '0');
}
