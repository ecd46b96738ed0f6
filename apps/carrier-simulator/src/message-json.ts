/** A message as Twilio's API shows it (channel facts, 1.1), and as the simulator's own API does. */
import { segmentsOf } from '@parley/channel/sms/segments';
import { isoTime } from '@parley/event-store/database';
import type { SimulatedMessage } from './simulator-store.js';

export function twilioResource(message: SimulatedMessage) {
  const { account, sid, sender, recipient, body, media_urls, status, error_code, direction, created_at } = message;
  const date = new Date(isoTime(created_at)).toUTCString().replace('GMT', '+0000');
  const uri = `/2010-04-01/Accounts/${account}/Messages/${sid}`;
  return {
    account_sid: account, api_version: '2010-04-01', body, date_created: date, date_sent: date, date_updated: date, direction, error_code,
    error_message: null, from: sender, messaging_service_sid: null, num_media: String(media_urls.length), num_segments: String(segmentCount(message)), price: null,
    price_unit: null, sid, status, subresource_uris: { media: `${uri}/Media.json` }, to: recipient, uri: `${uri}.json`,
  };
}

export function handsetMessage(message: SimulatedMessage) {
  const { ordinal, sid, sender, recipient, body, media_urls, status, error_code, sends, created_at, group_numbers: group } = message;
  return {
    ordinal, sid, from: sender, to: recipient, body, mediaUrls: media_urls, segments: segmentCount(message), status, errorCode: error_code, sends, date: isoTime(created_at), ...(group && { group }),
  };
}

/** How many short messages a text travels in; MMS, messages of a chat and mails are one. */
export const segmentCount = ({ recipient, body, media_urls }: Pick<SimulatedMessage, 'recipient' | 'body' | 'media_urls'>): number =>
  (/[:@]/.test(recipient) || media_urls.length > 0 ? 1 : segmentsOf(body).parts.length);
