/** Twilio Programmable Messaging: SMS, MMS and WhatsApp (docs/channels/sms.md). */
import { z } from 'zod';
import type { CarrierDefinition } from '../../carrier-definition.js';
import { smsSettings } from '../../sms/sms-settings.js';

const credentials = z.strictObject({
  accountSid: z.string().regex(/^AC[0-9a-fA-F]{32}$/).describe('Account SID, as the console shows it'),
  authToken: z.string().min(1).max(256).describe('Auth token; webhooks are signed with it'),
});
const settings = z.strictObject({
  ...smsSettings,
  contents: z.record(z.string().min(1).max(512), z.string().regex(/^HX[0-9a-fA-F]{32}$/))
    .describe('WhatsApp templates by the names they were approved under: Content SIDs in this Twilio account').optional(),
});
export type TwilioSettings = z.output<typeof settings>;

export const twilio: CarrierDefinition<z.output<typeof credentials>, TwilioSettings> = {
  name: 'twilio', title: 'Twilio', channels: ['sms', 'whatsapp'], listens: false, credentials, settings, rate: null,
  load: async () => (await import('./adapter.js')).openTwilio,
};
