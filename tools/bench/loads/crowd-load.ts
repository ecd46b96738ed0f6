/**
 * Many members' sockets, a share of them in each conversation: they stay and do nothing (`idle`), or all lose their connection,
 * miss a few messages and come back at once (`reconnect`). Each follows its conversation by index, over all its connections.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { CrowdMember } from '../crowd-member.ts';
import { nothingWrong, type Load, type LoadResult, type Wrong } from '../load.ts';
import type { Member } from '../member-socket.ts';
import type { Pace } from '../request-pool.ts';
import { inParallel, RestClient, type Access } from '../rest-client.ts';
import { Latencies, rounded } from '../statistics.ts';

const OPENING_AT_ONCE = 64;
/** Posted to each conversation while nobody is there. */
const MISSED = 3;
const BACK_MILLIS = 60_000;
const ARRIVE_MILLIS = 20_000;
const none = new Latencies().percentiles();

export class CrowdLoad implements Load {
  private rest: RestClient | undefined;
  private members: CrowdMember[] = [];
  private conversations: string[] = [];
  private posted = 0;

  async open(access: Access, given: readonly Member[] = []): Promise<void> {
    this.rest = new RestClient(access);
    this.conversations = [...new Set(given.map(({ conversationSid }) => conversationSid))];
    const begin = this.members.length;
    given.slice(begin).forEach((member, i) => this.members.push(new CrowdMember(access, member, begin + i)));
    await inParallel(this.members.length - begin, OPENING_AT_ONCE, (i) => this.members[begin + i]!.open());
  }

  round(pace: Pace): Promise<LoadResult> {
    if (pace.part === 'cut') return this.cut();
    return pace.part === 'reconnect' ? this.reconnect() : this.stay(pace.seconds);
  }

  /** Every socket is there, and gets one more message. */
  async verify(): Promise<Wrong> {
    await this.post(1);
    const behind = () => this.members.filter((member) => member.expected < this.posted).length;
    for (const until = performance.now() + ARRIVE_MILLIS; performance.now() < until && behind() > 0; ) await pause(10);
    const wrong = { ...nothingWrong(), missing: behind() };
    for (const member of this.members) {
      wrong.missing += member.missing;
      wrong.doubled += member.doubled;
      wrong.failed += member.lost;
      member.missing = member.doubled = member.lost = 0;
    }
    return wrong;
  }

  close(): void {
    for (const member of this.members) member.leave();
  }

  private async stay(seconds: number): Promise<LoadResult> {
    await pause(seconds * 1000);
    return { seconds, answered: this.members.length, answeredPerSecond: 0, deliveries: 0, deliveriesPerSecond: 0, answer: none, delivery: none };
  }

  /** All in the same instant; then each misses a few messages. */
  private async cut(): Promise<LoadResult> {
    for (const member of this.members) member.cut();
    await this.post(MISSED);
    return this.stay(0);
  }

  /** `answer`: from the first attempt of all to each one having what it missed. */
  private async reconnect(): Promise<LoadResult> {
    const begin = performance.now();
    const took = new Latencies();
    const back = this.members.map(async (member) => {
      await member.comeBack(this.posted, AbortSignal.timeout(BACK_MILLIS));
      took.add(performance.now() - begin);
    });
    await Promise.all(back);
    const seconds = (performance.now() - begin) / 1000;
    const deliveries = this.members.length * MISSED;
    return {
      seconds: rounded(seconds, 3), answered: this.members.length, answeredPerSecond: rounded(this.members.length / seconds, 0), deliveries,
      deliveriesPerSecond: rounded(deliveries / seconds, 0), answer: took.percentiles(), delivery: none,
    };
  }

  private async post(each: number): Promise<void> {
    await inParallel(this.conversations.length, 8, async (c) => {
      for (let n = 0; n < each; n++) await this.rest!.post(`/v1/Conversations/${this.conversations[c]}/Messages`, { Author: 'system', Body: 'While you were away.' });
    });
    this.posted += each;
  }
}
