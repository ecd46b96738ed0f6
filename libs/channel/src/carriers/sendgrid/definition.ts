/** SendGrid: v3 mail send, Inbound Parse, event webhook (docs/channels/email.md). */
import { z } from 'zod';
import type { CarrierDefinition } from '../../carrier-definition.js';
import { mailSettings } from '../../email/mail-settings.js';

const publicKey = z.string().min(1).max(1024).describe('base64, as SendGrid shows it');
const credentials = z.strictObject({
  apiKey: z.string().min(1).max(256).describe('API key with the permission to send'),
  eventPublicKey: publicKey.describe('Public key of the signed event webhook').optional(),
  parsePublicKey: publicKey.describe('Public key of the security policy of Inbound Parse').optional(),
  parseSecret: z.string().min(16).max(256).describe('Without a security policy: the value of `key` in the address Inbound Parse posts to').optional(),
});
const settings = z.strictObject({
  ...mailSettings,
  authenticate: z.boolean().describe('Check SPF, DKIM and DMARC of raw mail ourselves, by the DNS; default: what SendGrid found of SPF and DKIM').optional(),
  baseUrl: z.url({ protocol: /^https?$/ }).describe('Origin of the API instead of https://api.sendgrid.com (EU: https://api.eu.sendgrid.com)').optional(),
});
export type SendgridCredentials = z.output<typeof credentials>;
export type SendgridSettings = z.output<typeof settings>;

export const sendgrid: CarrierDefinition<SendgridCredentials, SendgridSettings> = {
  name: 'sendgrid', title: 'SendGrid', channels: ['email'], listens: false, credentials, settings, rate: null,
  load: async () => (await import('./adapter.js')).openSendgrid,
};
