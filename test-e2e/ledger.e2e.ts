/** The judge of the promise tests must notice: an innocent ledger passes, each way of spoiling it at one place is found. */
import { breaches, type Ledger } from './ledger.js';

const delivered = { total: 1, sent: 'all', delivered: 'all', read: 'none', failed: 'none', undelivered: 'none' };
const innocent = (): Ledger => {
  const message = (index: number, body: string, participant_sid: string | null = null) =>
    ({ index, sid: `IM${index}`, body, participant_sid, delivery: participant_sid ? null : delivered });
  const thread = [message(0, 'one'), message(1, 'two'), message(2, 'reply', 'MB1'), message(3, 'three')];
  const receipts = new Map([['DY0', ['sent', 'delivered']], ['DY1', ['delivered']], ['DY3', ['sent', 'delivered']]]);
  return {
    thread, posts: [0, 1, 3].map((index) => ({ body: thread[index]!.body, tries: 1, answer: { index, sid: `IM${index}` } })),
    guests: [{ identity: 'guest', answer: { sid: 'MB2' } }], participants: [{ sid: 'MB1', identity: null }, { sid: 'MB2', identity: 'guest' }],
    members: [{ identity: 'alice', messages: thread.map(({ index, sid, body }) => ({ index, sid, body })), receipts, faults: [] }],
    handsets: [{
      address: '+1', participant: 'MB1', outcome: 'delivered', texts: [{ body: 'lost try', answered: false }, { body: 'reply', answered: true }],
      received: ['one', 'two', 'three'].map((body, i) => ({ sid: `SM${i}`, body, sends: 1 })),
    }],
  };
};
const swapped = <T>(list: T[]) => list.splice(0, 2, list[1]!, list[0]!);

describe('the ledger of a conversation', () => {
  it('is sound when all is as promised', () => expect(breaches(innocent())).toEqual([]));

  it.each<[string, (ledger: Ledger) => unknown]>([
    ['a message lost at REST', ({ thread }) => thread.pop()],
    ['a message doubled at REST', ({ thread }) => thread.push({ ...thread[0]!, index: 4, sid: 'IM4' })],
    ['an index left out', ({ thread }) => (thread[3]!.index = 4)],
    ['a message under another index than answered', ({ posts }) => (posts[0]!.answer!.index = 1)],
    ['a message under another SID than answered', ({ posts }) => (posts[0]!.answer!.sid = 'IM9')],
    ['a message nobody wrote', ({ posts }) => posts.shift()],
    ['a text that was answered and lost', ({ handsets }) => handsets[0]!.texts.push({ body: 'more', answered: true })],
    ['a guest who is not there', ({ participants }) => participants.pop()],
    ['a guest who is there twice', ({ participants }) => participants.push({ sid: 'MB3', identity: 'guest' })],
    ['a message lost at a websocket', ({ members }) => members[0]!.messages.splice(1, 1)],
    ['a message doubled at a websocket', ({ members }) => members[0]!.messages.push(members[0]!.messages[3]!)],
    ['messages in another order at a websocket', ({ members }) => swapped(members[0]!.messages)],
    ['a websocket that was told nonsense', ({ members }) => members[0]!.faults.push('position 1 after 2')],
    ['a message lost at a handset', ({ handsets }) => handsets[0]!.received.pop()],
    ['a message doubled at a handset', ({ handsets }) => handsets[0]!.received.push(handsets[0]!.received[2]!)],
    ['messages in another order at a handset', ({ handsets }) => swapped(handsets[0]!.received)],
    ['a delivery without an end', ({ thread }) => (thread[1]!.delivery = { ...delivered, delivered: 'none' })],
    ['a delivery that ended otherwise', ({ handsets }) => (handsets[0]!.outcome = 'read')],
    ['a receipt nobody was told of', ({ members }) => members[0]!.receipts.delete('DY1')],
    ['a receipt without an end', ({ members }) => members[0]!.receipts.set('DY1', ['sent'])],
    ['a receipt that came twice', ({ members }) => members[0]!.receipts.set('DY1', ['sent', 'delivered', 'delivered'])],
    ['a receipt that went back', ({ members }) => members[0]!.receipts.set('DY1', ['delivered', 'sent'])],
  ])('tells %s', (_, spoil) => {
    const ledger = innocent();
    spoil(ledger);
    expect(breaches(ledger)).not.toEqual([]);
  });
});
