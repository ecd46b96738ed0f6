/** The adapter against a message centre on a real socket. */
import { sessionConformsToTheChannelPort } from '../../conformance.testing.js';
import { SmppAdapter } from './adapter.js';
import { Status } from './command-status.js';
import type { SmppSettings } from './definition.js';
import { MessageCentre } from './message-centre.testing.js';
import { aDelivery, connectionTo, failureOf, PlayedSmpp, soon, until } from './played-smpp.testing.js';

let played: PlayedSmpp;
let centre: MessageCentre;
beforeEach(async () => {
  centre = await new MessageCentre({ systemId: 'parley', password: 'secret' }).listen();
  played = new PlayedSmpp(centre);
});
afterEach(() => played.close());

sessionConformsToTheChannelPort('SMPP', () => played.play());

const LONG = 'Привет 👋 '.repeat(19);

describe('a message', () => {
  it('says its addresses, its alphabet and that receipts are wanted', async () => {
    const adapter = await played.adapter();
    await adapter.send(aDelivery({ body: 'Price: 5€ @' }), soon());
    await adapter.send(aDelivery({ sender: 'Parley', body: 'Жара' }), soon());
    await adapter.send(aDelivery({ sender: '12345' }), soon());
    expect(centre.submits.map(({ fields }) => fields)).toMatchObject([
      { sourceTon: 1, sourceNpi: 1, source: '15550100001', destinationTon: 1, destinationNpi: 1, destination: '15550100002', dataCoding: 0, registeredDelivery: 1, shortMessage: Buffer.from('50726963653a20351b652000', 'hex') },
      { sourceTon: 5, sourceNpi: 0, source: 'Parley', dataCoding: 8, shortMessage: Buffer.from('0416043004400430', 'hex') },
      { sourceTon: 0, sourceNpi: 0, source: '12345' },
    ]);
  });
  it('with files carries links to them', async () => {
    const adapter = await played.adapter();
    const media = ['https://p.test/1', 'https://p.test/2'].map((url) => ({ url, contentType: 'image/png', filename: null, bytes: 9 }));
    await adapter.send(aDelivery({ body: 'Look', media }), soon());
    await adapter.send(aDelivery({ body: null, media }), soon());
    expect(centre.submits.map(({ fields }) => fields.shortMessage.toString())).toEqual(['Look\nhttps://p.test/1\nhttps://p.test/2', 'https://p.test/1\nhttps://p.test/2']);
  });
  it('with a typographer\'s quotes stays GSM-7, unless that is not wanted', async () => {
    for (const smartEncoding of [true, false]) await (await played.adapter({ smartEncoding })).send(aDelivery({ body: '“hi”' }), soon());
    expect(centre.submits.map(({ fields }) => fields.dataCoding)).toEqual([0, 8]);
  });
  it('says what the settings want', async () => {
    const adapter = await played.adapter({ shortCodes: { ton: 3, npi: 0 }, serviceType: 'CMT', validitySeconds: 90_061, receipts: 'failure' });
    await adapter.send(aDelivery({ sender: '12345' }), soon());
    expect(centre.submits[0]!.fields).toMatchObject({ sourceTon: 3, serviceType: 'CMT', validity: '000001010101000R', registeredDelivery: 2 });
  });
  it.each([
    ['without text', { body: null }, 21619],
    ['to a name', { recipient: 'Bank' }, 21211], ['to too long a number', { recipient: `+${'1'.repeat(16)}` }, 21211], ['from a name that is too long', { sender: 'x'.repeat(21) }, 21212],
  ])('%s is refused before it leaves', async (_, fields, errorCode) => {
    const adapter = await played.adapter();
    expect(await failureOf(adapter.send(aDelivery(fields), soon()))).toMatchObject({ outcome: 'permanent', errorCode });
    expect(centre.submits).toHaveLength(0);
  });
  it.each([
    ['udh8', (part: number) => ({ esmClass: 0x40, head: `050003..030${part}` })], ['udh16', (part: number) => ({ esmClass: 0x40, head: `060804....030${part}` })],
  ] as Array<[SmppSettings['longMessages'], (part: number) => { esmClass: number; head: string }]>)('that is long goes in parts with a header: %s', async (longMessages, expected) => {
    const adapter = await played.adapter({ longMessages });
    const { providerMessageIds } = await adapter.send(aDelivery({ body: LONG }), soon());
    expect(providerMessageIds.map((id) => id.split(':')[1])).toEqual(['1', '2', '3']);
    const references = centre.submits.map(({ fields }, i) => {
      const { esmClass, head } = expected(i + 1);
      expect(fields).toMatchObject({ esmClass, dataCoding: 8, registeredDelivery: 1 });
      expect(fields.shortMessage.length).toBeLessThanOrEqual(140);
      expect(fields.shortMessage.toString('hex')).toMatch(new RegExp(`^${head}`));
      return fields.shortMessage.subarray(3, longMessages === 'udh8' ? 4 : 5).toString('hex');
    });
    expect(new Set(references).size).toBe(1);
    expect(Buffer.concat(centre.submits.map(({ fields }) => fields.shortMessage.subarray(fields.shortMessage[0]! + 1))).swap16().toString('utf16le')).toBe(LONG);
  });
  it('that is long goes with sar_* parameters, or whole, where wanted', async () => {
    const sar = await played.adapter({ longMessages: 'sar' });
    await sar.send(aDelivery({ body: LONG }), soon());
    expect(centre.submits.map(({ fields, parameters }) => [fields.esmClass, parameters.get(0x020e)![0], parameters.get(0x020f)![0]])).toEqual([[0, 3, 1], [0, 3, 2], [0, 3, 3]]);
    await sar.close();
    const whole = await played.adapter({ longMessages: 'message_payload' });
    const { providerMessageIds } = await whole.send(aDelivery({ body: LONG }), soon());
    expect(providerMessageIds).toHaveLength(1);
    const { fields, parameters } = centre.submits.at(-1)!;
    expect(fields.shortMessage).toHaveLength(0);
    expect(Buffer.from(parameters.get(0x0424)!).swap16().toString('utf16le')).toBe(LONG);
  });
  it('of many keeps to the window', async () => {
    const adapter = await played.adapter({ windowSize: 4 });
    centre.answer = () => 'hang';
    const sent = Array.from({ length: 30 }, () => adapter.send(aDelivery(), soon()));
    await until(() => centre.submits.length === 4);
    while (centre.submits.length < 30 || centre.hanging > 0) {
      await until(() => centre.hanging > 0);
      centre.answerHanging();
    }
    expect(new Set((await Promise.all(sent)).map(({ providerMessageIds: [id] }) => id)).size).toBe(30);
    expect(centre.unansweredMost).toBe(4);
  });
  it('whose id the message centre keeps to itself has one of ours', async () => {
    centre.idOf = () => '';
    const adapter = await played.adapter();
    expect((await adapter.send(aDelivery(), soon())).providerMessageIds).toEqual([expect.stringMatching(/^none-/)]);
  });
});

describe('a message that does not go through at once', () => {
  it('when throttled is slowed down: half of the rate, after the pause', async () => {
    const adapter = await played.adapter();
    centre.answer = (_, count) => (count === 3 ? Status.throttled : 'accept');
    for (let i = 0; i < 2; i++) await adapter.send(aDelivery(), soon());
    const delivery = aDelivery();
    const began = performance.now();
    expect(await failureOf(adapter.send(delivery, soon()))).toMatchObject({ code: 'rate_limited', outcome: 'retryable', retryAfterMillis: 1_000 });
    await adapter.send(delivery, soon());
    expect(performance.now() - began).toBeGreaterThan(800);
    expect(centre.submits).toHaveLength(3);
  });
  it('in all its parts sends only those that are missing, with the same reference', async () => {
    const adapter = await played.adapter();
    centre.answer = (_, count) => (count === 2 ? Status.systemError : 'accept');
    const delivery = aDelivery({ body: LONG });
    expect(await failureOf(adapter.send(delivery, soon()))).toMatchObject({ outcome: 'retryable' });
    const { providerMessageIds } = await adapter.send(delivery, soon());
    expect(providerMessageIds.map((id) => id.split(':')[1])).toEqual(['1', '4', '3']);
    const headers = centre.submits.map(({ fields }) => fields.shortMessage.subarray(0, 6).toString('hex'));
    expect(headers.map((header) => header.slice(-2))).toEqual(['01', '03', '02']);
    expect(new Set(headers.map((header) => header.slice(0, -2))).size).toBe(1);
  });
  it('is given up where the message centre says the same again', async () => {
    const adapter = await played.adapter();
    centre.answer = () => Status.unknownError;
    const delivery = aDelivery();
    expect(await failureOf(adapter.send(delivery, soon()))).toMatchObject({ outcome: 'retryable' });
    expect(await failureOf(adapter.send(delivery, soon()))).toMatchObject({ outcome: 'permanent' });
  });
  it('for a reason of the vendor\'s own is tried again where the settings name it', async () => {
    const adapter = await played.adapter({ retryableStatuses: [0x411] });
    centre.answer = () => 0x411;
    expect(await failureOf(adapter.send(aDelivery(), soon()))).toMatchObject({ outcome: 'retryable' });
    centre.answer = () => 0x412;
    expect(await failureOf(adapter.send(aDelivery(), soon()))).toMatchObject({ outcome: 'permanent' });
  });
  it('because the line broke is unknown when it had left, and goes over the next line when it had not', async () => {
    const adapter = await played.adapter({ windowSize: 1 });
    centre.answer = () => 'hang';
    const [left, waited] = [failureOf(adapter.send(aDelivery(), soon())), failureOf(adapter.send(aDelivery(), soon()))];
    await until(() => centre.submits.length === 1);
    centre.dropAll();
    expect(await left).toMatchObject({ outcome: 'ambiguous', code: 'no_answer' });
    expect(await waited).toMatchObject({ outcome: 'retryable', code: 'unreachable' });
    centre.answer = () => 'accept';
    await adapter.send(aDelivery(), soon());
  });
  it('and may still be answered is not called lost', async () => {
    const adapter = await played.adapter();
    centre.answer = () => 'hang';
    const delivery = aDelivery();
    const patience = new AbortController();
    const sent = failureOf(adapter.send(delivery, patience.signal));
    await until(() => centre.hanging > 0);
    patience.abort();
    expect(await sent).toMatchObject({ outcome: 'ambiguous' });
    expect(await failureOf(adapter.lookup(delivery))).toMatchObject({ outcome: 'ambiguous' });
    centre.dropAll();
    await until(() => centre.binds.length >= 2);
    expect(await adapter.lookup(delivery)).toBeUndefined();
  });
});

describe('receipts', () => {
  it('may come late, in any order, as text or as parameters, in another notation', async () => {
    const adapter = await played.adapter({ messageIdFormat: 'hexToDec' });
    centre.idOf = (count) => (0x1f3 + count).toString(16).toUpperCase().padStart(8, '0');
    const { providerMessageIds } = await adapter.send(aDelivery({ body: LONG }), soon());
    for (const [i, parameters] of [[2, true], [0, false], [1, true]] as const)
      expect(await centre.receipt(centre.submits[i]!, 'DELIVRD', { id: String(0x1f4 + i), parameters })).toBe(Status.ok);
    expect(played.inbox.events.map(({ providerMessageId }) => providerMessageId)).toEqual([2, 0, 1].map((i) => providerMessageIds[i]));
  });
  it('of two connections are never mistaken for each other', async () => {
    const [one, other] = [connectionTo(centre.port), { ...connectionTo(centre.port), sid: `CX${'1'.repeat(32)}` }].map((connection) => new SmppAdapter(connection));
    played.opened.push(one!, other!);
    centre.idOf = () => '1';
    const ids = [await one!.send(aDelivery(), soon()), await other!.send(aDelivery(), soon())].map(({ providerMessageIds: [id] }) => id);
    expect(ids[0]).not.toBe(ids[1]);
  });
});
