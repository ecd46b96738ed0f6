/** Settings of push notifications alone, beside those every service shares (docs/push.md). */
import type { PushAddresses } from '@parley/push/providers';
import { ConfigError, integer } from '@parley/runtime/config';
import { privateTargetsAllowed } from '@parley/webhooks/target-address';

export type PushConfig = {
  /** Pause after the first failed attempt; each further one is three times as long. */
  retryMillis: number;
  sweepMillis: number;
  timeoutMillis: number;
  /** Nobody wants a notification that is older. */
  lifetimeSeconds: number;
  /** A device that was not heard of for so long is forgotten. */
  deviceDays: number;
  addresses: PushAddresses;
};

export const pushConfig = (env: NodeJS.ProcessEnv = process.env): PushConfig => ({
  retryMillis: integer(env, 'PUSH_RETRY_MILLIS', 5_000, 1, 600_000),
  sweepMillis: integer(env, 'PUSH_SWEEP_MILLIS', 1_000, 10, 60_000),
  timeoutMillis: integer(env, 'PUSH_TIMEOUT_MILLIS', 10_000, 10, 10_000),
  lifetimeSeconds: integer(env, 'PUSH_LIFETIME_SECONDS', 86_400, 1, 2_419_200),
  deviceDays: integer(env, 'PUSH_DEVICE_DAYS', 270, 1, 3_650),
  addresses: {
    fcmUrl: url(env, 'PUSH_FCM_URL', 'https://fcm.googleapis.com'),
    tokenUrl: url(env, 'PUSH_FCM_TOKEN_URL', 'https://oauth2.googleapis.com/token'),
    apnsUrl: url(env, 'PUSH_APNS_URL', 'https://api.push.apple.com'),
    apnsSandboxUrl: url(env, 'PUSH_APNS_SANDBOX_URL', 'https://api.sandbox.push.apple.com'),
    privateAllowed: privateTargetsAllowed(env),
  },
});

/** Without a slash at the end. */
function url(env: NodeJS.ProcessEnv, name: string, usual: string): string {
  const text = env[name] || usual;
  if (!URL.canParse(text)) throw new ConfigError(`${name}=${text} is no URL`);
  return text.replace(/\/+$/, '');
}
