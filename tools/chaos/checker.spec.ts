import { check } from './checker.ts';
import type { Evidence } from './evidence.ts';
import { Random } from './random.ts';
import { tamper, TAMPERINGS } from './tampering.ts';

const CONVERSATION = 'CH1';
const CUSTOMER = '+15551';

/** A run in which all went well: 20 posts, every fourth message a text of the customer. */
function goodRun(): Evidence {
  const thread = Array.from({ length: 20 }, (_, index) => ({
    index, sid: `IM${index}`, body: index % 4 === 3 ? `text-${index}` : `post-${index}`, author: index % 4 === 3 ? CUSTOMER : 'agent',
  }));
  const posts = thread.filter(({ author }) => author === 'agent');
  const texts = thread.filter(({ author }) => author === CUSTOMER);
  return {
    posts: posts.map(({ body, sid, index, author }) => ({ conversation: CONVERSATION, author, body, attempts: 1, acknowledged: { sid, index } })),
    texts: texts.map(({ body }) => ({ conversation: CONVERSATION, address: CUSTOMER, body, attempts: 2, acknowledged: true })),
    threads: { [CONVERSATION]: thread },
    sockets: [{ conversation: CONVERSATION, identity: 'agent', connections: 3, messages: thread.map(({ index, sid, body }) => ({ index, sid, body })) }],
    handsets: [{ conversation: CONVERSATION, address: CUSTOMER, received: posts.map(({ body }) => ({ body, sends: 1 })) }],
  };
}

const counts = ({ lost, doubled, reordered, foreign }: ReturnType<typeof check>) => ({ lost, doubled, reordered, foreign });
const nothing = { lost: 0, doubled: 0, reordered: 0, foreign: 0 };

describe('the checker', () => {
  it('finds nothing where all went well', () => {
    const verdict = check(goodRun());
    expect(counts(verdict)).toEqual(nothing);
    expect(verdict.acknowledged).toBe(20);
  });

  it('does not mind what was never answered: stored once or not at all', () => {
    const run = goodRun();
    run.posts.push({ conversation: CONVERSATION, author: 'agent', body: 'never answered', attempts: 9 });
    delete run.posts[0]!.acknowledged;
    expect(counts(check(run))).toEqual(nothing);
  });

  it('minds an unanswered message that is there twice', () => {
    const run = goodRun();
    const again = { index: 20, sid: 'IM20', body: 'post-0', author: 'agent' };
    delete run.posts[0]!.acknowledged;
    run.threads[CONVERSATION]!.push(again);
    run.sockets[0]!.messages.push(again);
    run.handsets[0]!.received.push({ body: 'post-20', sends: 1 });
    expect(check(run).doubled).toBe(1);
  });

  it('counts repeated sends under one reference apart', () => {
    const run = goodRun();
    run.handsets[0]!.received[3]!.sends = 3;
    expect(check(run)).toMatchObject({ ...nothing, sentAgain: 2 });
  });

  it('notices an acknowledged message that is nowhere', () => {
    const run = goodRun();
    run.posts.push({ conversation: CONVERSATION, author: 'agent', body: 'gone', attempts: 1, acknowledged: { sid: 'IM99', index: 20 } });
    expect(counts(check(run))).toEqual({ ...nothing, lost: 1 });
  });

  it('notices an answer that promised another index', () => {
    const run = goodRun();
    run.posts[2]!.acknowledged!.index = 1;
    expect(counts(check(run))).toEqual({ ...nothing, reordered: 1 });
  });

  it('notices texts that overtook each other', () => {
    const run = goodRun();
    run.texts.reverse();
    expect(check(run).reordered).toBeGreaterThan(0);
  });

  it('expects on a phone in a group what comes by us, and of one that was away only the order', () => {
    const run = goodRun();
    const other = '+15552';
    const received = run.handsets[0]!.received.map((one) => ({ ...one }));
    run.handsets.push({ conversation: CONVERSATION, address: other, unbrought: [CUSTOMER], received }, { conversation: CONVERSATION, address: '+15553', unbrought: [CUSTOMER, other], partly: true, received: received.slice(4, 8) });
    expect(counts(check(run))).toEqual(nothing);
    run.handsets[2]!.received.reverse();
    expect(counts(check(run))).toEqual({ ...nothing, reordered: 3 });
    run.handsets[1]!.received.splice(2, 1);
    expect(counts(check(run))).toEqual({ ...nothing, lost: 1, reordered: 3 });
  });

  it('notices what nobody wrote', () => {
    const run = goodRun();
    run.handsets[0]!.received.push({ body: 'spam', sends: 1 });
    expect(counts(check(run))).toEqual({ ...nothing, foreign: 1 });
  });
});

describe('its negative control', () => {
  const found = { lose: 'lost', double: 'doubled', reorder: 'reordered' } as const;
  for (const how of TAMPERINGS) {
    it(`--break ${how} is found in every ledger, wherever it happens`, () => {
      const spoilt = new Set<string>();
      for (let seed = 0; seed < 500; seed++) {
        const run = goodRun();
        spoilt.add(/ in the (\w+)/.exec(tamper(run, how, new Random(seed)))![1]!);
        expect(check(run)[found[how]]).toBeGreaterThan(0);
      }
      expect(spoilt).toEqual(new Set(['thread', 'websocket', 'handset']));
    });
  }
});
