/**
 * Parameters of push Credentials (API reference 1.11; `webpush`, and what APNs needs with a token, are our own: docs/push.md).
 * Secrets are for us alone: no answer, no fact, no log shows one.
 */
import { z } from 'zod';
import { clearable, flag, given, oneOf } from './parameters.js';

const types = ['apn', 'gcm', 'fcm', 'webpush'] as const;
/** A certificate chain has some thousand characters, a service account of FCM about 2,400. */
const secret = z.string().min(1).max(16_384).optional();
/** As Apple gives them: `ABC1234567`, `com.example.chat`. Empty clears. */
const name = z.string().max(155).regex(/^[\w.-]*$/).transform((value) => value || null);
const shared = {
  FriendlyName: clearable(64, 50003).optional(),
  Certificate: secret,
  PrivateKey: secret,
  Sandbox: flag(20001).optional(),
  ApiKey: secret,
  Secret: secret,
  KeyId: name.optional(),
  TeamId: name.optional(),
  Topic: name.optional(),
  Subject: z.string().max(256).refine((value) => /^(mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/.test(value)).meta({ description: 'webpush: `mailto:` or `https:`.' }).optional(),
};
type Shared = z.output<z.ZodObject<typeof shared>> & { Type?: (typeof types)[number] | undefined };

/** Columns of the read model; `secrets` have to be sealed first. What was given for another type waits until the type changes to it. */
export type CredentialChanges = { open: Record<string, string | null>; secrets: Record<string, string> };
const changes = (p: Shared): CredentialChanges => ({
  open: given({
    friendly_name: p.FriendlyName, type: p.Type, sandbox: p.Sandbox === undefined ? undefined : p.Sandbox ? 'True' : 'False',
    key_id: p.KeyId, team_id: p.TeamId, topic: p.Topic, subject: p.Subject,
  }) as Record<string, string | null>,
  secrets: given({ certificate: p.Certificate, private_key: p.PrivateKey, api_key: p.ApiKey, secret: p.Secret }) as Record<string, string>,
});

export const createCredential = z.object({ ...shared, Type: oneOf(types, 20001) }).transform(changes);
export const updateCredential = z.object({ ...shared, Type: oneOf(types, 20001).optional() }).transform(changes);
