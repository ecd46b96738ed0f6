/** Twilio's side of its Messaging API, for every adapter that speaks it: how it answers and lists, and how it signs. */
import { newSid } from '@parley/domain/sid';
import type { ChannelAdapter, Delivery, RawWebhook } from '../channel-adapter.js';
import { PlayedHttpCarrier, playedUrl, type PlayedRequest } from '../played-http-carrier.testing.js';
import { twilioSignature } from '../signatures.js';
import type { TwilioOptions } from './messaging-adapter.js';

const accountSid = newSid('AC');
const authToken = 'played';
const formIn = ({ body }: PlayedRequest) => new URLSearchParams(body);
const resource = (request: PlayedRequest) => ({
  sid: `SM${'0'.repeat(32)}`, body: formIn(request).get('Body') ?? '', direction: 'outbound-api', date_created: new Date().toUTCString(),
});

/** What was sent, of text and files. */
export const formsOf = ({ taken }: PlayedHttpCarrier): Record<string, string>[] =>
  taken.map((request) => Object.fromEntries([...formIn(request)].filter(([name]) => name === 'Body' || name === 'MediaUrl')));

export function playedTwilio(build: (options: TwilioOptions) => ChannelAdapter, addresses: Pick<Delivery, 'sender' | 'recipient'>): PlayedHttpCarrier {
  const signed = (path: string, fields: Record<string, string>): RawWebhook => {
    const url = playedUrl + path;
    const form = new URLSearchParams({ AccountSid: accountSid, From: addresses.recipient, To: addresses.sender, ...fields });
    return { method: 'POST', url, headers: { 'x-twilio-signature': twilioSignature(authToken, url, form) }, body: Buffer.from(form.toString()) };
  };
  return new PlayedHttpCarrier({
    addresses,
    open: (baseUrl) => build({ accountSid, authToken, publicUrl: playedUrl, baseUrl }),
    referenceIn: (request) => new URL(formIn(request).get('StatusCallback')!).searchParams.get('delivery')!,
    accept: (request) => ({ status: 201, body: JSON.stringify(resource(request)) }),
    throttle: { status: 429, headers: { 'retry-after': '2' }, body: '{"code":20429,"message":"","status":429}' },
    refuse: { status: 400, body: '{"code":21211,"message":"","status":400}' },
    list: (_, taken) => ({ status: 200, body: JSON.stringify({ messages: taken.map(resource) }) }),
    message: ({ id, text }) => signed('/webhooks/twilio/sms', { MessageSid: id, SmsStatus: 'received', Body: text }),
    status: ({ id, status, deliveryId, extra }) => signed(`/webhooks/twilio/status${deliveryId === undefined ? '' : `?delivery=${deliveryId}`}`, { MessageSid: id, MessageStatus: status, ...extra }),
    forged: (webhook) => ({ ...webhook, body: Buffer.from(webhook.body.toString().replace('From=', 'From=0')) }),
    words: { sent: 'sent', delivered: 'delivered', failed: 'failed' },
  });
}
