/** The provider that a credential is for, at the addresses of this installation. */
import { ApnsProvider, type ApnsAddresses } from './apns.js';
import { FcmProvider, type FcmAddresses } from './fcm.js';
import { serviceAccountOf } from './google-token.js';
import type { OpenCredential, PushProvider } from './push-provider.js';
import { WebPushProvider } from './web-push.js';

export type PushAddresses = ApnsAddresses & FcmAddresses & { privateAllowed: boolean };

/** Throws PushError when the credential cannot work. */
export function providerFor(credential: OpenCredential, addresses: PushAddresses): PushProvider {
  switch (credential.type) {
    case 'apn': return new ApnsProvider(credential, addresses);
    case 'webpush': return new WebPushProvider(credential, addresses.privateAllowed);
    case 'fcm':
    case 'gcm': return new FcmProvider(serviceAccountOf(credential.serviceAccount ?? ''), addresses);
  }
}
