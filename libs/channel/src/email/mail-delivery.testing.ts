/** A delivery as mail carriers get it, and the connection it goes by. */
import { newSid } from '@parley/domain/sid';
import { Readable } from 'node:stream';
import type { CarrierConnection } from '../carrier-definition.js';
import type { Delivery } from '../channel-adapter.js';

export const MAIL_DOMAIN = 'inbox.example.test';
export const SIGNING_KEY = 'reply-token-test-key';
export const publicUrl = 'https://channels.example.test';

export const mailConnection = <C, S>(carrier: string, credentials: C, settings: S): CarrierConnection<C, S & { domain: string }> => ({
  sid: 'CX1', account: 'AC1', publicUrl, webhookUrl: `${publicUrl}/webhooks/${carrier}/CX1`, signingKey: SIGNING_KEY, credentials,
  settings: { domain: MAIL_DOMAIN, ...settings },
});

export const mailDelivery = (more: Partial<Delivery> = {}): Delivery => ({
  deliveryId: newSid('DY'), conversationSid: newSid('CH'), sender: `support@${MAIL_DOMAIN}`, recipient: 'ana@example.com',
  body: 'Hello Ana,\nsee https://example.com/order?id=17&x=1.', media: [], firstAttemptAt: new Date().toISOString(), ...more,
});

export const textFile = (text: string, filename = 'notes.txt') => ({
  url: 'https://media.example.test/ME1', contentType: 'text/plain', filename, bytes: Buffer.byteLength(text), open: async () => Readable.from([Buffer.from(text)]),
});
