/** Telnyx's side: how it answers, and webhooks signed with its key. */
import { generateKeyPairSync, sign } from 'node:crypto';
import type { RawWebhook } from '../../channel-adapter.js';
import { PlayedHttpCarrier, playedConnection } from '../../played-http-carrier.testing.js';
import { TelnyxSms } from './adapter.js';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
export const telnyxCredentials = { apiKey: 'KEYplayed', publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64') };
const addresses = { sender: '+12025550101', recipient: '+12025550102' };

/** What it calls a webhook with, at this address of ours. */
export function signedByTelnyx(payload: object, url: string): RawWebhook {
  const body = Buffer.from(JSON.stringify({ data: { event_type: 'message', record_type: 'event', payload } }));
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = sign(null, Buffer.concat([Buffer.from(`${timestamp}|`), body]), privateKey).toString('base64');
  return { method: 'POST', url, headers: { 'telnyx-timestamp': timestamp, 'telnyx-signature-ed25519': signature }, body };
}

export const playedTelnyx = (settings = {}): PlayedHttpCarrier => new PlayedHttpCarrier({
  addresses,
  open: (baseUrl) => new TelnyxSms(playedConnection(telnyxCredentials, { ...settings, baseUrl })),
  referenceIn: ({ body }) => new URL(JSON.parse(body).webhook_url).searchParams.get('delivery')!,
  accept: (_, id) => ({ status: 200, body: JSON.stringify({ data: { id, record_type: 'message' } }) }),
  refuse: { status: 400, body: JSON.stringify({ errors: [{ code: '40310', title: 'Invalid \'to\' address' }] }) },
  message: ({ id, text }, url) => signedByTelnyx({
    id, direction: 'inbound', text, from: { phone_number: addresses.recipient }, to: [{ phone_number: addresses.sender, status: 'webhook_delivered' }], cc: [], media: [],
  }, url),
  status: ({ id, status, deliveryId, extra }, url) => signedByTelnyx({
    id, direction: 'outbound', from: { phone_number: addresses.sender }, to: [{ phone_number: addresses.recipient, status }], cc: [], errors: [], ...extra,
  }, deliveryId === undefined ? url : `${url}?delivery=${deliveryId}`),
  forged: (webhook) => ({ ...webhook, body: Buffer.from(webhook.body.toString().replace('0101', '0103')) }),
  words: { sent: 'sent', delivered: 'delivered', failed: 'sending_failed' },
});
