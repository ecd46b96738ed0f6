/** Clients that resume and do not read: they wait outside, and what they were not told is read again when they have read. */
import type { LogEvent } from '@parley/domain/event';
import { Replayer } from './replayer.js';
import type { Session } from './session.js';
import { Subscription } from './subscription.js';

const account = `AC${'0'.repeat(32)}`;
const conversation = `CH${'1'.repeat(32)}`;
const at = '2026-11-22T19:02:23.123Z';
const log = Array.from({ length: 450 }, (_, index): LogEvent => ({
  shard: 0, position: index + 1, stream: `conversation-${conversation}`, version: index + 1, account, conversation, type: 'MessageAdded',
  schemaVersion: 1, eventId: 'e', recordedAt: at,
  data: { messageSid: 'IM', index, author: 'x', participantSid: null, body: 'x'.repeat(2_000), attributes: '{}', media: null, contentSid: null, createdAt: at, updatedAt: at },
}));

/** A client whose network takes nothing until it reads. */
class Reader {
  open = true;
  readonly principal;
  backlogWithPending = 0;
  told = 0;
  most = 0;
  reads: () => void = () => {};
  constructor(private readonly slow: boolean, of = account) { this.principal = { account: of, identity: undefined }; }
  enqueue(frame: Buffer): void {
    this.told += 1;
    if (this.slow) this.backlogWithPending += frame.length;
    this.most = Math.max(this.most, this.backlogWithPending);
  }
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.reads = () => { this.backlogWithPending = 0; resolve(); };
    });
  }
  end(): void { throw new Error('ended'); }
  resumes(replayer: Replayer): Subscription {
    const subscription = new Subscription(this as unknown as Session, conversation, 0, 0, undefined, true);
    replayer.start(subscription);
    return subscription;
  }
}

const turns = async (until: () => boolean) => {
  for (let n = 0; n < 10_000 && !until(); n++) await new Promise<void>((resolve) => setImmediate(resolve));
};

it('many that do not read keep nobody else from his past, hold little, and get each fact once when they read', async () => {
  const replayer = new Replayer({ readConversation: async (_shard, _conversation, after, limit = 200) => log.slice(after, after + limit) }, () => {});
  const slow = Array.from({ length: 10 }, () => new Reader(true));
  const waiting = slow.map((reader) => reader.resumes(replayer));
  const quick = new Reader(false);
  const live = quick.resumes(replayer);
  await turns(() => !live.behind);
  expect([quick.told, live.behind]).toEqual([450, false]);
  expect(slow.every(({ told, most }) => told > 0 && told < 450 && most < 300_000)).toBe(true);

  await turns(() => {
    for (const reader of slow) reader.reads();
    return waiting.every(({ behind }) => !behind);
  });
  expect(slow.map(({ told }) => told)).toEqual(slow.map(() => 450));
});

it('one account\'s pasts, however many and slow to read, keep no other account from its own', async () => {
  const hanging: (() => void)[] = [];
  const replayer = new Replayer({
    readConversation: async (_shard, of, after, limit = 200) => {
      if (of !== conversation) await new Promise<void>((go) => hanging.push(go));
      return log.slice(after, after + limit);
    },
  }, () => {});
  const greedy = new Reader(false);
  const pasts = Array.from({ length: 50 }, (_, n) => new Subscription(greedy as unknown as Session, `CH${String(n).padStart(32, '2')}`, 0, 0, undefined, true));
  for (const past of pasts) replayer.start(past);
  const modest = new Reader(false, `AC${'1'.repeat(32)}`);
  const live = modest.resumes(replayer);
  await turns(() => !live.behind);
  expect([modest.told, live.behind, greedy.told]).toEqual([450, false, 0]);
  await turns(() => {
    for (const go of hanging.splice(0)) go();
    return pasts.every(({ behind }) => !behind);
  });
  expect(greedy.told).toBe(50 * 450);
});
