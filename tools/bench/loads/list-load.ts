/**
 * `list`: pages of one conversation's messages and of all conversations, at the beginning of each list and deep in it. The
 * addresses of all pages are gathered first, by following `next_page_url` from the first page to the last.
 */
import { basicAuthorization, httpRequest } from '../http-connection.ts';
import { nothingWrong, type Load, type LoadResult, type Wrong } from '../load.ts';
import type { Member } from '../member-socket.ts';
import { RequestPool, type Pace } from '../request-pool.ts';
import { RestClient, type Access } from '../rest-client.ts';
import { Latencies, rounded } from '../statistics.ts';

const CONNECTIONS = 16;
const PAGE = 100;
/** Of all pages, at either end of the list. */
const SHARE = 0.1;

type Listed = { meta: { next_page_url: string | null; key: string } } & Record<string, { sid: string; index?: number }[]>;

export class ListLoad implements Load {
  private pool: RequestPool | undefined;
  private readonly parts = new Map<string, Buffer[]>();
  private requests: Buffer[] = [];
  private latencies = new Latencies();
  private wrong = nothingWrong();
  private walkWrong = nothingWrong();
  private answered = 0;
  private sent = 0;

  /** `members`: of the one conversation with the long history. */
  async open(access: Access, members: readonly Member[] = []): Promise<void> {
    const rest = new RestClient(access);
    const { hostname, port, host } = new URL(access.restUrl);
    const authorization = basicAuthorization(access.accountSid, access.authToken);
    for (const [name, path] of [['messages', `/v1/Conversations/${members[0]!.conversationSid}/Messages`], ['conversations', '/v1/Conversations']] as const) {
      const pages = await this.walk(rest, access.restUrl, `${path}?PageSize=${PAGE}`);
      const requests = pages.map((page) => httpRequest('GET', page, host, [authorization]));
      const some = Math.max(1, Math.floor(requests.length * SHARE));
      this.parts.set(`${name}-first`, requests.slice(0, some));
      // Not the last one, which may be short.
      this.parts.set(`${name}-deep`, requests.slice(-some - 1, -1));
    }
    this.pool = new RequestPool({
      host: hostname, port: Number(port), connections: CONNECTIONS,
      compose: () => this.requests[Math.imul(this.sent++, 7919) % this.requests.length]!,
      answered: (_connection, status, body, millis) => this.take(status, body, millis),
      failed: () => this.wrong.failed++,
    });
    await this.pool.open();
  }

  async round({ part = 'messages-first', ...pace }: Pace): Promise<LoadResult> {
    this.requests = this.parts.get(part)!;
    this.latencies = new Latencies();
    this.wrong = { ...this.walkWrong };
    this.answered = 0;
    this.sent = 0;
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

  /** Every page's path with query; no item may come twice, and messages come one after the other. */
  private async walk(rest: RestClient, restUrl: string, first: string): Promise<string[]> {
    const pages: string[] = [];
    const seen = new Set<string>();
    let index = 0;
    for (let next: string | null = first; next !== null; ) {
      pages.push(next);
      const page: Listed = await rest.get<Listed>(next);
      for (const item of page[page.meta.key]!) {
        if (seen.has(item.sid)) this.walkWrong.doubled++;
        seen.add(item.sid);
        if (item.index !== undefined && item.index !== index++) this.walkWrong.missing++;
      }
      next = page.meta.next_page_url?.slice(restUrl.length) ?? null;
    }
    return pages;
  }

  private take(status: number, body: Buffer, millis: number): void {
    this.latencies.add(millis);
    if (status !== 200) this.wrong.refused++;
    else if (++this.answered % 251 === 0) {
      const page = JSON.parse(body.toString('utf8')) as Listed;
      if (page[page.meta.key]!.length !== PAGE) this.wrong.missing++;
    }
  }
}
