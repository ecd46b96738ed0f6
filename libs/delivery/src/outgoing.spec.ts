/** What goes out with a message beside its text: its files by temporary addresses, its template as rendered for the channel. */
import { newSid } from '@parley/domain/sid';
import { DeliveryBench, until } from './delivery.testing.js';
import { DeliveryStore } from './delivery-store.js';
import { Dispatcher } from './dispatcher.js';
import { Receipts } from './receipts.js';

let bench: DeliveryBench;
let dispatcher: Dispatcher;
beforeAll(async () => { bench = await DeliveryBench.open(); });
afterAll(() => bench.db.drop());
beforeEach(async () => {
  await bench.clear();
  dispatcher = new Dispatcher({
    store: new DeliveryStore(bench.db.pool, 'one'), carriers: bench.carriers, receipts: new Receipts(bench.db.pool, bench.conversations),
    timeoutMillis: 1000, files: { urlOf: (sid) => `https://p.example/media/${sid}` },
  });
});
afterEach(() => dispatcher.stop());

type File = { size?: number; state?: string; account?: string };
const query = (text: string, values: unknown[]) => bench.db.pool.query(text, values);

/** A queued delivery of a message with these files. */
async function queueFiles(files: File[], body = 'text'): Promise<{ id: `DY${string}`; sids: string[]; lane: ReturnType<DeliveryBench['lane']> }> {
  const lane = bench.lane();
  const id = await bench.queue(lane, body);
  const sids = files.map(() => newSid('ME'));
  for (const [i, { size = 10, state = 'stored', account = bench.account }] of files.entries())
    if (state !== 'gone')
      await query("insert into media.media (sid, account, state, size, content_type) values ($1, $2, $3, $4, 'image/png')", [sids[i], account, state, size]);
  const media = JSON.stringify(sids.map((sid) => ({ sid, contentType: 'image/png', filename: null, size: 0 })));
  await query('update model.message m set media = $2 from delivery.delivery d where d.delivery_id = $1 and m.conversation_sid = d.conversation_sid', [id, media]);
  return { id, sids, lane };
}
const urls = (sids: string[]) => sids.map((sid) => ({ url: `https://p.example/media/${sid}` }));

it('files go in their order, without the text', async () => {
  const { id, sids, lane } = await queueFiles([{}, {}, {}]);
  dispatcher.wake(lane);
  await bench.reaches(id, 'accepted');
  expect(bench.carrier.sent).toMatchObject([{ body: null, media: urls(sids) }]);
});
it('what is not there any more, or is not ours, is left out; without any the text goes', async () => {
  const { id, sids, lane } = await queueFiles([{ state: 'gone' }, {}, { state: 'failed' }, { account: newSid('AC') }]);
  const none = await queueFiles([{ state: 'gone' }], 'still text');
  dispatcher.wake(lane);
  dispatcher.wake(none.lane);
  await bench.reaches(id, 'accepted');
  await bench.reaches(none.id, 'accepted');
  expect(bench.carrier.sent).toEqual(expect.arrayContaining([
    expect.objectContaining({ body: null, media: [expect.objectContaining(urls([sids[1]!])[0]!)] }), expect.objectContaining({ body: 'still text', media: [] }),
  ]));
});
it.each<[string, File[], number]>([
  ['too large together', [{ size: 600 }, { size: 600 }], 30019], ['too many', Array.from({ length: 11 }, () => ({ size: 1 })), 21623],
])('%s fails with its code', async (_, files, code) => {
  const { id, lane } = await queueFiles(files);
  dispatcher.wake(lane);
  await bench.reaches(id, 'failed');
  expect((await bench.row(id)).error_code).toBe(code);
  expect(bench.carrier.sent).toEqual([]);
});
it('waits for a file that another carrier has still', async () => {
  const { id, sids, lane } = await queueFiles([{ state: 'fetching' }]);
  dispatcher.wake(lane);
  await until(async () => (await bench.attempts(id))[0] === 'queued');
  await query("update media.media set state = 'stored' where sid = any ($1)", [sids]);
  await bench.later();
  dispatcher.wake(lane);
  await bench.reaches(id, 'accepted');
  expect(bench.carrier.sent).toMatchObject([{ media: urls(sids) }]);
});
it('a template goes as it was rendered for the channel', async () => {
  const lane = bench.lane();
  const id = await bench.queue(lane, 'for the chat');
  const content = { channels: { sms: { body: 'for SMS', mediaUrls: ['https://x.example/a.png'] }, whatsapp: { body: 'for WhatsApp', mediaUrls: [] } } };
  await query(
    `with m as (update model.message m set content_sid = 'HX' from delivery.delivery d where d.delivery_id = $1 and m.conversation_sid = d.conversation_sid
       returning m.sid, m.conversation_sid) insert into model.message_content select sid, conversation_sid, $2 from m`, [id, content],
  );
  dispatcher.wake(lane);
  await bench.reaches(id, 'accepted');
  expect(bench.carrier.sent).toMatchObject([{ body: 'for SMS', media: [{ url: 'https://x.example/a.png' }] }]);
});
