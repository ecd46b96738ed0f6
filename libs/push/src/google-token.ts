/** Access tokens of a Google service account (RFC 7523: a JWT it signed, exchanged for a bearer token), fetched once for all who wait. */
import { importPKCS8, SignJWT } from 'jose';
import { PushError, retryAfterMillis } from './push-provider.js';
import { ownServices } from './push-services.js';

export type ServiceAccount = { projectId: string; clientEmail: string; privateKey: string };

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
/** Renewed that long before its end, so that none ends on the way. */
const RENEW_MILLIS = 300_000;
const ASSERTION_SECONDS = 3600;
const PATIENCE_MILLIS = 10_000;
/** A service account that was refused is not asked for again so soon, however many devices wait. */
const REFUSED_MILLIS = 30_000;

/** Throws PushError when it is none. Its `token_uri` is not used: whoever writes it would choose where we call. */
export function serviceAccountOf(text: string): ServiceAccount {
  try {
    const { project_id: projectId, client_email: clientEmail, private_key: privateKey } = JSON.parse(text) as Record<string, unknown>;
    if (typeof projectId === 'string' && typeof clientEmail === 'string' && typeof privateKey === 'string') return { projectId, clientEmail, privateKey };
  } catch {
    // Told below.
  }
  throw new PushError('the credential holds no service account (FCM ended server keys in 2024: Secret is the JSON of a service account)', 'never');
}

export class GoogleToken {
  private token: { value: string; until: number } | undefined;
  private fetching: Promise<string> | undefined;
  private refused: { error: PushError; until: number } | undefined;

  constructor(private readonly account: ServiceAccount, private readonly tokenUrl: string) {}

  /** Throws PushError. What one attempt's signal ends, others do not lose: the fetch has a patience of its own. */
  current(signal: AbortSignal): Promise<string> {
    if (this.token && this.token.until > Date.now()) return Promise.resolve(this.token.value);
    if (this.refused && this.refused.until > Date.now()) return Promise.reject(this.refused.error);
    this.fetching ??= this.fetch().catch((error: unknown) => this.refuse(error)).finally(() => (this.fetching = undefined));
    const { promise, reject } = Promise.withResolvers<never>();
    const cut = () => reject(new PushError('given up while waiting for an access token', 'later'));
    signal.addEventListener('abort', cut, { once: true });
    return Promise.race([this.fetching, promise]).finally(() => signal.removeEventListener('abort', cut));
  }

  /** Unless another has taken its place. */
  drop(token: string): void {
    if (this.token?.value === token) this.token = undefined;
  }

  private refuse(error: unknown): never {
    if (error instanceof PushError && error.outcome === 'never') this.refused = { error, until: Date.now() + REFUSED_MILLIS };
    throw error;
  }

  private async fetch(): Promise<string> {
    const form = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: await this.assertion() });
    const answer = await ownServices.ask(new URL(this.tokenUrl), {
      method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: form.toString(), signal: AbortSignal.timeout(PATIENCE_MILLIS),
    }).catch((error: unknown) => { throw new PushError('the token service cannot be reached', 'later', { everybody: true, cause: error }); });
    if (answer.status !== 200) {
      const passing = answer.status === 429 || answer.status >= 500;
      const reason = `no access token: ${/"error"\s*:\s*"([\w-]{1,60})"/.exec(answer.body)?.[1] ?? `HTTP ${answer.status}`}`;
      throw new PushError(reason, passing ? 'later' : 'never', { everybody: passing, retryAfterMillis: retryAfterMillis(answer.header('retry-after')) });
    }
    const { access_token: value, expires_in: seconds } = grantIn(answer.body);
    this.token = { value, until: Date.now() + seconds * 1000 - RENEW_MILLIS };
    return value;
  }

  private async assertion(): Promise<string> {
    const key = await importPKCS8(this.account.privateKey, 'RS256').catch((error: unknown) => {
      throw new PushError('the private key of the service account is none', 'never', { cause: error });
    });
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ scope: SCOPE }).setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuer(this.account.clientEmail).setAudience(this.tokenUrl).setIssuedAt(now).setExpirationTime(now + ASSERTION_SECONDS).sign(key);
  }
}

function grantIn(body: string): { access_token: string; expires_in: number } {
  try {
    const grant = JSON.parse(body) as { access_token?: unknown; expires_in?: unknown };
    if (typeof grant.access_token === 'string' && typeof grant.expires_in === 'number') return grant as ReturnType<typeof grantIn>;
  } catch {
    // Told below.
  }
  throw new PushError('the token service answered something else', 'later', { everybody: true });
}
