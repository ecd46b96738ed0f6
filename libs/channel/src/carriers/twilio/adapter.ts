/** Twilio as a connection of an account: the adapter for one of its channels. */
import type { WhatsappRich } from '@parley/domain/whatsapp-rich';
import type { CarrierConnection } from '../../carrier-definition.js';
import type { Delivery } from '../../channel-adapter.js';
import type { CarrierChannel } from '../../inbound-event.js';
import { LINKED_BYTES_MAX } from '../../sms/media-rules.js';
import { EVERY_KEYWORD, keywordOf, originOf, outgoingSms, type SmsSettings } from '../../sms/sms-settings.js';
import { TwilioMessaging, type TwilioCredentials, type TwilioOptions } from '../../twilio/messaging-adapter.js';
import type { TwilioSettings } from './definition.js';

/** Channel facts 1.11: 5 MB a message, 500 KB of anything but images. What is larger goes as a link. */
const mms = { bytesMax: 5_000_000, otherBytesMax: 500_000, filesMax: 10 };

/** Channel facts 1.1: 1,600 characters. Their list may lag a minute behind what they accepted. */
export class TwilioSms extends TwilioMessaging {
  override readonly limits = { bodyCharsMax: 1600, mediaBytesMax: LINKED_BYTES_MAX, lookupDelayMillis: 60_000 };

  constructor(options: TwilioOptions, private readonly settings: SmsSettings = {}) {
    super(options);
  }

  protected override outgoing(delivery: Delivery) {
    return outgoingSms(delivery, mms, this.settings);
  }

  /** They answer for every number of theirs but short codes, unless the account has switched that off. */
  protected override keyword(text: string | null) {
    return keywordOf(text, this.settings, EVERY_KEYWORD);
  }
}

/** API reference 3.6: 1,600 characters, 16 MB of media. */
export class TwilioWhatsapp extends TwilioMessaging {
  override readonly limits = { bodyCharsMax: 1600, mediaBytesMax: 16_000_000, lookupDelayMillis: 60_000, replyWindow: true } as const;

  /** `contents`: Twilio's SIDs of approved templates, by the names they were approved under. */
  constructor(options: TwilioOptions, private readonly contents: Readonly<Record<string, string>> = {}) {
    super(options);
  }

  /** Places and approved templates have forms at Twilio; buttons and lists go as text, as do templates that Twilio does not know. */
  protected override contentOf(delivery: Delivery): [name: string, value: string][] {
    const rich = delivery.rich as WhatsappRich | undefined;
    if (rich?.kind === 'location') {
      const { latitude, longitude, name = '', address } = rich;
      return [['Body', name || delivery.body || `${latitude},${longitude}`], ['PersistentAction', `geo:${latitude},${longitude}${address || name ? `|${address || name}` : ''}`]];
    }
    const contentSid = rich?.kind === 'template' && Object.hasOwn(this.contents, rich.name) ? this.contents[rich.name] : undefined;
    if (rich?.kind !== 'template' || contentSid === undefined) return super.contentOf(delivery);
    return [['ContentSid', contentSid], ...(rich.values ? [['ContentVariables', JSON.stringify(rich.values)] as [string, string]] : [])];
  }
}

type Connection = CarrierConnection<TwilioCredentials, TwilioSettings>;

export function openTwilio({ credentials, settings, publicUrl, webhookUrl, lookup }: Connection, channel: CarrierChannel): TwilioMessaging {
  const options = { ...credentials, baseUrl: originOf(settings, 'https://api.twilio.com'), publicUrl, webhookUrl, ...(lookup && { lookup }) };
  return channel === 'whatsapp' ? new TwilioWhatsapp(options, settings.contents) : new TwilioSms(options, settings);
}
