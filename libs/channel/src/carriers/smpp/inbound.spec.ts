import type { SmppSettings } from './definition.js';
import { eventOf, type Delivered } from './inbound.js';
import { InboundIds } from './inbound-ids.js';
import type { Parameters as Tagged } from './pdu.js';
import { settingsOf } from './played-smpp.testing.js';

const packet = (fields: Partial<Delivered['fields']> & { shortMessage?: Buffer }, parameters: Tagged = new Map()): Delivered => ({
  command: 'deliver_sm', status: 0, sequence: 1, parameters, fields: {
    serviceType: '', sourceTon: 1, sourceNpi: 1, source: '15550100002', destinationTon: 1, destinationNpi: 1, destination: '15550100001', esmClass: 0, protocolId: 0,
    priority: 0, scheduledAt: '', validity: '', registeredDelivery: 0, replaceIfPresent: 0, dataCoding: 0, defaultMessage: 0, shortMessage: Buffer.from('hi'), ...fields,
  },
});
const event = (fields: Parameters<typeof packet>[0], parameters?: Tagged, settings: Partial<SmppSettings> = {}) =>
  eventOf(packet(fields, parameters), settingsOf({ port: 1, ...settings }), () => 'made');
const receipt = (text: string, parameters?: Tagged, settings?: Partial<SmppSettings>) => event({ esmClass: 4, shortMessage: Buffer.from(text) }, parameters, settings);
const tags = (...pairs: Array<[number, string]>) => new Map(pairs.map(([tag, hex]) => [tag, Buffer.from(hex, 'hex')]));

describe('the addresses', () => {
  it.each([
    [1, '15550100002', '+15550100002'], [1, '0015550100002', '+15550100002'], [0, '15550100002', '+15550100002'], [0, '12345', '12345'], [3, '12345', '12345'],
    [2, '5550100002', '5550100002'], [5, 'Bank', 'Bank'], [5, '15550100002', '15550100002'], [1, '+15550100002', '+15550100002'],
  ])('of type %d, %s is %s', (sourceTon, source, from) => {
    expect(event({ sourceTon, source }).from).toBe(from);
  });
  it('of unknown type stay as they are where the settings say so', () => {
    expect(event({ sourceTon: 0 }, undefined, { unknownNumbersAreInternational: false }).from).toBe('15550100002');
  });
});

describe('a message', () => {
  it('that is a keyword is one', () => {
    expect(event({ shortMessage: Buffer.from('Stop.') })).toMatchObject({ kind: 'opt_out', text: 'Stop.' });
  });
  it('of octets is not made to text', () => {
    expect(event({ dataCoding: 4 })).toMatchObject({ kind: 'unsupported', text: null });
  });
  it.each([
    ['8 bits', 0x40, '0500032a0302', '8-42-3'], ['16 bits', 0x43, '06080412340302', '16-4660-3'], ['another element before', 0x40, '0b05040b8423f000032a0302', '8-42-3'],
  ])('with a header is a part: %s', (_, esmClass, header, reference) => {
    const shortMessage = Buffer.concat([Buffer.from(header, 'hex'), Buffer.from('ho')]);
    expect(event({ esmClass, shortMessage })).toMatchObject({ kind: 'part', part: { reference, number: 2, total: 3, encoding: 'gsm7', bytes: Buffer.from('ho').toString('base64') } });
  });
  it.each([
    ['of one part', '0500032a0101', 'ho'], ['part zero', '0500032a0200', 'ho'], ['part three of two', '0500032a0203', 'ho'], ['ports alone', '0605040b8423f0', 'ho'], ['nothing', '00', 'ho'], ['an element that overruns', '0300ff2a', 'ho'],
  ])('with a header that says nothing about parts is whole: %s', (_, header, text) => {
    expect(event({ esmClass: 0x40, shortMessage: Buffer.concat([Buffer.from(header, 'hex'), Buffer.from(text)]) })).toMatchObject({ kind: 'message', text });
  });
  it('with a header longer than itself is text', () => {
    expect(event({ esmClass: 0x40, shortMessage: Buffer.from('ho') })).toMatchObject({ kind: 'message', text: 'ho' });
  });
  it('in an alphabet that parts cannot name is handed on in one that they can', () => {
    const parameters = tags([0x020c, '0001'], [0x020e, '02'], [0x020f, '01']);
    expect(event({ dataCoding: 6, shortMessage: Buffer.from('bfe0', 'hex') }, parameters)).toMatchObject({ kind: 'part', part: { encoding: 'utf8', bytes: Buffer.from('Пр').toString('base64') } });
  });
  it('is ignored when a handset only acknowledges', () => {
    expect(event({ esmClass: 0x08 }).kind).toBe('ignore');
  });
});

describe('a receipt', () => {
  it.each([
    ['id:12 sub:001 dlvrd:001 submit date:2611221159 done date:2611221200 stat:DELIVRD err:000 Text:hello', { providerMessageId: '12', status: 'delivered' }],
    ['ID: 000abc STAT: undeliv ERR: 00B', { providerMessageId: 'abc', status: 'undelivered', errorCode: 30003, carrierCode: 'UNDELIV/00B' }],
    ['stat:EXPIRED id:0', { providerMessageId: '0', status: 'undelivered', errorCode: 30036, carrierCode: 'EXPIRED' }],
    ['id:9 submit date:261122115900 done date:261122120000 stat:REJECTD err:42', { status: 'failed', errorCode: 30004, carrierCode: 'REJECTD/42' }],
    ['id:9 stat:DELETED', { status: 'undelivered', errorCode: 30008 }],
    ['id:9 stat:ENROUTE', { status: 'sent' }], ['id:9 stat:ACCEPTD', { status: 'sent' }], ['id:9 stat:UNKNOWN', { status: 'accepted' }],
    // What the sender wrote is not the message centre's word.
    ['id:9 stat:DELIVRD err:000 text:id:10 stat:REJECTD', { providerMessageId: '9', status: 'delivered' }],
  ])('%j is understood', (text, expected) => {
    expect(receipt(text)).toMatchObject({ kind: 'status', from: '+15550100001', to: '+15550100002', ...expected });
  });
  it('without id or state is left', () => {
    for (const text of ['', 'hello', 'id:9', 'stat:DELIVRD', 'id:9 stat:TELEPORT', 'bid:9 stat:DELIVRD']) expect(receipt(text).kind).toBe('ignore');
  });
  it('by parameters wins over its text, also where only the parameters tell that it is one', () => {
    const parameters = tags([0x001e, '363500'], [0x0427, '05'], [0x0423, '030001']);
    expect(receipt('id:9 stat:DELIVRD err:000', parameters)).toMatchObject({ providerMessageId: '65', status: 'undelivered', carrierCode: 'UNDELIV/1' });
    expect(event({ esmClass: 0, shortMessage: Buffer.alloc(0) }, parameters)).toMatchObject({ kind: 'status', providerMessageId: '65' });
  });
  it.each([
    ['asIs', '00065', '65'], ['asIs', '00000', '0'], ['hexToDec', '500', '1f4'], ['hexToDec', '0000000500', '1f4'], ['hexToDec', 'x-9', 'x-9'],
    ['decToHex', '1F4', '500'], ['decToHex', '123456789abcdef01234', '85968058283706962416180'],
  ] as const)('with ids %s names %s as %s', (messageIdFormat, id, providerMessageId) => {
    expect(receipt(`id:${id} stat:DELIVRD`, undefined, { messageIdFormat })).toMatchObject({ providerMessageId });
  });
});

describe('the id of a message', () => {
  let now = 1_790_000_000_000;
  const ids = (window = 120_000, tag?: number) => new InboundIds(window, tag, () => now);

  it('is the same for a repetition within two minutes, and another one later', () => {
    const some = ids();
    const first = some.idOf(packet({}));
    now += 119_000;
    expect(some.idOf(packet({}))).toBe(first);
    now += 2_000;
    expect(some.idOf(packet({}))).not.toBe(first);
  });
  it('is another one for another text, recipient or sender', () => {
    const some = ids();
    const all = [packet({}), packet({ shortMessage: Buffer.from('ho') }), packet({ source: '15550100003' }), packet({ destination: '15550100003' }), packet({}, tags([0x020f, '02']))];
    expect(new Set(all.map((pdu) => some.idOf(pdu))).size).toBe(all.length);
  });
  it('is the same in another process that gets the repetition', () => {
    expect(ids().idOf(packet({}))).toBe(ids().idOf(packet({})));
  });
  it('is always another one where repetitions are not looked for', () => {
    const some = ids(0);
    expect(some.idOf(packet({}))).not.toBe(some.idOf(packet({})));
  });
  it('is the message centre\'s own where it has one', () => {
    const some = ids(120_000, 0x1403);
    const [a, b] = [some.idOf(packet({}, tags([0x1403, '61']))), some.idOf(packet({}, tags([0x1403, '62'])))];
    expect(a).not.toBe(b);
    now += 86_400_000;
    expect(some.idOf(packet({ shortMessage: Buffer.from('ho') }, tags([0x1403, '61'])))).toBe(a);
  });
});
