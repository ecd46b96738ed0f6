/**
 * `mixed`: what an application with an inbox does, 80 % of it reading: newest messages, the list of conversations, members,
 * one conversation or message again; and messages, read marks, attributes and new conversations in between.
 */
import { basicAuthorization, httpRequest } from '../http-connection.ts';
import { nothingWrong, type Load, type LoadResult, type Wrong } from '../load.ts';
import type { Member } from '../member-socket.ts';
import { RequestPool, type Pace } from '../request-pool.ts';
import { inParallel, RestClient, type Access } from '../rest-client.ts';
import { Latencies, rounded } from '../statistics.ts';
import { createConversations } from './conversations.ts';

const CONVERSATIONS = 200;
const MEMBERS_EACH = 4;
const MESSAGES_EACH = 50;
const CONNECTIONS = 64;

type Kind = 'messages' | 'conversations' | 'participants' | 'conversation' | 'message' | 'post' | 'read' | 'attributes' | 'create';
/** Of twenty requests sixteen read. */
const turns: readonly Kind[] = [
  'messages', 'conversation', 'post', 'messages', 'participants', 'messages', 'conversations', 'post', 'messages', 'message',
  'messages', 'read', 'messages', 'conversation', 'conversations', 'message', 'messages', 'participants', 'attributes', 'messages',
];
/** One attribute change in so many is a new conversation. */
const CREATE_EVERY = 5;

export class MixedLoad implements Load {
  private pool: RequestPool | undefined;
  private members: Member[] = [];
  private messages: string[] = [];
  private head: { host: string; authorization: string } = { host: '', authorization: '' };
  /** What each connection asked last. */
  private readonly asked: Kind[] = [];
  private latencies = new Latencies();
  private wrong = nothingWrong();
  private posted = 0;
  private answered = 0;
  private sent = 0;
  private rest: RestClient | undefined;

  async open(access: Access): Promise<void> {
    this.rest = new RestClient(access);
    this.members = await createConversations(this.rest, CONVERSATIONS, MEMBERS_EACH);
    this.messages = await inParallel(CONVERSATIONS * MESSAGES_EACH, CONNECTIONS, async (i) => {
      const { conversationSid, identity } = this.members[(i % CONVERSATIONS) * MEMBERS_EACH]!;
      const { sid } = await this.rest!.post<{ sid: string }>(`/v1/Conversations/${conversationSid}/Messages`, { Author: identity, Body: `before ${i}` });
      return `${conversationSid}/Messages/${sid}`;
    });
    const { hostname, port, host } = new URL(access.restUrl);
    this.head = { host, authorization: basicAuthorization(access.accountSid, access.authToken) };
    this.pool = new RequestPool({
      host: hostname, port: Number(port), connections: CONNECTIONS,
      compose: (connection) => this.compose(connection),
      answered: (connection, status, body, millis) => this.take(connection, status, body, millis),
      failed: () => this.wrong.failed++,
    });
    await this.pool.open();
  }

  async round(pace: Pace): Promise<LoadResult> {
    this.latencies = new Latencies();
    this.wrong = nothingWrong();
    this.answered = 0;
    const seconds = (await this.pool!.run(pace)) / 1000;
    return {
      seconds: rounded(seconds, 3), answered: this.answered, answeredPerSecond: rounded(this.answered / seconds, 1),
      deliveries: 0, deliveriesPerSecond: 0, answer: this.latencies.percentiles(), delivery: new Latencies().percentiles(),
    };
  }

  /** Every message that was accepted, these and all before, is there. */
  async verify(): Promise<Wrong> {
    const counts = await inParallel(CONVERSATIONS, 8, async (c) => {
      const path = `/v1/Conversations/${this.members[c * MEMBERS_EACH]!.conversationSid}/Messages?Order=desc&PageSize=1`;
      return (await this.rest!.get<{ messages: { index: number }[] }>(path)).messages[0]!.index + 1;
    });
    const stored = counts.reduce((sum, count) => sum + count, 0);
    const expected = this.messages.length + this.posted;
    return { ...this.wrong, missing: this.wrong.missing + Math.max(0, expected - stored), doubled: Math.max(0, stored - expected) };
  }

  close(): void {
    this.pool?.close();
  }

  private compose(connection: number): Buffer {
    const n = this.sent++;
    const turn = turns[n % turns.length]!;
    const kind = turn === 'attributes' && Math.floor(n / turns.length) % CREATE_EVERY === 0 ? 'create' : turn;
    this.asked[connection] = kind;
    // A sequence that visits them all in no order a cache would like.
    const { conversationSid, identity } = this.members[Math.imul(n, 7919) % this.members.length >>> 0] ?? this.members[0]!;
    const { host, authorization } = this.head;
    const at = `/v1/Conversations/${conversationSid}`;
    const get = (path: string) => httpRequest('GET', path, host, [authorization]);
    const post = (path: string, form: string) => httpRequest('POST', path, host, [authorization], form);
    switch (kind) {
      case 'messages': return get(`${at}/Messages?PageSize=20&Order=desc`);
      case 'conversations': return get('/v1/Conversations?PageSize=20');
      case 'participants': return get(`${at}/Participants`);
      case 'conversation': return get(at);
      case 'message': return get(`/v1/Conversations/${this.messages[n % this.messages.length]!}`);
      case 'post': return post(`${at}/Messages`, `Author=${identity}&Body=said+in+between+${n}`);
      case 'read': return post(`${at}/Participants/${identity}`, `LastReadMessageIndex=${n % MESSAGES_EACH}`);
      case 'attributes': return post(at, `Attributes=${encodeURIComponent(`{"seen":${n}}`)}`);
      case 'create': return post('/v1/Conversations', `FriendlyName=made+in+between+${n}`);
    }
  }

  private take(connection: number, status: number, body: Buffer, millis: number): void {
    this.latencies.add(millis);
    const kind = this.asked[connection]!;
    if (status !== 200 && status !== 201) return void this.wrong.refused++;
    this.answered++;
    if (kind === 'post') this.posted++;
    if (kind !== 'messages' || this.answered % 251 !== 0) return;
    const { messages } = JSON.parse(body.toString('utf8')) as { messages: { index: number }[] };
    if (messages.some(({ index }, i) => i > 0 && index >= messages[i - 1]!.index)) this.wrong.reordered++;
  }
}
