/** WhatsApp by Meta's Cloud API: what an account has to know to connect its numbers. */
import { z } from 'zod';
import type { CarrierDefinition } from '../../carrier-definition.js';

const secret = z.string().min(1).max(1024);
const graphId = z.string().regex(/^\d{1,32}$/);

export const cloudCredentials = z.strictObject({
  access_token: secret.describe('Token of a system user with whatsapp_business_messaging'),
  app_secret: secret.describe('App secret: webhooks are signed with it'),
  verify_token: secret.describe('Chosen by you: Meta sends it back when the webhook is set up'),
});

export const cloudSettings = z.strictObject({
  phone_numbers: z.array(z.strictObject({
    id: graphId.describe('Phone number ID'),
    number: z.string().regex(/^\+[1-9]\d{6,14}$/).describe('The number people see, as +E.164'),
  })).min(1).max(100).describe('Numbers of this connection; their senders are whatsapp:+…'),
  waba_id: graphId.optional().describe('WhatsApp Business Account ID, for reports that name no number'),
  api_version: z.string().regex(/^v\d{1,3}\.\d$/).default('v23.0').describe('Version of the Graph API'),
  media: z.enum(['link', 'upload']).default('link').describe('link: Meta fetches files from us; upload: we hand them over'),
  baseUrl: z.url().default('https://graph.facebook.com').describe('Origin of the API'),
});

export type CloudCredentials = z.output<typeof cloudCredentials>;
export type CloudSettings = z.output<typeof cloudSettings>;

export const whatsappCloud: CarrierDefinition<CloudCredentials, CloudSettings> = {
  name: 'whatsapp-cloud',
  title: 'WhatsApp Cloud API (Meta)',
  channels: ['whatsapp'],
  listens: false,
  credentials: cloudCredentials,
  settings: cloudSettings,
  // Of a number, in and out together; Meta raises it to 1,000 by itself (channel facts, 2.8).
  rate: 80,
  async load() {
    const { WhatsappCloud } = await import('./adapter.js');
    return (connection) => new WhatsappCloud(connection);
  },
};
