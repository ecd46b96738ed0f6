/**
 * Kannel as a client of our test message centre: an independent reading of SMPP 3.4, in C, in production for twenty years.
 * What it understands and what we understand of it is what the SMPP carrier's own tests rely on.
 */
import { eventOf } from '@parley/channel/carriers/smpp/inbound';
import { smpp } from '@parley/channel/carriers/smpp/definition';
import { MessageCentre, type Submitted } from '@parley/channel/carriers/smpp/message-centre.testing';
import { decodeText } from '@parley/channel/carriers/smpp/message-text';
import { until } from './installation.js';
import { Kannel, kannelIsMissing } from './kannel.js';
import { describeWithPeer } from './peers.js';

const settings = smpp.settings.parse({ host: '127.0.0.1' });

describeWithPeer('Kannel at our message centre', kannelIsMissing, () => {
  let centre: MessageCentre;
  let kannel: Kannel;
  let enquiries = 0;
  beforeAll(async () => {
    centre = await new MessageCentre({ systemId: 'kannel', password: 'secret' }).listen();
    centre.onEnquiry = () => enquiries++;
    kannel = await Kannel.start(centre.port);
    await until(async () => centre.sessions > 0, 'Kannel bound');
  }, 240_000);
  afterAll(async () => {
    await kannel?.stop();
    await centre?.close();
  });

  const submitted = async (count: number): Promise<Submitted[]> => {
    await until(async () => centre.submits.length >= count, `${count} submits`);
    return centre.submits.splice(0);
  };
  const told = (path: string, count = 1) => until(async () => {
    const found = kannel.told.filter(({ pathname }) => pathname === path);
    return found.length >= count ? found : undefined;
  }, `${count} calls of ${path}`);

  it('binds, and finds us alive', async () => {
    expect(centre.binds).toMatchObject([{ command: 'bind_transceiver', fields: { systemId: 'kannel', systemType: 'VMA', interfaceVersion: 0x34 } }]);
    await until(async () => enquiries > 1, 'enquire_link');
    expect(centre.binds).toHaveLength(1);
  });
  it('has its GSM-7 and UCS-2 read as they were meant', async () => {
    await kannel.send({ to: '+15550100002', text: 'Hello from Kannel € [ok] @' });
    const submits = await submitted(1);
    await kannel.send({ to: '+15550100002', text: 'Привет', coding: '2', charset: 'UTF-8' });
    expect([...submits, ...(await submitted(1))].map((submit) => eventOf({ ...submit, command: 'deliver_sm' }, settings, () => 'made'))).toMatchObject([
      { kind: 'message', text: 'Hello from Kannel € [ok] @', to: '+15550100002' }, { kind: 'message', text: 'Привет' },
    ]);
  });
  it('has its long message joined', async () => {
    const text = '0123456789'.repeat(35);
    await kannel.send({ to: '+15550100002', text });
    const parts = (await submitted(3)).map((submit) => eventOf({ ...submit, command: 'deliver_sm' }, settings, () => 'made'));
    expect(parts).toMatchObject([1, 2, 3].map((number) => ({ kind: 'part', part: { number, total: 3, encoding: 'gsm7' } })));
    const pieces = parts.flatMap((event) => (event.kind === 'part' ? [event.part] : []));
    expect(new Set(pieces.map(({ reference }) => reference)).size).toBe(1);
    expect(pieces.map(({ bytes }) => decodeText(Buffer.from(bytes, 'base64'), 'gsm7')).join('')).toBe(text);
  });
  it('understands our receipts, by text and by parameters', async () => {
    for (const text of ['one', 'two']) await kannel.send({ to: '+15550100002', text }, `/${text}`);
    const submits = await submitted(2);
    const [one, two] = ['one', 'two'].map((text) => submits.find(({ fields }) => fields.shortMessage.toString() === text)!);
    expect(one!.fields.registeredDelivery & 1).toBe(1);
    // Kannel knows an id once it has reported the message as accepted: 8.
    for (const path of ['/dlr/one', '/dlr/two']) await told(path);
    expect(await centre.receipt(two!, 'UNDELIV', { parameters: true })).toBe(0);
    expect(await centre.receipt(one!, 'DELIVRD')).toBe(0);
    const typesOf = async (path: string) => (await told(path, 2)).map(({ searchParams }) => searchParams.get('type'));
    expect(await typesOf('/dlr/one')).toEqual(['8', '1']);
    expect(await typesOf('/dlr/two')).toEqual(['8', '2']);
  });
  it('takes our texts, joins our parts in whatever order, and tells what the people wrote', async () => {
    const about = { source: '15550100003', destination: '15550199999' };
    expect(await centre.deliver({ ...about, shortMessage: Buffer.from('68656c6c6f20001b65', 'hex') })).toBe(0);
    const whole = Buffer.from(`${'Ünïcødé 🙂 '.repeat(10)}!`, 'utf16le').swap16();
    const parts = [whole.subarray(0, 134), whole.subarray(134)].map((piece, i) => Buffer.concat([Buffer.from([5, 0, 3, 0x17, 2, i + 1]), piece]));
    for (const shortMessage of parts.toReversed()) expect(await centre.deliver({ ...about, esmClass: 0x40, dataCoding: 8, shortMessage })).toBe(0);
    const [short, long] = await told('/mo', 2);
    expect(short!.searchParams.get('from')).toMatch(/15550100003$/);
    expect(short!.searchParams.get('text')).toBe('hello @€');
    expect(octetsOf(long!, 'text')).toEqual(whole);
  });
});

/** UTF-16 in a query is no text that URLSearchParams reads. */
function octetsOf({ search }: URL, name: string): Buffer {
  const [, value] = new RegExp(`[?&]${name}=([^&]*)`).exec(search)!;
  return Buffer.from(value!.replaceAll('+', ' ').replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))), 'latin1');
}
