/** Mailgun: raw mail out, routes in, event webhooks (docs/channels/email.md). */
import { z } from 'zod';
import type { CarrierDefinition } from '../../carrier-definition.js';
import { mailSettings } from '../../email/mail-settings.js';

const credentials = z.strictObject({
  apiKey: z.string().min(1).max(256).describe('Sending key of the domain'),
  signingKey: z.string().min(1).max(256).describe('HTTP webhook signing key'),
});
const settings = z.strictObject({
  ...mailSettings,
  sendingDomain: z.string().min(1).max(253).describe('Domain at Mailgun that mail goes out by; default: the domain of this connection').optional(),
  spamFilter: z.boolean().describe('The domain\'s spam filter marks mail with headers: what they say of SPF and DKIM is believed').optional(),
  baseUrl: z.url({ protocol: /^https?$/ }).describe('Origin of the API instead of https://api.mailgun.net (EU: https://api.eu.mailgun.net)').optional(),
});
export type MailgunCredentials = z.output<typeof credentials>;
export type MailgunSettings = z.output<typeof settings>;

export const mailgun: CarrierDefinition<MailgunCredentials, MailgunSettings> = {
  name: 'mailgun', title: 'Mailgun', channels: ['email'], listens: false, credentials, settings, rate: null,
  load: async () => (await import('./adapter.js')).openMailgun,
};
