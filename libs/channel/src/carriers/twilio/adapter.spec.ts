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
    await adapter.send({ ...delivery, body: '“look”', media: media(1) }, AbortSignal.timeout(5_000));
    expect(formsOf(twilio).at(-1)).toEqual({ Body: '"look"\nhttps://files.test/ME1?expires=1&signature=a', MediaUrl: 'https://files.test/ME2' });
    expect(await adapter.lookup!({ ...delivery, body: '“look”', media: media(2) }, AbortSignal.timeout(5_000))).toBeDefined();
    expect(await adapter.lookup!({ ...delivery, body: '“look”', media: [] }, AbortSignal.timeout(5_000))).toBeUndefined();
  });
  it('is a link where MMS does not go', async () => {
    const { adapter, delivery } = twilio.play();
    await adapter.send({ ...delivery, recipient: '+4915550100002', body: null, media: [file('https://files.test/ME1', 10)] }, AbortSignal.timeout(5_000));
    expect(formsOf(twilio).at(-1)).toEqual({ Body: 'https://files.test/ME1' });
  });
});
