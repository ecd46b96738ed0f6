import type { InboundMessage, InboundPart } from '@parley/channel/inbound-event';
import { DeliveryBench } from './delivery.testing.js';
import { GAP, joinedMessage, Parts } from './parts.js';

let bench: DeliveryBench;
let told = 0;
let parts: Parts;
beforeAll(async () => { bench = await DeliveryBench.open(); });
afterAll(() => bench.db.drop());
beforeEach(async () => {
  await bench.clear();
  told = 0;
  parts = new Parts(bench.db.pool, () => { told++; });
});

const utf16 = (text: string) => Buffer.from(text, 'utf16le').swap16();
const part = (number: number, total: number, bytes: Buffer, more: Partial<InboundPart['part']> = {}, from = '+15550100002'): InboundPart => ({
  kind: 'part', channel: 'sms', from, to: '+15550100001', providerMessageId: `id-${from}-${number}-${more.reference ?? '7'}`,
  part: { reference: '7', number, total, bytes: bytes.toString('base64'), encoding: 'ucs2', ...more },
});
const add = (event: InboundPart, carrier = 'smpp') => parts.add(bench.account, carrier, event);
const inbox = async () => (await bench.db.pool.query<{ event: InboundMessage; event_key: string }>('select event, event_key from delivery.inbox order by id')).rows;
const texts = async () => (await inbox()).map(({ event }) => event.text);

describe('pieces of a long message', () => {
  it('become one message in the inbox, in any order, cut inside a character or not', async () => {
    const bytes = utf16('Grüße 👋 an alle');
    const [a, b, c] = [bytes.subarray(0, 13), bytes.subarray(13, 15), bytes.subarray(15)];
    await add(part(3, 3, c));
    await add(part(1, 3, a));
    expect([await texts(), told]).toEqual([[], 0]);
    await add(part(2, 3, b));
    expect(told).toBe(1);
    expect(await inbox()).toMatchObject([{ event_key: 'id-+15550100002-1-7', event: { kind: 'message', text: 'Grüße 👋 an alle', from: '+15550100002', to: '+15550100001' } }]);
  });
  it('that come again change nothing, before and after', async () => {
    for (const again of [1, 2]) for (const number of [1, 2]) await add({ ...part(number, 2, utf16(`${number}`)), providerMessageId: `try-${again}-${number}` });
    expect(await texts()).toEqual(['12']);
    expect(await parts.sweep()).toBe(0);
  });
  it('of different people, references, lengths and carriers do not mix; a reference that comes round again is another message', async () => {
    await add(part(1, 2, utf16('a')));
    await add(part(2, 2, utf16('b'), {}, '+15550100003'));
    await add(part(2, 2, utf16('c'), { reference: '8' }));
    await add(part(2, 3, utf16('d')));
    await add(part(2, 2, utf16('e')), 'vonage');
    expect(await texts()).toEqual([]);
    await add(part(2, 2, utf16('z')));
    for (const number of [1, 2]) await add({ ...part(number, 2, utf16(`again ${number} `)), providerMessageId: `round-${number}` });
    expect(await texts()).toEqual(['az', 'again 1 again 2 ']);
  });
  it('added by two processes at once are one message', async () => {
    await Promise.all([1, 2, 3, 4].map((number) => new Parts(bench.db.pool).add(bench.account, 'smpp', part(number, 4, utf16(String(number))))));
    expect(await texts()).toEqual(['1234']);
  });
  it('go on after a while with a mark where something is missing', async () => {
    await add(part(2, 4, utf16('two ')));
    await add(part(4, 4, utf16('four')));
    expect(await parts.sweep()).toBe(0);
    await bench.db.pool.query("update delivery.part set received_at = now() - interval '11 minutes'");
    expect(await parts.sweep()).toBe(1);
    expect(await texts()).toEqual([`${GAP}two ${GAP}four`]);
    expect(await parts.sweep()).toBe(0);
  });
  it('that fit nowhere are dropped', async () => {
    for (const [number, total] of [[0, 2], [3, 2], [1.5, 2], [1, 256]] as const) await add(part(number, total, utf16('x')));
    expect((await bench.db.pool.query('select 1 from delivery.part')).rowCount).toBe(0);
  });
});

describe('the text of pieces', () => {
  it.each([
    ['gsm7', '48656c6c6f1b65', 'Hello€'], ['latin1', 'fc', 'ü'], ['utf8', 'c3bc', 'ü'], ['ucs2', '00fc', 'ü'],
  ] as const)('in %s', (encoding, hex, text) => {
    const bytes = Buffer.from(hex, 'hex');
    expect(joinedMessage([part(1, 2, bytes.subarray(0, 1), { encoding }), part(2, 2, bytes.subarray(1), { encoding })]).text).toBe(text);
  });
  it('says what was left out at the end, and is a keyword when it is one', () => {
    expect(joinedMessage([part(1, 2, utf16('a'))]).text).toBe(`a${GAP}`);
    expect(joinedMessage([part(1, 2, utf16('st')), part(2, 2, utf16('op'))]).kind).toBe('opt_out');
  });
});
