/** Vonage: SMS and MMS by its Messages API, what comes in by its older SMS API too (docs/channels/sms.md). */
import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';
import type { CarrierDefinition } from '../../carrier-definition.js';
import { smsSettings } from '../../sms/sms-settings.js';

const credentials = z.strictObject({
  apiKey: z.string().min(1).max(64).describe('API key of the account'),
  signatureSecret: z.string().min(1).max(256).describe('Signature secret of the account; webhooks are signed with it'),
  apiSecret: z.string().min(1).max(256).describe('API secret; instead of an application').optional(),
  applicationId: z.uuid().describe('Application that messages are sent by').optional(),
  privateKey: z.string().max(8192).refine(isRsaKey, 'is no private key of RSA in PEM').describe('Private key of the application, PEM').optional(),
}).refine(
  ({ apiSecret, applicationId, privateKey }) => apiSecret !== undefined || (applicationId !== undefined && privateKey !== undefined),
  'either apiSecret, or applicationId and privateKey',
);

/** How the older SMS API signs what it brings; the account's setting. */
export const smsApiSignatures = ['unsigned', 'md5hash', 'md5', 'sha1', 'sha256', 'sha512'] as const;

const settings = z.strictObject({
  ...smsSettings,
  smsApiSignature: z.enum(smsApiSignatures).describe('Take webhooks of the older SMS API, signed like this; without it they are refused').optional(),
});
export type VonageCredentials = z.output<typeof credentials>;
export type VonageSettings = z.output<typeof settings>;

export const vonage: CarrierDefinition<VonageCredentials, VonageSettings> = {
  name: 'vonage', title: 'Vonage', channels: ['sms'], listens: false, credentials, settings, rate: null,
  load: async () => {
    const { VonageSms } = await import('./adapter.js');
    return (connection) => new VonageSms(connection);
  },
};

function isRsaKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}
