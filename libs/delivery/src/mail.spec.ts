/** Threads of mail and what a mail brings beside its text, on a real database. */
import type { ChannelAdapter, Delivery } from '@parley/channel/channel-adapter';
import type { InboundEmail, InboundMessage } from '@parley/channel/inbound-event';
import { newSid } from '@parley/domain/sid';
import { testDatabase, type TestDatabase } from '@parley/event-store/database.testing';
import { DiskStorage } from '@parley/media/disk-storage';
import { mediaKey } from '@parley/media/media-storage';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Claim } from './delivery-store.js';
import { InboundMedia, noteInboundMedia } from './inbound-media.js';
import { mailThreadOf } from './mail-bodies.js';
import { MailThreads } from './mail-threads.js';

let db: TestDatabase;
let folder: string;
beforeAll(async () => {
  db = await testDatabase();
  folder = await mkdtemp(join(tmpdir(), 'parley-mail-'));
});
afterAll(async () => {
  await db?.drop();
  await rm(folder, { recursive: true, force: true });
});

const account = newSid('AC');
const [support, ana] = ['support@inbox.example.test', 'ana@example.com'];
const mail = (more: Partial<InboundMessage> = {}, email: Partial<InboundEmail> = {}): InboundMessage => ({
  channel: 'email', kind: 'message', from: ana, to: support, providerMessageId: '<m1@example.com>', text: 'hello', media: [], inReplyTo: null, ...more,
  email: { subject: 'Order 17', references: [], cc: [], fullText: 'hello', authentication: {}, ...email },
});

describe('a thread', () => {
  const conversation = newSid('CH');
  const adapter = { answeredBy: ({ deliveryId }: Delivery) => `<${deliveryId}@inbox.example.test>` } as unknown as ChannelAdapter;

  async function completed(index: number): Promise<Delivery> {
    const deliveryId = newSid('DY');
    await db.pool.query(
      `insert into delivery.delivery (delivery_id, account, conversation_sid, message_sid, message_index, participant_sid, channel, sender, recipient, deadline)
       values ($1, $2, $3, $4, $5, $6, 'email', $7, $8, now())`, [deliveryId, account, conversation, newSid('IM'), index, newSid('MB'), support, ana],
    );
    const claim = { delivery_id: deliveryId, account, conversation_sid: conversation, recipient: ana } as unknown as Claim;
    return new MailThreads(db.pool).complete(claim, adapter, { deliveryId, sender: support, recipient: ana, body: 'x', media: [], firstAttemptAt: '' });
  }

  it('grows by every mail, theirs and ours, under their subject', async () => {
    const threads = new MailThreads(db.pool);
    const first = await completed(0);
    expect(first).toMatchObject({ references: [] });
    expect(first).not.toHaveProperty('inReplyTo');
    const ours = adapter.answeredBy!(first)!;
    expect(await completed(1)).toMatchObject({ inReplyTo: ours, references: [ours] });
    const theirs = mail({}, { references: [ours], subject: 'Re: AW: Order 17' });
    for (let twice = 0; twice < 2; twice++) await threads.noteInbound(account, theirs, conversation, 2);
    const answer = await completed(3);
    expect(answer).toMatchObject({ inReplyTo: '<m1@example.com>', references: [ours, '<m1@example.com>'], subject: 'Re: Order 17' });
    expect(await completed(4)).toMatchObject({ inReplyTo: adapter.answeredBy!(answer), references: [ours, '<m1@example.com>', adapter.answeredBy!(answer)], subject: 'Re: Order 17' });
  });
});

describe('what a mail brings along', () => {
  const media = () => new InboundMedia(db.pool, new DiskStorage(folder), {} as never, { channel: 'email', bytesMax: 1000, privateAllowed: true });
  const png = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), Buffer.alloc(50, 7)]);

  it('lies in the storage before its event is stored: files, HTML with their SIDs, the whole text', async () => {
    const event = mail(
      { media: [{ contentType: 'image/png', content: png, filename: 'logo.png', contentId: 'logo@x', inline: true }] },
      { html: '<p>hello <img src="cid:logo@x"></p>', fullText: 'hello\n> quoted', fromName: 'Ana', cc: [{ address: 'bob@example.com' }], authentication: { dmarc: 'fail' } },
    );
    const [kept] = (await media().keep(account, 'smtp', [event])) as [InboundMessage];
    const [again] = (await media().keep(account, 'smtp', [event])) as [InboundMessage];
    expect(again).toEqual(kept);
    expect(JSON.stringify(kept)).not.toMatch(/content":|quoted/);
    const files = (await noteInboundMedia(db.pool, account, kept, 'smtp:<m1@example.com>'))!;
    expect(files).toMatchObject([{ contentType: 'image/png', filename: 'logo.png', size: png.length }, { contentType: 'text/html' }, { contentType: 'text/plain' }]);
    expect(kept.attributes).toEqual({ email: {
      subject: 'Order 17', from_name: 'Ana', cc: ['bob@example.com'], authentication: { dmarc: 'fail' }, html: files[1]!.sid, full_text: files[2]!.sid,
    } });
    const stored = async (i: number) => text(await new DiskStorage(folder).read(mediaKey(account, files[i]!.sid)));
    expect(await stored(1)).toBe(`<p>hello <img src="cid:${files[0]!.sid}"></p>`);
    expect(await stored(2)).toBe('hello\n> quoted');
    const { rows } = await db.pool.query('select category, state, expires_at is not null as expires from media.media where account = $1 order by array_position($2::text[], sid::text)', [account, files.map(({ sid }) => sid)]);
    expect(rows).toEqual(['media', 'body', 'history'].map((category) => ({ category, state: 'stored', expires: true })));
    expect(mailThreadOf(kept)).toMatchObject({ email: { doubtful: true, others: [{ address: 'bob@example.com' }] } });
  });
  it('is nothing but attributes for a plain mail', async () => {
    const [kept] = (await media().keep(account, 'smtp', [mail({ kind: 'auto_reply' })])) as [InboundMessage];
    expect(kept).toMatchObject({ media: [], attributes: { email: { subject: 'Order 17', automatic: true } } });
  });
});
