/**
 * Judges a run by its evidence alone, after the fact. REST's thread is the reference: it must hold every acknowledged message
 * exactly once under the index that was promised, and every other observer must have seen that thread, nothing else, in that
 * order.
 */
import type { Evidence, Handset, InboundText, Post, SocketLedger, ThreadMessage } from './evidence.ts';
import { compareSequences } from './sequences.ts';

export type Verdict = {
  /** Messages posted and answered 2xx, and texts the webhook answered 2xx. */
  acknowledged: number;
  /** Acknowledged and missing at REST, a websocket or a handset; each place counts. */
  lost: number;
  doubled: number;
  /** At another place than promised or than elsewhere, holes in the indexes included. */
  reordered: number;
  /** Seen by somebody though it is in no thread. */
  foreign: number;
  /** Sent to the carrier again under the same reference after an attempt whose end was unknown: allowed, audited. */
  sentAgain: number;
  /** The first findings, one line each. */
  findings: string[];
};

const FINDINGS_MAX = 100;

export function check(evidence: Evidence): Verdict {
  const judge = new Judge();
  for (const post of evidence.posts) if (post.acknowledged) judge.verdict.acknowledged++;
  for (const text of evidence.texts) if (text.acknowledged) judge.verdict.acknowledged++;
  for (const [conversation, thread] of Object.entries(evidence.threads)) {
    judge.checkIndexes(conversation, thread);
    judge.checkPosts(thread, evidence.posts.filter((post) => post.conversation === conversation));
    judge.checkTexts(thread, evidence.texts.filter((text) => text.conversation === conversation));
    judge.checkForeign(conversation, thread, evidence);
  }
  for (const socket of evidence.sockets) judge.checkSocket(socket, evidence.threads[socket.conversation] ?? []);
  for (const handset of evidence.handsets) judge.checkHandset(handset, evidence.threads[handset.conversation] ?? []);
  return judge.verdict;
}

class Judge {
  readonly verdict: Verdict = { acknowledged: 0, lost: 0, doubled: 0, reordered: 0, foreign: 0, sentAgain: 0, findings: [] };

  checkIndexes(conversation: string, thread: readonly ThreadMessage[]): void {
    thread.forEach(({ index }, i) => {
      if (index !== i) this.find('reordered', `REST: ${conversation} shows index ${index} at place ${i}`);
    });
  }

  checkPosts(thread: readonly ThreadMessage[], posts: readonly Post[]): void {
    const byBody = Map.groupBy(thread, ({ body }) => body);
    for (const { body, conversation, acknowledged } of posts) {
      const found = byBody.get(body) ?? [];
      for (const extra of found.slice(1)) this.find('doubled', `REST: ${conversation} has ${body} again at index ${extra.index}`);
      if (!acknowledged) continue;
      const [first] = found;
      if (!first) this.find('lost', `REST: ${conversation} lacks ${body}, which was answered with index ${acknowledged.index}`);
      else if (first.index !== acknowledged.index || first.sid !== acknowledged.sid)
        this.find('reordered', `REST: ${conversation} has ${body} at ${first.index} ${first.sid}, answered was ${acknowledged.index} ${acknowledged.sid}`);
    }
  }

  /** A handset's next text is sent when the one before was answered: so they stand in that order. */
  checkTexts(thread: readonly ThreadMessage[], texts: readonly InboundText[]): void {
    for (const [address, own] of Map.groupBy(texts, (text) => text.address)) {
      const sent = new Set(own.map(({ body }) => body));
      const shown = thread.filter(({ author, body }) => author === address && sent.has(body)).map(({ body }) => body);
      const unanswered = new Set(own.filter(({ acknowledged }) => !acknowledged).map(({ body }) => body));
      const { missing, doubled, misplaced } = compareSequences(own.map(({ body }) => body), shown);
      for (const body of missing) if (!unanswered.has(body)) this.find('lost', `REST: the text ${body} of ${address} is missing`);
      for (const body of doubled) this.find('doubled', `REST: the text ${body} of ${address} is there again`);
      for (const body of misplaced) this.find('reordered', `REST: the text ${body} of ${address} stands behind a later one`);
    }
  }

  checkForeign(conversation: string, thread: readonly ThreadMessage[], { posts, texts }: Evidence): void {
    const known = new Set([...posts, ...texts].filter((one) => one.conversation === conversation).map(({ body }) => body));
    for (const { body, index } of thread) if (!known.has(body)) this.find('foreign', `REST: ${conversation} has ${body} at ${index}, which nobody wrote`);
  }

  checkSocket({ conversation, identity, messages }: SocketLedger, thread: readonly ThreadMessage[]): void {
    const name = ({ index, sid }: { index: number; sid: string }) => `${index} ${sid}`;
    this.compare(`websocket of ${identity} in ${conversation}`, thread.map(name), messages.map(name));
  }

  /** Everything in the thread but what this handset itself wrote, or others wrote without us. */
  checkHandset({ conversation, address, received, unbrought = [], partly = false }: Handset, thread: readonly ThreadMessage[]): void {
    const expected = thread.filter(({ author }) => author !== address && !unbrought.includes(author)).map(({ body }) => body);
    this.compare(`handset ${address} of ${conversation}`, expected, received.map(({ body }) => body), partly);
    for (const { sends } of received) this.verdict.sentAgain += sends - 1;
  }

  private compare(who: string, expected: readonly string[], actual: readonly string[], partly = false): void {
    const { missing, doubled, foreign, misplaced } = compareSequences(expected, actual);
    for (const item of partly ? [] : missing) this.find('lost', `${who}: ${item} is missing`);
    for (const item of doubled) this.find('doubled', `${who}: ${item} came again`);
    for (const item of misplaced) this.find('reordered', `${who}: ${item} came after a later one`);
    for (const item of foreign) this.find('foreign', `${who}: ${item} is not in the thread`);
  }

  private find(what: 'lost' | 'doubled' | 'reordered' | 'foreign', finding: string): void {
    this.verdict[what]++;
    if (this.verdict.findings.length < FINDINGS_MAX) this.verdict.findings.push(`${what}: ${finding}`);
  }
}
