/** Apple's push service over HTTP/2, with a provider token (.p8) or with a certificate: what is sent, and what its answers mean. */
import { importPKCS8, SignJWT } from 'jose';
import { ApnsConnection, type ApnsAnswer } from './apns-connection.js';
import { apnsPayload } from './payload.js';
import { PushError, PushProvider, retryAfterMillis, type OpenCredential, type PushNotification } from './push-provider.js';

/** `ca`: whom to trust, for a server that is not Apple's. */
export type ApnsAddresses = { apnsUrl: string; apnsSandboxUrl: string; apnsCa?: string };

/** Apple refuses tokens older than an hour, and ones renewed more often than every twenty minutes. */
const TOKEN_MILLIS = 2_400_000;
/** Shown at once, waking the screen. */
const IMMEDIATELY = '10';

export class ApnsProvider extends PushProvider {
  private readonly connection: ApnsConnection;
  private token: { value: Promise<string>; until: number } | undefined;

  /** Throws PushError when the credential has neither form. */
  constructor(private readonly credential: OpenCredential, { apnsUrl, apnsSandboxUrl, apnsCa }: ApnsAddresses) {
    super();
    const { certificate, privateKey, keyId, teamId, topic, sandbox } = credential;
    if (!privateKey || (!certificate && !(keyId && teamId && topic)))
      throw new PushError('the credential needs a PrivateKey, and a Certificate or KeyId, TeamId and Topic', 'never');
    this.connection = new ApnsConnection(sandbox ? apnsSandboxUrl : apnsUrl, { ...(certificate && { cert: certificate, key: privateKey }), ...(apnsCa && { ca: apnsCa }) });
  }

  async send(address: string, notification: PushNotification, signal: AbortSignal): Promise<void> {
    const token = this.providerToken();
    let answer = await this.request(address, notification, signal, token);
    if (answer.status === 403 && reasonIn(answer) === 'ExpiredProviderToken') {
      // Our clock is wrong, or it waited long; another may have taken its place.
      if (this.token === token) this.token = undefined;
      answer = await this.request(address, notification, signal);
    }
    if (answer.status !== 200) throw apnsError(answer);
  }

  close(): void {
    this.connection.close();
  }

  private async request(address: string, { id, expiresAt, ...notification }: PushNotification, signal: AbortSignal, token = this.providerToken()): Promise<ApnsAnswer> {
    const { topic } = this.credential;
    return this.connection.post(`/3/device/${encodeURIComponent(address)}`, {
      ...(token && { authorization: `bearer ${await token.value}` }), ...(topic && { 'apns-topic': topic }),
      'apns-push-type': 'alert', 'apns-priority': IMMEDIATELY, 'apns-expiration': String(Math.floor(expiresAt / 1000)), 'apns-id': id,
      // A repetition after an answer that got lost replaces what is shown already.
      'apns-collapse-id': id,
    }, apnsPayload({ id, expiresAt, ...notification }), signal);
  }

  /** None where a certificate says who we are. */
  private providerToken(): ApnsProvider['token'] {
    if (this.credential.certificate) return undefined;
    if (!this.token || this.token.until < Date.now()) this.token = { value: this.signed(), until: Date.now() + TOKEN_MILLIS };
    return this.token;
  }

  private async signed(): Promise<string> {
    const { privateKey, keyId, teamId } = this.credential;
    const key = await importPKCS8(privateKey!, 'ES256').catch((error: unknown) => {
      throw new PushError('the PrivateKey is no .p8 of Apple (PEM, EC P-256)', 'never', { cause: error });
    });
    return new SignJWT({}).setProtectedHeader({ alg: 'ES256', kid: keyId! }).setIssuer(teamId!).setIssuedAt().sign(key);
  }
}

export function apnsError(answer: ApnsAnswer): PushError {
  const { status, retryAfter } = answer;
  const reason = reasonIn(answer) ?? `HTTP ${status}`;
  const wait = retryAfterMillis(retryAfter);
  if (status === 410) return new PushError(reason, 'gone', { goneSince: goneSinceIn(answer) });
  if (reason === 'BadDeviceToken') return new PushError(reason, 'gone');
  // TooManyRequests is about one device, the others are not held up by it.
  if (status === 429) return new PushError(reason, 'later', { retryAfterMillis: wait, everybody: reason === 'TooManyProviderTokenUpdates' });
  if (status >= 500) return new PushError(reason, 'later', { retryAfterMillis: wait, everybody: wait !== undefined });
  return new PushError(reason, 'never');
}

function bodyOf({ body }: ApnsAnswer): { reason?: unknown; timestamp?: unknown } {
  try {
    return (JSON.parse(body) as object | null) ?? {};
  } catch {
    return {};
  }
}
function reasonIn(answer: ApnsAnswer): string | undefined {
  const { reason } = bodyOf(answer);
  return typeof reason === 'string' ? reason.slice(0, 100) : undefined;
}
function goneSinceIn(answer: ApnsAnswer): number | undefined {
  const { timestamp } = bodyOf(answer);
  return typeof timestamp === 'number' ? timestamp : undefined;
}
