/** Facebook Messenger by Meta's Graph API: what an account has to know to connect its pages. */
import { z } from 'zod';
import type { CarrierDefinition } from '../../carrier-definition.js';

const secret = z.string().min(1).max(1024);
const graphId = z.string().regex(/^\d{1,32}$/);

export const messengerCredentials = z.strictObject({
  app_secret: secret.describe('App secret: webhooks are signed with it'),
  verify_token: secret.describe('Chosen by you: Meta sends it back when the webhook is set up'),
  // One app has one webhook for all its pages, so they are one connection.
  pages: z.array(z.strictObject({
    id: graphId.describe('Page ID; its sender is messenger:<id>'),
    access_token: secret.describe('Page access token with pages_messaging'),
  })).min(1).max(100),
});

export const messengerSettings = z.strictObject({
  app_id: graphId.optional().describe('App ID: tells what other programs and people wrote for a page from what we sent'),
  human_agent: z.boolean().default(false).describe('After 24 hours send once more with the HUMAN_AGENT tag (7 days; Meta has to allow it)'),
  api_version: z.string().regex(/^v\d{1,3}\.\d$/).default('v23.0').describe('Version of the Graph API'),
  baseUrl: z.url().default('https://graph.facebook.com').describe('Origin of the API'),
});

export type MessengerCredentials = z.output<typeof messengerCredentials>;
export type MessengerSettings = z.output<typeof messengerSettings>;

export const messenger: CarrierDefinition<MessengerCredentials, MessengerSettings> = {
  name: 'messenger',
  title: 'Messenger (Meta)',
  channels: ['messenger'],
  listens: false,
  credentials: messengerCredentials,
  settings: messengerSettings,
  // Meta allows far more for text; for files 10 a second of one page is what it has published. General knowledge, so low.
  rate: 40,
  async load() {
    const { Messenger } = await import('./adapter.js');
    return (connection) => new Messenger(connection);
  },
};
