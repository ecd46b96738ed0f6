/** Plivo: SMS and MMS (docs/channels/sms.md). */
import { z } from 'zod';
import type { CarrierDefinition } from '../../carrier-definition.js';
import { smsSettings } from '../../sms/sms-settings.js';

const credentials = z.strictObject({
  authId: z.string().regex(/^[A-Z0-9]{20}$/).describe('Auth ID of the account or subaccount'),
  authToken: z.string().min(1).max(256).describe('Auth token; webhooks are signed with it'),
});
const settings = z.strictObject({
  ...smsSettings,
  powerpackUuid: z.uuid().describe('Powerpack that chooses the number a message is sent from').optional(),
});
export type PlivoCredentials = z.output<typeof credentials>;
export type PlivoSettings = z.output<typeof settings>;

export const plivo: CarrierDefinition<PlivoCredentials, PlivoSettings> = {
  name: 'plivo', title: 'Plivo', channels: ['sms'], listens: false, credentials, settings, rate: null,
  load: async () => {
    const { PlivoSms } = await import('./adapter.js');
    return (connection) => new PlivoSms(connection);
  },
};
