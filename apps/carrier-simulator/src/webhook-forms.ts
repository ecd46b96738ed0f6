/** The forms Twilio posts: an inbound message, and a status report (channel facts, 1.1). */
import { segmentCount } from './message-json.js';
import type { Media, SimulatedMessage } from './simulator-store.js';

const API_VERSION = '2010-04-01';

export function inboundForm(message: SimulatedMessage, media: Media[]): Record<string, string> {
  const { sid, account, sender, recipient, body, group_numbers: group } = message;
  return {
    ToCountry: '', ToState: '', SmsMessageSid: sid, NumMedia: String(media.length), ToCity: '', FromZip: '', SmsSid: sid, FromState: '',
    SmsStatus: 'received', FromCity: '', Body: body, FromCountry: '', To: recipient, ToZip: '', NumSegments: String(segmentCount(message)), MessageSid: sid,
    AccountSid: account, From: sender, ApiVersion: API_VERSION,
    ...Object.fromEntries(media.flatMap(({ contentType, url }, i) => [[`MediaContentType${i}`, contentType], [`MediaUrl${i}`, url]])),
    ...Object.fromEntries((group ?? []).map((number, i) => [`OtherRecipients${i}`, number])),
    ...(sender.startsWith('whatsapp:') && { ProfileName: sender, WaId: sender.replace(/^whatsapp:\+?/, ''), MessageType: 'text' }),
  };
}

export function statusForm({ sid, account, sender, recipient }: SimulatedMessage, status: string, errorCode?: number): Record<string, string> {
  return {
    SmsSid: sid, SmsStatus: status, MessageStatus: status, To: recipient, MessageSid: sid, AccountSid: account, From: sender,
    ApiVersion: API_VERSION, ...(errorCode !== undefined && { ErrorCode: String(errorCode) }),
    ...(recipient.startsWith('whatsapp:') && { ChannelPrefix: 'whatsapp' }),
  };
}
