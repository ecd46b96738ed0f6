/**
 * What everybody saw of one conversation, and where that breaks the promises: nothing acknowledged is lost, doubled or at
 * another place than promised; one order everywhere; every delivery reached its end. Judges what was written down, knows nothing else.
 */
import type { Received, Text } from './handset.js';
import type { SeenMessage } from './member.js';

export type ThreadMessage = SeenMessage & {
  participant_sid: string | null;
  delivery: { total: number; sent: string; delivered: string; read: string; failed: string; undelivered: string } | null;
};
/** A message sent with its Idempotency-Key until it was answered; `answer` is what the 201 promised. */
export type Post = { body: string; tries: number; answer?: { sid: string; index: number } };
/** A chat member who was added the same way. */
export type Guest = { identity: string; answer?: { sid: string } };
export type Ledger = {
  posts: Post[];
  guests: Guest[];
  /** As REST lists them. */
  thread: ThreadMessage[];
  participants: { sid: string; identity: string | null }[];
  members: { identity: string; messages: SeenMessage[]; receipts: Map<string, string[]>; faults: string[] }[];
  handsets: { address: string; participant: string; outcome: 'delivered' | 'read'; texts: Text[]; received: Received[] }[];
};

/** One line per break of a promise; what is still on its way counts as one until it is there. */
export function breaches({ posts, guests, thread, participants, members, handsets }: Ledger): string[] {
  const found: string[] = [];
  const place = ({ index, sid }: { index: number; sid: string }) => `${index} ${sid}`;
  thread.forEach(({ index }, i) => {
    if (index !== i) found.push(`REST: index ${index} at place ${i}`);
  });
  for (const { body, answer } of posts) {
    const places = thread.filter((message) => message.body === body).map(place);
    if (answer ? places.join() !== place(answer) : places.length > 1)
      found.push(`REST: ${body} was ${answer ? `answered as ${place(answer)}` : 'not answered'} and is at [${places.join()}]`);
  }
  for (const guest of guests) {
    const sids = participants.filter(({ identity }) => identity === guest.identity).map(({ sid }) => sid);
    if (guest.answer ? sids.join() !== guest.answer.sid : sids.length > 1)
      found.push(`REST: ${guest.identity} was ${guest.answer ? `added as ${guest.answer.sid}` : 'not answered'} and is [${sids.join()}]`);
  }
  for (const { address, participant, texts } of handsets) {
    const shown = thread.filter(({ participant_sid }) => participant_sid === participant).map(({ body }) => body);
    const expected = texts.filter(({ body, answered }) => answered || shown.includes(body)).map(({ body }) => body);
    found.push(...difference(`REST, texts of ${address}`, expected, shown));
  }
  const written = new Set([...posts, ...handsets.flatMap(({ texts }) => texts)].map(({ body }) => body));
  for (const { body, index } of thread) if (!written.has(body)) found.push(`REST: nobody wrote ${body} at ${index}`);

  for (const { identity, messages, faults } of members)
    found.push(...faults.map((fault) => `${identity}: ${fault}`), ...difference(`websocket of ${identity}`, thread.map(place), messages.map(place)));
  for (const { address, participant, received } of handsets) {
    const expected = thread.filter(({ participant_sid }) => participant_sid !== participant).map(({ body }) => body);
    found.push(...difference(`handset ${address}`, expected, received.map(({ body }) => body)));
  }
  return [...found, ...unfinished(thread, handsets), ...receiptsSeen(thread, members)];
}

/** Each message reached its recipients, as REST tells it. */
function unfinished(thread: Ledger['thread'], handsets: Ledger['handsets']): string[] {
  return thread.flatMap(({ body, participant_sid, delivery }) => {
    const recipients = handsets.filter(({ participant }) => participant !== participant_sid);
    const readers = recipients.filter(({ outcome }) => outcome === 'read').length;
    const read = readers === 0 ? 'none' : readers === recipients.length ? 'all' : 'some';
    const expected = recipients.length === 0 ? null : { total: recipients.length, sent: 'all', delivered: 'all', read, failed: 'none', undelivered: 'none' };
    return JSON.stringify(delivery) === JSON.stringify(expected) ? [] : [`REST: delivery of ${body} is ${JSON.stringify(delivery)}`];
  });
}

/** Each member was told of every receipt, up to its end, no status twice and none after a later one. */
function receiptsSeen(thread: Ledger['thread'], members: Ledger['members']): string[] {
  const total = thread.reduce((sum, { delivery }) => sum + (delivery?.total ?? 0), 0);
  return members.flatMap(({ identity, receipts }) => [
    ...(receipts.size === total ? [] : [`websocket of ${identity}: ${receipts.size} of ${total} receipts`]),
    ...[...receipts].filter(([, statuses]) => !wentUpToItsEnd(statuses)).map(([sid, statuses]) => `websocket of ${identity}: receipt ${sid} went ${statuses.join()}`),
  ]);
}

const wentUpToItsEnd = (statuses: string[]): boolean => {
  const ranks = statuses.map((status) => ['sent', 'delivered', 'read'].indexOf(status));
  return ranks.every((rank, i) => rank > (ranks[i - 1] ?? -1)) && ranks.at(-1)! >= 1;
};

function difference(who: string, expected: string[], actual: string[]): string[] {
  const at = expected.findIndex((item, i) => actual[i] !== item);
  if (at >= 0) return [`${who}: ${actual[at] ?? 'nothing'} at place ${at} instead of ${expected[at]} (${actual.length} of ${expected.length})`];
  return actual.length > expected.length ? [`${who}: ${actual[expected.length]} came again or from nowhere`] : [];
}
