/** `read`: 64 connections ask for the newest 20 messages of 100 conversations that have some hundred each. */
import { basicAuthorization, httpRequest } from '../http-connection.ts';
import { nothingWrong, type Load, type LoadResult, type Wrong } from '../load.ts';
import { RequestPool, type Pace } from '../request-pool.ts';
import { inParallel, RestClient, type Access } from '../rest-client.ts';
import { Latencies, rounded } from '../statistics.ts';
import { createConversations } from './conversations.ts';

const CONVERSATIONS = 100;
const MESSAGES_EACH = 200;
const PAGE = 20;
const CONNECTIONS = 64;

export class ReadLoad implements Load {
  private pool: RequestPool | undefined;
  private latencies = new Latencies();
  private wrong = nothingWrong();
  private answered = 0;
  private sent = 0;

  async open(access: Access): Promise<void> {
    const rest = new RestClient(access);
    const members = await createConversations(rest, CONVERSATIONS, 1);
    const text = 'Said the one who had been waiting for the parcel since last Thursday, and the other agreed at once.';
    await inParallel(CONVERSATIONS * MESSAGES_EACH, CONNECTIONS, async (i) => {
      const { conversationSid, identity } = members[i % CONVERSATIONS]!;
      await rest.post(`/v1/Conversations/${conversationSid}/Messages`, { Author: identity, Body: text });
    });
    const { hostname, port, host } = new URL(access.restUrl);
    const authorization = basicAuthorization(access.accountSid, access.authToken);
    const requests = members.map(({ conversationSid }) =>
      httpRequest('GET', `/v1/Conversations/${conversationSid}/Messages?PageSize=${PAGE}&Order=desc`, host, [authorization]));
    this.pool = new RequestPool({
      host: hostname, port: Number(port), connections: CONNECTIONS,
      compose: () => requests[this.sent++ % requests.length]!,
      answered: (_connection, status, body, millis) => this.take(status, body, millis),
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

  verify(): Promise<Wrong> {
    return Promise.resolve(this.wrong);
  }

  close(): void {
    this.pool?.close();
  }

  private take(status: number, body: Buffer, millis: number): void {
    this.latencies.add(millis);
    if (status !== 200) this.wrong.refused++;
    else this.answered++;
    if (this.answered % 251 === 0 && status === 200) this.check(body);
  }

  /** A sample: the newest first, one after the other. */
  private check(body: Buffer): void {
    const { messages } = JSON.parse(body.toString('utf8')) as { messages: { index: number }[] };
    if (messages.length !== PAGE) this.wrong.missing++;
    if (messages.some(({ index }, i) => index !== messages[0]!.index - i)) this.wrong.reordered++;
  }
}
