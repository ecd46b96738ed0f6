/** Parameters of push Credentials (API reference 1.11). Secrets are for us alone: no answer, no fact, no log shows one. */
import { z } from 'zod';
import { clearable, flag, given, oneOf } from './parameters.js';

const types = ['apn', 'gcm', 'fcm'] as const;
/** A certificate chain has some thousand characters, a service account of FCM about 2,400. */
const secret = z.string().min(1).max(16_384).optional();
const shared = {
  FriendlyName: clearable(64, 50003).optional(),
  Certificate: secret,
  PrivateKey: secret,
  Sandbox: flag(20001).optional(),
  ApiKey: secret,
  Secret: secret,
};
type Shared = z.output<z.ZodObject<typeof shared>> & { Type?: (typeof types)[number] | undefined };

/** What was given for another type waits until the type changes to it. */
const changes = (p: Shared) => ({
  open: given({
    friendly_name: p.FriendlyName, type: p.Type, sandbox: p.Sandbox === undefined ? undefined : p.Sandbox ? 'True' : 'False',
  }),
  secrets: given({ certificate: p.Certificate, private_key: p.PrivateKey, api_key: p.ApiKey, secret: p.Secret }),
});

/** `open` and `secrets` are columns of the read model; the latter have to be sealed. */
export const createCredential = z.object({ ...shared, Type: oneOf(types, 20001) }).transform(changes);
export const updateCredential = z.object({ ...shared, Type: oneOf(types, 20001).optional() }).transform(changes);
export type CredentialChanges = z.output<typeof updateCredential>;
