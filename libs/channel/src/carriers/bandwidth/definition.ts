/** Bandwidth Messaging v2: SMS and MMS in North America (docs/channels/sms.md). */
import { z } from 'zod';
import type { CarrierDefinition } from '../../carrier-definition.js';
import { smsSettings } from '../../sms/sms-settings.js';

const credentials = z.strictObject({
  accountId: z.string().regex(/^\d{1,20}$/).describe('Account ID'),
  username: z.string().min(1).max(256).describe('API user'),
  password: z.string().min(1).max(256).describe('Password of the API user'),
  callbackUsername: z.string().min(1).max(256).describe('User of the application\'s callbacks: nothing else tells them from anybody\'s'),
  callbackPassword: z.string().min(1).max(256).describe('Password of the application\'s callbacks'),
});
const settings = z.strictObject({
  ...smsSettings,
  applicationId: z.uuid().describe('Messaging application that the numbers belong to'),
});
export type BandwidthCredentials = z.output<typeof credentials>;
export type BandwidthSettings = z.output<typeof settings>;

export const bandwidth: CarrierDefinition<BandwidthCredentials, BandwidthSettings> = {
  name: 'bandwidth', title: 'Bandwidth', channels: ['sms'], listens: false, credentials, settings, rate: null, groupRecipientsMax: 9,
  load: async () => {
    const { BandwidthSms } = await import('./adapter.js');
    return (connection) => new BandwidthSms(connection);
  },
};
