import { conformsToTheChannelPort } from '@parley/channel/conformance.testing';
import { PlayedTwilio } from '@parley/channel/twilio/played-twilio.testing';
import { SimulatorWhatsapp } from './simulator/simulator-whatsapp.adapter.js';
import { TwilioWhatsapp } from './twilio/twilio-whatsapp.adapter.js';

for (const Adapter of [TwilioWhatsapp, SimulatorWhatsapp]) {
  const twilio = new PlayedTwilio((options) => new Adapter(options));
  beforeAll(() => twilio.listen());
  afterAll(() => twilio.close());
  conformsToTheChannelPort(Adapter.name, () => twilio.play({ sender: 'whatsapp:+15550100100', recipient: 'whatsapp:+15550100002' }));
}
