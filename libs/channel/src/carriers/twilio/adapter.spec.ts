import { conformsToTheChannelPort } from '../../conformance.testing.js';
import { PlayedTwilio } from '../../twilio/played-twilio.testing.js';
import { SimulatorSms, SimulatorWhatsapp } from '../simulator/adapter.js';
import { TwilioSms, TwilioWhatsapp } from './adapter.js';

const numbers = { sender: '+15550100001', recipient: '+15550100002' };
const whatsapp = { sender: 'whatsapp:+15550100001', recipient: 'whatsapp:+15550100002' };

for (const [Adapter, addresses] of [[TwilioSms, numbers], [SimulatorSms, numbers], [TwilioWhatsapp, whatsapp], [SimulatorWhatsapp, whatsapp]] as const) {
  const twilio = new PlayedTwilio((options) => new Adapter(options));
  beforeAll(() => twilio.listen());
  afterAll(() => twilio.close());
  conformsToTheChannelPort(Adapter.name, () => twilio.play(addresses));
}
