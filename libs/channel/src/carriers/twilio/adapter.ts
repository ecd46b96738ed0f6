/** Twilio as a connection of an account: the adapter for one of its channels. */
import type { CarrierConnection } from '../../carrier-definition.js';
import type { CarrierChannel } from '../../inbound-event.js';
import { TwilioMessaging, type TwilioCredentials } from '../../twilio/messaging-adapter.js';

/** Channel facts 1.1: 1,600 characters, 5 MB of media. Their list may lag a minute behind what they accepted. */
export class TwilioSms extends TwilioMessaging {
  override readonly limits = { bodyCharsMax: 1600, mediaBytesMax: 5_000_000, lookupDelayMillis: 60_000 };
}

/** API reference 3.6: 1,600 characters, 16 MB of media. */
export class TwilioWhatsapp extends TwilioMessaging {
  override readonly limits = { bodyCharsMax: 1600, mediaBytesMax: 16_000_000, lookupDelayMillis: 60_000 };
}

type Connection = CarrierConnection<TwilioCredentials, { baseUrl?: string | undefined }>;

export function openTwilio({ credentials, settings, publicUrl, webhookUrl }: Connection, channel: CarrierChannel): TwilioMessaging {
  const options = { ...credentials, baseUrl: (settings.baseUrl ?? 'https://api.twilio.com').replace(/\/+$/, ''), publicUrl, webhookUrl };
  return channel === 'whatsapp' ? new TwilioWhatsapp(options) : new TwilioSms(options);
}
