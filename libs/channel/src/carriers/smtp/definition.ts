/** A mail server: out by SMTP, in by a listener of ours (SMTP or LMTP) or from a mailbox by IMAP (docs/channels/email.md). */
import { z } from 'zod';
import type { CarrierDefinition } from '../../carrier-definition.js';
import { mailSettings } from '../../email/mail-settings.js';

const host = z.string().min(1).max(253);
const port = z.int().min(1).max(65_535);

const credentials = z.strictObject({
  user: z.string().min(1).max(256).describe('User at the mail server that takes our mail').optional(),
  password: z.string().min(1).max(1024).optional(),
  imapUser: z.string().min(1).max(256).describe('User of the mailbox').optional(),
  imapPassword: z.string().min(1).max(1024).optional(),
  dkimPrivateKey: z.string().min(1).max(8192).describe('PEM; signs our mail together with dkimSelector').optional(),
});
const settings = z.strictObject({
  ...mailSettings,
  host: host.describe('Mail server that takes our mail'),
  port: port.describe('Default 587, with TLS from the beginning 465').optional(),
  tls: z.enum(['required', 'immediate', 'none']).describe('required: STARTTLS or nothing (default); immediate: TLS from the beginning; none: a server on this machine').optional(),
  connections: z.int().min(1).max(50).describe('At once to the server; default 5').optional(),
  dkimSelector: z.string().min(1).max(253).optional(),
  dkimDomain: host.describe('Default: the domain of this connection').optional(),
  listen: z.strictObject({
    host: host.optional(), port, protocol: z.enum(['smtp', 'lmtp']).optional(),
    authenticate: z.boolean().describe('Check SPF, DKIM and DMARC ourselves: only where senders connect directly').optional(),
  }).describe('Take mail here; default host 127.0.0.1, protocol smtp').optional(),
  imap: z.strictObject({
    host, port: port.optional(), tls: z.enum(['immediate', 'none']).optional(), folder: z.string().min(1).max(256).optional(),
    moveTo: z.string().min(1).max(256).describe('Folder for mail that was taken; default: it stays, marked').optional(),
    pollSeconds: z.int().min(1).max(3600).describe('Default 60; servers that can say when mail comes are faster').optional(),
  }).describe('Take mail from this mailbox, which nobody else may empty').optional(),
});
export type SmtpCredentials = z.output<typeof credentials>;
export type SmtpSettings = z.output<typeof settings>;

export const smtp: CarrierDefinition<SmtpCredentials, SmtpSettings> = {
  name: 'smtp', title: 'Mail server (SMTP, IMAP)', channels: ['email'], credentials, settings, rate: null,
  load: async () => (await import('./adapter.js')).openSmtp,
};
