/** Vonage's side: how it answers, and webhooks signed with the account's secret. */
import { createHash, createHmac } from 'node:crypto';
import type { RawWebhook } from '../../channel-adapter.js';
import { PlayedHttpCarrier, playedConnection, playedUrl } from '../../played-http-carrier.testing.js';
import { VonageSms } from './adapter.js';
import type { VonageCredentials, VonageSettings } from './definition.js';

export const vonageCredentials = { apiKey: 'abcd1234', apiSecret: 'played', signatureSecret: 'played-signature-secret' };
const addresses = { sender: '+12025550101', recipient: '+12025550102' };
const numbers = { sender: '12025550101', recipient: '12025550102' };
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

export function signedByVonage(payload: object, { apiKey, signatureSecret } = vonageCredentials, url = `${playedUrl}/webhooks/vonage/CX1`): RawWebhook {
  const body = Buffer.from(JSON.stringify(payload));
  const claims = { iat: Math.floor(Date.now() / 1000), iss: 'Vonage', payload_hash: createHash('sha256').update(body).digest('hex'), api_key: apiKey };
  const content = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  const token = `${content}.${createHmac('sha256', signatureSecret).update(content).digest('base64url')}`;
  return { method: 'POST', url, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body };
}

export const playedVonage = (settings: VonageSettings = {}, other: Partial<VonageCredentials> = {}): PlayedHttpCarrier => new PlayedHttpCarrier({
  addresses,
  open: (baseUrl) => new VonageSms(playedConnection({ ...vonageCredentials, ...other }, { ...settings, baseUrl })),
  referenceIn: ({ body }) => JSON.parse(body).client_ref,
  accept: (_, id) => ({ status: 202, body: JSON.stringify({ message_uuid: id }) }),
  refuse: { status: 422, body: '{"type":"https://developer.vonage.com/api-errors/messages#1120","title":"Invalid sender","detail":"","instance":"x"}' },
  message: ({ id, text }, url) => signedByVonage({ channel: 'sms', message_uuid: id, from: numbers.recipient, to: numbers.sender, message_type: 'text', text }, vonageCredentials, url),
  status: ({ id, status, deliveryId, extra }, url) => signedByVonage({
    channel: 'sms', message_uuid: id, from: numbers.sender, to: numbers.recipient, status, ...(deliveryId !== undefined && { client_ref: deliveryId }), ...extra,
  }, vonageCredentials, url),
  forged: (webhook) => ({ ...webhook, body: Buffer.from(webhook.body.toString().replace('0101', '0103')) }),
  words: { sent: 'submitted', delivered: 'delivered', failed: 'rejected' },
});
