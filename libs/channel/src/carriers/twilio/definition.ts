/** Twilio Programmable Messaging: SMS, MMS and WhatsApp (docs/channels/sms.md). */
import { z } from 'zod';
import type { CarrierDefinition } from '../../carrier-definition.js';

const credentials = z.strictObject({
  accountSid: z.string().regex(/^AC[0-9a-fA-F]{32}$/).describe('Account SID, as the console shows it'),
  authToken: z.string().min(1).max(256).describe('Auth token; webhooks are signed with it'),
});
const settings = z.strictObject({
  baseUrl: z.url({ protocol: /^https?$/ }).describe('Origin of the API instead of https://api.twilio.com').optional(),
});

export const twilio: CarrierDefinition<z.output<typeof credentials>, z.output<typeof settings>> = {
  name: 'twilio', title: 'Twilio', channels: ['sms', 'whatsapp'], listens: false, credentials, settings, rate: null,
  load: async () => (await import('./adapter.js')).openTwilio,
};
