/**
 * Chat members' sockets that check what they get: in every conversation indexes follow each other, without hole, double or
 * step back, and at the end every socket has what REST has. A sample of frames is parsed as a whole.
 */
import type { Wrong } from '../load.ts';
import type { Member } from '../member-socket.ts';
import type { Protocol, ReceivingSocket } from '../protocols.ts';
import { inParallel, RestClient, type Access } from '../rest-client.ts';
import { Latencies } from '../statistics.ts';

/** One frame in so many is parsed and compared with what the byte search found. */
const PARSED_ONE_IN = 251;
const ARRIVE_MILLIS = 20_000;

export class MessageReceivers {
  private readonly access: Access;
  private readonly members: readonly Member[];
  /** The index each socket expects next. */
  private readonly expected: Int32Array;
  /** Per conversation, in all the same. */
  private readonly socketsEach: number;
  private readonly sockets: ReceivingSocket[] = [];
  private readonly protocol: Protocol;
  private latencies = new Latencies();
  private wrong: Pick<Wrong, 'doubled' | 'missing' | 'reordered' | 'failed'> = { doubled: 0, missing: 0, reordered: 0, failed: 0 };
  private received = 0;

  constructor(access: Access, members: readonly Member[], protocol: Protocol) {
    this.protocol = protocol;
    this.access = access;
    this.members = members;
    this.expected = new Int32Array(members.length);
    this.socketsEach = members.length / new Set(members.map(({ conversationSid }) => conversationSid)).size;
  }

  /** Connects and subscribes all. */
  async open(): Promise<void> {
    const heads = await this.heads();
    this.members.forEach(({ conversationSid }, i) => (this.expected[i] = heads.get(conversationSid)!));
    await inParallel(this.members.length, 32, async (i) => {
      const member = this.members[i]!;
      const socket = this.protocol.socket(this.access, member, (data, start, end) => this.take(i, data, start, end), () => this.wrong.failed++);
      this.sockets.push(socket);
      await socket.open();
    });
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  startRound(): void {
    this.latencies = new Latencies();
    this.wrong = { doubled: 0, missing: 0, reordered: 0, failed: 0 };
    this.received = 0;
  }

  /** Waits until so many messages have arrived, or do not arrive any more. */
  async endRound(messages: number): Promise<{ deliveries: number; latencies: Latencies; waitedMillis: number }> {
    const begin = performance.now();
    const deliveries = messages * this.socketsEach;
    while (performance.now() - begin < ARRIVE_MILLIS && this.received < deliveries) await new Promise((resolve) => setTimeout(resolve, 1));
    return { deliveries: this.received, latencies: this.latencies, waitedMillis: performance.now() - begin };
  }

  /** Compares every socket with REST. What nobody was told of (no answer of 2xx) may still be on its way for a moment. */
  async verify(): Promise<MessageReceivers['wrong']> {
    const heads = await this.heads();
    for (const until = performance.now() + ARRIVE_MILLIS; performance.now() < until && this.behind(heads) > 0; )
      await new Promise((resolve) => setTimeout(resolve, 10));
    this.wrong.missing += this.behind(heads);
    this.members.forEach(({ conversationSid }, i) => (this.expected[i] = heads.get(conversationSid)!));
    return this.wrong;
  }

  private take(i: number, data: Buffer, start: number, end: number): void {
    const index = this.protocol.marks.indexIn(data, start, end);
    const expected = this.expected[i]!;
    if (++this.received % PARSED_ONE_IN === 0) this.parse(this.members[i]!, index, data, start, end);
    if (index === expected) this.expected[i] = index + 1;
    else if (index < expected) this.wrong.doubled++;
    else {
      this.wrong.missing += index - expected;
      this.expected[i] = index + 1;
    }
    const age = this.protocol.marks.ageOf(data, start, end);
    if (!Number.isNaN(age)) this.latencies.add(age);
  }

  private parse({ conversationSid }: Member, index: number, data: Buffer, start: number, end: number): void {
    const message = this.protocol.parseMessage(data.toString('utf8', start, end));
    if (message?.conversationSid !== conversationSid || message.index !== index || !message.body?.startsWith('@')) this.wrong.reordered++;
  }

  private behind(heads: ReadonlyMap<string, number>): number {
    return this.members.reduce((sum, { conversationSid }, i) => sum + Math.max(0, heads.get(conversationSid)! - this.expected[i]!), 0);
  }

  /** The index the next message of each conversation gets, as REST sees it. */
  private async heads(): Promise<Map<string, number>> {
    const rest = new RestClient(this.access);
    const sids = [...new Set(this.members.map(({ conversationSid }) => conversationSid))];
    const heads = await inParallel(sids.length, 8, async (i) => {
      const { messages } = await rest.get<{ messages: { index: number }[] }>(`/v1/Conversations/${sids[i]}/Messages?PageSize=1&Order=desc`);
      return (messages[0]?.index ?? -1) + 1;
    });
    return new Map(sids.map((sid, i) => [sid, heads[i]!]));
  }
}
