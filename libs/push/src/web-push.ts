/** Web Push (RFC 8030): browsers' own push services, each at the address its subscription names; nothing of ours is readable there. */
import type { HttpAnswer } from '@parley/webhooks/http-exchange';
import { isPrivateTarget } from '@parley/webhooks/target-address';
import { SignJWT } from 'jose';
import type { KeyObject } from 'node:crypto';
import { webPushPayload } from './payload.js';
import { PushError, PushProvider, retryAfterMillis, type OpenCredential, type PushNotification } from './push-provider.js';
import { ownServices, publicServices } from './push-services.js';
import { vapidPublicKey, vapidSigningKey } from './vapid.js';
import { encrypted, type WebPushKeys } from './web-push-encryption.js';

/** A browser's PushSubscription as JSON. */
export type WebPushSubscription = { endpoint: string; keys: WebPushKeys };

/** RFC 8292 allows 24 h; a new one is signed an hour before the end. */
const TOKEN_SECONDS = 43_200;
const RENEW_MILLIS = 3_600_000;
/** Push services are few. */
const ORIGINS_MAX = 200;

export class WebPushProvider extends PushProvider {
  private readonly key: KeyObject;
  private readonly publicKey: string;
  private readonly tokens = new Map<string, { value: Promise<string>; until: number }>();

  /** Throws PushError when the credential holds no VAPID key. `privateAllowed`: subscriptions may lead into our own network. */
  constructor(private readonly credential: OpenCredential, private readonly privateAllowed: boolean) {
    super();
    const key = vapidSigningKey(credential.privateKey ?? '');
    if (!key || !credential.subject) throw new PushError('the credential needs a VAPID PrivateKey and a Subject', 'never');
    this.key = key;
    this.publicKey = vapidPublicKey(credential.privateKey!)!;
  }

  async send(address: string, notification: PushNotification, signal: AbortSignal): Promise<void> {
    const { endpoint, keys } = JSON.parse(address) as WebPushSubscription;
    if (!this.privateAllowed && isPrivateTarget(endpoint)) throw new PushError('the subscription leads into a private network', 'never');
    const url = new URL(endpoint);
    const answer = await this.post(url, notification, bodyFor(keys, notification), signal);
    if (answer.status < 200 || answer.status >= 300) throw webPushError(answer);
  }

  close(): void {}

  private async post(url: URL, { id, expiresAt }: PushNotification, body: Buffer, signal: AbortSignal): Promise<HttpAnswer> {
    const headers = {
      Authorization: `vapid t=${await this.tokenFor(url.origin)}, k=${this.publicKey}`, 'Content-Encoding': 'aes128gcm', 'Content-Type': 'application/octet-stream',
      TTL: String(Math.max(0, Math.round((expiresAt - Date.now()) / 1000))), Urgency: 'high',
      // At most 32 characters; a repetition replaces what still waits for the browser (RFC 8030, 5.4).
      Topic: id.replaceAll('-', ''),
    };
    try {
      return await (this.privateAllowed ? ownServices : publicServices).ask(url, { method: 'POST', headers, body, signal });
    } catch (error) {
      throw new PushError('the push service cannot be reached', 'later', { cause: error });
    }
  }

  private tokenFor(origin: string): Promise<string> {
    const known = this.tokens.get(origin);
    if (known && known.until > Date.now()) return known.value;
    if (this.tokens.size >= ORIGINS_MAX) this.tokens.clear();
    const value = new SignJWT({}).setProtectedHeader({ alg: 'ES256', typ: 'JWT' })
      .setAudience(origin).setSubject(this.credential.subject!).setExpirationTime(`${TOKEN_SECONDS}s`).sign(this.key);
    this.tokens.set(origin, { value, until: Date.now() + TOKEN_SECONDS * 1000 - RENEW_MILLIS });
    return value;
  }
}

function bodyFor(keys: WebPushKeys, notification: PushNotification): Buffer {
  try {
    return encrypted(webPushPayload(notification), keys);
  } catch (error) {
    throw new PushError('the subscription has no usable keys', 'gone', { cause: error });
  }
}

export function webPushError({ status, header }: HttpAnswer): PushError {
  const reason = `HTTP ${status}`;
  const wait = retryAfterMillis(header('retry-after'));
  if (status === 404 || status === 410) return new PushError(reason, 'gone');
  if (status === 429 || status >= 500) return new PushError(reason, 'later', { retryAfterMillis: wait, everybody: wait !== undefined });
  return new PushError(reason, 'never');
}
