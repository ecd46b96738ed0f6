import { conformsToTheChannelPort } from '../../conformance.testing.js';
import { formsOf, playedTwilio } from '../../twilio/played-twilio.testing.js';
import { SimulatorSms, SimulatorWhatsapp } from '../simulator/adapter.js';
import { TwilioSms, TwilioWhatsapp } from './adapter.js';

const numbers = { sender: '+15550100001', recipient: '+15550100002' };
const whatsapp = { sender: 'whatsapp:+15550100001', recipient: 'whatsapp:+15550100002' };

for (const [Adapter, addresses] of [[TwilioSms, numbers], [SimulatorSms, numbers], [TwilioWhatsapp, whatsapp], [SimulatorWhatsapp, whatsapp]] as const) {
  const twilio = playedTwilio((options) => new Adapter(options), addresses);
  beforeAll(() => twilio.listen());
  afterAll(() => twilio.close());
  conformsToTheChannelPort(Adapter.name, () => twilio.play());
}

describe('SMS by Twilio', () => {
  const twilio = playedTwilio((options) => new TwilioSms(options), { sender: '+12025550101', recipient: '+12025550102' });
  beforeAll(() => twilio.listen());
  afterAll(() => twilio.close());
  const file = (url: string, bytes: number, contentType = 'image/jpeg') => ({ url, contentType, filename: null, bytes });

  it('is found again by its text, whatever the links in it are signed with', async () => {
    const { adapter, delivery } = twilio.play();
    const media = (expires: number) => [file(`https://files.test/ME1?expires=${expires}&signature=a`, 9_000_000), file('https://files.test/ME2', 10)];
    await adapter.send({ ...delivery, body: '“look”', media: media(1) }, AbortSignal.timeout(30_000));
    expect(formsOf(twilio).at(-1)).toEqual({ Body: '"look"\nhttps://files.test/ME1?expires=1&signature=a', MediaUrl: 'https://files.test/ME2' });
    expect(await adapter.lookup!({ ...delivery, body: '“look”', media: media(2) }, AbortSignal.timeout(30_000))).toBeDefined();
    expect(await adapter.lookup!({ ...delivery, body: '“look”', media: [] }, AbortSignal.timeout(30_000))).toBeUndefined();
  });
  it('is a link where MMS does not go', async () => {
    const { adapter, delivery } = twilio.play();
    await adapter.send({ ...delivery, recipient: '+4915550100002', body: null, media: [file('https://files.test/ME1', 10)] }, AbortSignal.timeout(30_000));
    expect(formsOf(twilio).at(-1)).toEqual({ Body: 'https://files.test/ME1' });
  });
});

describe('WhatsApp by Twilio', () => {
  const contentSid = `HX${'a'.repeat(32)}`;
  const twilio = playedTwilio((options) => new TwilioWhatsapp(options, { order_update: contentSid }), whatsapp);
  beforeAll(() => twilio.listen());
  afterAll(() => twilio.close());
  const template = { kind: 'template', name: 'order_update', language: 'en', values: { 1: '17', who: 'Ana' }, body: [{ value: '17' }], buttons: [] };
  const sent = async (body: string, rich: Record<string, unknown>) => {
    const { adapter, delivery } = twilio.play();
    await adapter.send({ ...delivery, body, rich }, AbortSignal.timeout(30_000));
    const form = new URLSearchParams(twilio.taken.at(-1)!.body);
    for (const name of ['To', 'From', 'StatusCallback']) form.delete(name);
    return { form: Object.fromEntries(form), lookup: () => adapter.lookup!({ ...delivery, body, rich }, AbortSignal.timeout(30_000)) };
  };

  it.each<[string, Record<string, unknown>, Record<string, string>]>([
    ['an approved template by its SID there', template, { ContentSid: contentSid, ContentVariables: '{"1":"17","who":"Ana"}' }],
    ['a template it was not told of as text', { ...template, name: 'other' }, { Body: 'hi' }],
    ['a place as a pin', { kind: 'location', latitude: 52.5, longitude: 13.4, name: 'Here', address: 'Street 1' }, { Body: 'Here', PersistentAction: 'geo:52.5,13.4|Street 1' }],
    ['a place without a name', { kind: 'location', latitude: 52.5, longitude: 13.4 }, { Body: 'hi', PersistentAction: 'geo:52.5,13.4' }],
    ['buttons as text', { kind: 'buttons', body: 'hi', buttons: [] }, { Body: 'hi' }],
  ])('gets %s', async (_, rich, form) => expect((await sent('hi', rich)).form).toEqual(form));

  it('finds a place again by the name that was sent', async () => {
    expect(await (await sent('see you', { kind: 'location', latitude: 52.5, longitude: 13.4, name: 'Here' })).lookup()).toBeDefined();
  });
  it('finds a template again by the text Twilio made of it', async () => {
    const { lookup } = await sent('Order 17 is ready\n- Thanks', template);
    twilio.taken.at(-1)!.body += '&Body=Order+17+is+ready';
    expect(await lookup()).toEqual({ providerMessageIds: [`SM${'0'.repeat(32)}`] });
    twilio.taken.at(-1)!.body = twilio.taken.at(-1)!.body.replace('&Body=Order+17', '&Body=Order+18');
    expect(await lookup()).toBeUndefined();
  });
});
