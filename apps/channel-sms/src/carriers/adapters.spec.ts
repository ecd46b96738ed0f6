import { conformsToTheChannelPort } from '@parley/channel/conformance.testing';
import { PlayedTwilio } from '@parley/channel/twilio/played-twilio.testing';
import { SimulatorSms } from './simulator/simulator-sms.adapter.js';
import { TwilioSms } from './twilio/twilio-sms.adapter.js';

for (const Adapter of [TwilioSms, SimulatorSms]) {
  const twilio = new PlayedTwilio((options) => new Adapter(options));
  beforeAll(() => twilio.listen());
  afterAll(() => twilio.close());
  conformsToTheChannelPort(Adapter.name, () => twilio.play({ sender: '+15550100001', recipient: '+15550100002' }));
}
