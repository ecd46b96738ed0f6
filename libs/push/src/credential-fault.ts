/**
 * What is plainly wrong with the secrets of a push credential, found without asking anybody: a key cut short while it was copied
 * would show only when somebody misses a notification. What has no known form, such as server keys of old, is taken as it is.
 */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { serviceAccountOf } from './google-token.js';

/** Columns of the read model. */
export type CredentialSecrets = { certificate?: string; private_key?: string; api_key?: string; secret?: string };

const begins = (text: string | undefined, with_: string): text is string => text !== undefined && text.trimStart().startsWith(with_);

/** The parameter and what is wrong with it; undefined: nothing that shows. `forToken`: the key signs Apple's provider tokens (ES256). */
export function credentialFault({ certificate, private_key, api_key, secret }: CredentialSecrets, forToken = false): string | undefined {
  for (const [name, account] of [['Secret', secret], ['ApiKey', api_key]] as const)
    if (begins(account, '{') && !signs(account)) return `${name} is no service account with project_id, client_email and a private_key that can be read`;
  const key = begins(private_key, '-----') ? keyOf(private_key) : undefined;
  if (key === 'unreadable') return 'PrivateKey is no private key in PEM without a passphrase';
  if (key && forToken && !(key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1')) return 'PrivateKey is not of the kind that signs tokens (P-256)';
  if (!begins(certificate, '-----')) return undefined;
  try {
    const read = new X509Certificate(certificate);
    if (key && !read.checkPrivateKey(key)) return 'PrivateKey is not that of Certificate';
  } catch {
    return 'Certificate is no certificate in PEM';
  }
  return undefined;
}

function keyOf(pem: string): KeyObject | 'unreadable' {
  try {
    return createPrivateKey(pem);
  } catch {
    return 'unreadable';
  }
}

function signs(account: string): boolean {
  try {
    return keyOf(serviceAccountOf(account).privateKey) !== 'unreadable';
  } catch {
    return false;
  }
}
