/** Firebase Cloud Messaging, HTTP v1 (`messages:send`): what its answers mean. The access token is google-token.ts's business. */
import type { HttpAnswer } from '@parley/webhooks/http-exchange';
import { GoogleToken, type ServiceAccount } from './google-token.js';
import { fcmData } from './payload.js';
import { PushError, PushProvider, retryAfterMillis, type PushNotification } from './push-provider.js';
import { ownServices } from './push-services.js';

export type FcmAddresses = { fcmUrl: string; tokenUrl: string };

/** FCM asks for a minute when it names no time (its documentation of 429). */
const QUOTA_MILLIS = 60_000;

type FcmFault = { error?: { status?: string; message?: string; details?: { '@type'?: string; errorCode?: string; fieldViolations?: { field?: string }[] }[] } };

export class FcmProvider extends PushProvider {
  private readonly token: GoogleToken;
  private readonly url: URL;

  constructor(account: ServiceAccount, { fcmUrl, tokenUrl }: FcmAddresses) {
    super();
    this.token = new GoogleToken(account, tokenUrl);
    this.url = new URL(`${fcmUrl}/v1/projects/${encodeURIComponent(account.projectId)}/messages:send`);
  }

  async send(address: string, notification: PushNotification, signal: AbortSignal): Promise<void> {
    const body = JSON.stringify({ message: fcmMessage(address, notification) });
    let token = await this.token.current(signal);
    let answer = await this.post(token, body, signal);
    if (answer.status === 401) {
      this.token.drop(token); // revoked before its time
      token = await this.token.current(signal);
      answer = await this.post(token, body, signal);
    }
    if (answer.status !== 200) throw fcmError(answer);
  }

  close(): void {}

  private async post(token: string, body: string, signal: AbortSignal): Promise<HttpAnswer> {
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
    try {
      return await ownServices.ask(this.url, { method: 'POST', headers, body, signal });
    } catch (error) {
      throw new PushError('FCM cannot be reached', 'later', { cause: error });
    }
  }
}

/** No collapse key: FCM keeps four of them per device, then drops messages. */
export function fcmMessage(token: string, notification: PushNotification): object {
  const seconds = Math.max(0, Math.round((notification.expiresAt - Date.now()) / 1000));
  return {
    token, data: fcmData(notification), android: { priority: 'HIGH', ttl: `${seconds}s` },
    webpush: { headers: { TTL: String(seconds), Urgency: 'high' } },
  };
}

export function fcmError({ status, body, header }: HttpAnswer): PushError {
  const { error } = faultIn(body);
  const said = error?.details?.find((detail) => String(detail['@type']).includes('google.firebase.fcm'))?.errorCode;
  const code = said ?? error?.details?.find(({ errorCode }) => errorCode)?.errorCode ?? error?.status ?? `HTTP ${status}`;
  const wait = retryAfterMillis(header('retry-after'));
  // A 404 that says no more is about the project, or some proxy's: the devices live.
  if (said === 'UNREGISTERED') return new PushError(code, 'gone');
  // Only when it is the token that FCM finds invalid: a payload of ours it dislikes is no fault of the device.
  const ofToken = error?.details?.some(({ fieldViolations }) => fieldViolations?.some(({ field }) => field === 'message.token'));
  if (status === 400) return ofToken ? new PushError('INVALID_ARGUMENT: token', 'gone') : new PushError(code, 'never');
  if (status === 429) return new PushError(code, 'later', { retryAfterMillis: wait ?? QUOTA_MILLIS, everybody: true });
  if (status >= 500) return new PushError(code, 'later', { retryAfterMillis: wait, everybody: wait !== undefined });
  return new PushError(code, 'never');
}

function faultIn(body: string): FcmFault {
  try {
    const fault = JSON.parse(body) as FcmFault | null;
    return typeof fault === 'object' && fault !== null ? fault : {};
  } catch {
    return {};
  }
}
