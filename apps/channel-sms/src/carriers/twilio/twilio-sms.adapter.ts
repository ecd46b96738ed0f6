/** SMS and MMS through Twilio (docs/channels/sms.md). */
import { TwilioMessaging } from '@parley/channel/twilio/messaging-adapter';

export class TwilioSms extends TwilioMessaging {
  /** Channel facts 1.1: 1,600 characters, 5 MB of media. Their list may lag a minute behind what they accepted. */
  override readonly limits = { bodyCharsMax: 1600, mediaBytesMax: 5_000_000, lookupDelayMillis: 60_000 };
}
