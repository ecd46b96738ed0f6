/** WhatsApp through Twilio (docs/channels/whatsapp.md). */
import { TwilioMessaging } from '@parley/channel/twilio/messaging-adapter';

export class TwilioWhatsapp extends TwilioMessaging {
  /** API reference 3.6: 1,600 characters, 16 MB of media. Their list may lag a minute behind what they accepted. */
  override readonly limits = { bodyCharsMax: 1600, mediaBytesMax: 16_000_000, lookupDelayMillis: 60_000 };
}
