/** Plivo's side: how it answers and lists, and webhooks signed as it signs them. */
import type { RawWebhook } from '../../channel-adapter.js';
import { PlayedHttpCarrier, playedConnection, playedUrl } from '../../played-http-carrier.testing.js';
import { PlivoSms } from './adapter.js';
import type { PlivoSettings } from './definition.js';
import { plivoSignature } from './signature.js';

const addresses = { sender: '+12025550101', recipient: '+12025550102' };
const numbers = { sender: '12025550101', recipient: '12025550102' };
export const plivoCredentials = { authId: 'MA000000000000000000', authToken: 'plivo-test-auth-token' };

export function signedByPlivo(fields: Record<string, string>, url = `${playedUrl}/webhooks/plivo/CX1`): RawWebhook {
  const form = new URLSearchParams(fields);
  const nonce = '12345678901234567890';
  const headers = { 'x-plivo-signature-v3': `c3RhbGU=,${plivoSignature(plivoCredentials.authToken, 'POST', url, form, nonce)}`, 'x-plivo-signature-v3-nonce': nonce };
  return { method: 'POST', url, headers, body: Buffer.from(form.toString()) };
}

export const playedPlivo = (settings: PlivoSettings = {}): PlayedHttpCarrier => new PlayedHttpCarrier({
  addresses,
  open: (baseUrl) => new PlivoSms(playedConnection(plivoCredentials, { ...settings, baseUrl })),
  referenceIn: ({ body }) => new URL(JSON.parse(body).url).searchParams.get('delivery')!,
  accept: (_, id) => ({ status: 202, body: JSON.stringify({ message: 'message(s) queued', message_uuid: [id], api_id: 'x' }) }),
  refuse: { status: 400, body: '{"api_id":"x","error":"dst is not valid"}' },
  list: (ids) => ({
    status: 200, body: JSON.stringify({ objects: ids.map((message_uuid) => ({ message_uuid, from_number: numbers.sender, to_number: numbers.recipient })) }),
  }),
  message: ({ id, text }, url) => signedByPlivo({ MessageUUID: id, From: numbers.recipient, To: numbers.sender, Type: 'sms', Text: text }, url),
  status: ({ id, status, deliveryId, extra }, url) => signedByPlivo(
    { MessageUUID: id, From: numbers.sender, To: numbers.recipient, Status: status, ...extra }, deliveryId === undefined ? url : `${url}?delivery=${deliveryId}`,
  ),
  forged: (webhook) => ({ ...webhook, body: Buffer.from(webhook.body.toString().replace('0101', '0103')) }),
  words: { sent: 'sent', delivered: 'delivered', failed: 'failed' },
});
