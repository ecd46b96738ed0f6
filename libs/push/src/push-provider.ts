/** One push service as push-worker sees it: a notification goes in, or a reason comes out. No database, no NATS, no Nest. */
export type PushKind = 'new_message' | 'added_to_conversation' | 'removed_from_conversation';
export type PushedMedium = { sid: string; filename: string | null; content_type: string; size: number };
/** What clients read besides the text; absent where it does not apply. */
export type PushData = {
  conversation_sid: string;
  /** Friendly name, unique name or SID. */
  conversation_title: string;
  author?: string;
  message_sid?: string;
  message_index?: number;
  media_count?: number;
  media?: PushedMedium[];
};
export type PushNotification = {
  /** UUID, the same for every attempt: where a push service can replace one notification by another, a repetition replaces itself. */
  id: string;
  kind: PushKind;
  text: string;
  sound: string | null;
  /** Conversations with unread messages; APNs only. */
  badge?: number;
  data: PushData;
  /** Milliseconds since 1970; nobody wants it afterwards. */
  expiresAt: number;
};

/** An account's credential with its secrets opened. */
export type OpenCredential = {
  type: 'apn' | 'fcm' | 'gcm' | 'webpush';
  sandbox: boolean;
  /** apn: PEM. */
  certificate?: string | undefined;
  /** apn: PEM, of the certificate or a token's .p8; webpush: 32 bytes as base64url. */
  privateKey?: string | undefined;
  /** fcm, gcm: the service account as JSON. */
  serviceAccount?: string | undefined;
  keyId?: string | undefined;
  teamId?: string | undefined;
  topic?: string | undefined;
  /** webpush: `mailto:` or `https:`, whom the push service may write to. */
  subject?: string | undefined;
};

export abstract class PushProvider {
  /** One attempt. Resolves when the push service took it; throws PushError. */
  abstract send(address: string, notification: PushNotification, signal: AbortSignal): Promise<void>;
  /** Closes what is kept open. */
  abstract close(): void;
}

/** `gone`: the device is not there any more. `later`: it may pass. `never`: nothing changes by trying again. */
export type PushOutcome = 'gone' | 'later' | 'never';

const REASON_CHARS_MAX = 200;

export class PushError extends Error {
  override name = 'PushError';
  /** For people: the push service's own word where it has one. */
  readonly reason: string;
  /** As the push service said it must not be tried before; milliseconds. */
  readonly retryAfterMillis: number | undefined;
  /** Since when the device is gone, milliseconds since 1970, where the push service tells. */
  readonly goneSince: number | undefined;
  /** The push service refuses the whole credential for now, not this notification. */
  readonly everybody: boolean;

  constructor(
    reason: string,
    readonly outcome: PushOutcome,
    { retryAfterMillis, goneSince, everybody = false, cause }: { retryAfterMillis?: number | undefined; goneSince?: number | undefined; everybody?: boolean; cause?: unknown } = {},
  ) {
    super(`push: ${reason}`, { cause });
    this.reason = reason.slice(0, REASON_CHARS_MAX);
    this.retryAfterMillis = retryAfterMillis;
    this.goneSince = goneSince;
    this.everybody = everybody;
  }
}

/** `Retry-After` in milliseconds: seconds or an HTTP date (RFC 9110, 10.2.3). Beyond an hour nobody is believed. */
export function retryAfterMillis(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  const millis = /^\d{1,10}$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(millis) ? undefined : Math.min(Math.max(millis, 0), 3_600_000);
}
