/** Amazon SES (v2): raw mail out; events and received mail by SNS topics (docs/channels/email.md). */
import { z } from 'zod';
import type { CarrierDefinition } from '../../carrier-definition.js';
import { mailSettings } from '../../email/mail-settings.js';

const credentials = z.strictObject({
  accessKeyId: z.string().min(1).max(128),
  secretAccessKey: z.string().min(1).max(256),
  sessionToken: z.string().min(1).max(4096).optional(),
});
const settings = z.strictObject({
  ...mailSettings,
  region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/).describe('eu-west-1'),
  configurationSet: z.string().min(1).max(64).optional(),
  topics: z.array(z.string().regex(/^arn:aws[a-z-]*:sns:[a-z]{2}(-[a-z]+)+-\d:\d{12}:[\w-]{1,256}(\.fifo)?$/)).min(1).max(5)
    .describe('ARNs of the SNS topics that SES publishes events, or mail it received, to; posts from others are refused').optional(),
  baseUrl: z.url({ protocol: /^https?$/ }).describe('Origin of the API instead of https://email.<region>.amazonaws.com').optional(),
});
export type SesCredentials = z.output<typeof credentials>;
export type SesSettings = z.output<typeof settings>;

export const ses: CarrierDefinition<SesCredentials, SesSettings> = {
  name: 'ses', title: 'Amazon SES', channels: ['email'], listens: false, credentials, settings, rate: null,
  load: async () => {
    const { openSes } = await import('./adapter.js');
    return (connection) => openSes(connection);
  },
};
