/** Twilio Programmable Messaging: SMS, MMS and WhatsApp (docs/channels/sms.md). */
import { z } from 'zod';
import type { CarrierDefinition } from '../../carrier-definition.js';
import { smsSettings } from '../../sms/sms-settings.js';

const credentials = z.strictObject({
  accountSid: z.string().regex(/^AC[0-9a-fA-F]{32}$/).describe('Account SID, as the console shows it'),
  authToken: z.string().min(1).max(256).describe('Auth token; webhooks are signed with it'),
});
const settings = z.strictObject(smsSettings);

export const twilio: CarrierDefinition<z.output<typeof credentials>, z.output<typeof settings>> = {
  name: 'twilio', title: 'Twilio', channels: ['sms', 'whatsapp'], listens: false, credentials, settings, rate: null,
  load: async () => (await import('./adapter.js')).openTwilio,
};
