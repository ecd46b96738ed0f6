import { TwilioMessaging } from './messaging-adapter.js';
import { playedTwilio } from './played-twilio.testing.js';

const limits = { bodyCharsMax: 1600, mediaBytesMax: 5_000_000, lookupDelayMillis: 0 };

describe('a lookup at Twilio', () => {
  const twilio = playedTwilio((options) => new (class extends TwilioMessaging { limits = limits; })(options), { sender: '+15550100001', recipient: '+15550100002' });
  beforeAll(() => twilio.listen());
  afterAll(() => twilio.close());

  it('does not take a message with another text, or from before the first attempt, for ours', async () => {
    const { adapter, delivery } = twilio.play();
    await adapter.send(delivery, AbortSignal.timeout(30_000));
    const lookup = (changes: object) => adapter.lookup!({ ...delivery, ...changes }, AbortSignal.timeout(30_000));
    expect(await lookup({ body: 'something else' })).toBeUndefined();
    expect(await lookup({ firstAttemptAt: new Date(Date.now() + 600_000).toISOString() })).toBeUndefined();
    expect(await lookup({})).toBeDefined();
  });
});
