/** A round of posts over a pool of connections, with sockets that must receive every one of them. */
import { nothingWrong, type LoadResult, type Wrong } from '../load.ts';
import { MessageMarks } from '../message-body.ts';
import { RequestPool, type Pace } from '../request-pool.ts';
import type { Access } from '../rest-client.ts';
import { Latencies, rounded } from '../statistics.ts';
import type { MessageReceivers } from './message-receivers.ts';

const answers = new MessageMarks('body', 'index');

export class PostAndReceive {
  private readonly receivers: MessageReceivers;
  /** Whether an answer of 2xx must show the message's index. */
  private readonly answersShowIndex: boolean;
  private readonly pool: RequestPool;
  private latencies = new Latencies();
  private wrong = nothingWrong();
  private answered = 0;

  constructor(
    access: Access, connections: number, compose: (connection: number, at: number) => Buffer, receivers: MessageReceivers, answersShowIndex: boolean,
  ) {
    this.receivers = receivers;
    this.answersShowIndex = answersShowIndex;
    const { hostname, port } = new URL(access.restUrl);
    this.pool = new RequestPool({
      host: hostname, port: Number(port), connections, compose,
      answered: (_connection, status, body, millis) => this.take(status, body, millis),
      failed: () => this.wrong.failed++,
    });
  }

  open(): Promise<void> {
    return this.pool.open();
  }

  close(): void {
    this.pool.close();
  }

  async round(pace: Pace): Promise<LoadResult> {
    this.latencies = new Latencies();
    this.wrong = nothingWrong();
    this.answered = 0;
    this.receivers.startRound();
    const answeredMillis = await this.pool.run(pace);
    const { deliveries, latencies, waitedMillis } = await this.receivers.endRound(this.answered);
    // Until the last socket has the last message, which is when the work is done.
    const seconds = (answeredMillis + waitedMillis) / 1000;
    return {
      seconds: rounded(seconds, 3),
      answered: this.answered, answeredPerSecond: rounded(this.answered / seconds, 1),
      deliveries, deliveriesPerSecond: rounded(deliveries / seconds, 1),
      answer: this.latencies.percentiles(), delivery: latencies.percentiles(),
    };
  }

  async verify(): Promise<Wrong> {
    const { failed, missing, doubled, reordered } = await this.receivers.verify();
    return { refused: this.wrong.refused, failed: this.wrong.failed + failed, missing, doubled, reordered };
  }

  private take(status: number, body: Buffer, millis: number): void {
    this.latencies.add(millis);
    if (status < 200 || status > 299 || (this.answersShowIndex && answers.indexIn(body, 0, body.length) < 0)) this.wrong.refused++;
    else this.answered++;
  }
}
