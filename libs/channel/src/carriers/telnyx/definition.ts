/** Telnyx Messaging: SMS and MMS (docs/channels/sms.md). */
import { z } from 'zod';
import type { CarrierDefinition } from '../../carrier-definition.js';
import { smsSettings } from '../../sms/sms-settings.js';

const credentials = z.strictObject({
  apiKey: z.string().min(1).max(256).describe('API key (V2)'),
  publicKey: z.string().regex(/^[A-Za-z0-9+/]{43}=$/).describe('Public key of the account, base64; webhooks are signed with its other half'),
});
const settings = z.strictObject({
  ...smsSettings,
  messagingProfileId: z.uuid().describe('Needed for alphanumeric senders').optional(),
});
export type TelnyxCredentials = z.output<typeof credentials>;
export type TelnyxSettings = z.output<typeof settings>;

export const telnyx: CarrierDefinition<TelnyxCredentials, TelnyxSettings> = {
  name: 'telnyx', title: 'Telnyx', channels: ['sms'], listens: false, credentials, settings, rate: null, groupRecipientsMax: 8,
  load: async () => {
    const { TelnyxSms } = await import('./adapter.js');
    return (connection) => new TelnyxSms(connection);
  },
};
