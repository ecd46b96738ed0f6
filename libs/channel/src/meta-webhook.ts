/** What webhooks of Meta's platforms have in common (channel facts, 2.4): the signature over the body and the first question. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { RawWebhook, WebhookAnswer } from './channel-adapter.js';
import { InvalidSignature } from './send-error.js';

/** Over the bytes as they came: Meta escapes what JSON need not escape. Throws InvalidSignature. */
export function verifyMetaSignature({ headers, body }: RawWebhook, appSecret: string): void {
  const signature = headers['x-hub-signature-256'];
  const expected = Buffer.from(`sha256=${createHmac('sha256', appSecret).update(body).digest('hex')}`);
  const given = Buffer.from(typeof signature === 'string' ? signature : '');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new InvalidSignature();
}

/** Before anything is sent to an address, Meta asks there for the token that was agreed on. Throws InvalidSignature. */
export function metaHandshake({ url }: RawWebhook, verifyToken: string): WebhookAnswer {
  const query = new URL(url).searchParams;
  const [given, expected] = [query.get('hub.verify_token') ?? '', verifyToken].map((text) => createHmac('sha256', 'verify').update(text).digest());
  if (query.get('hub.mode') !== 'subscribe' || !timingSafeEqual(given!, expected!)) throw new InvalidSignature();
  return { status: 200, contentType: 'text/plain', body: query.get('hub.challenge') ?? '' };
}
