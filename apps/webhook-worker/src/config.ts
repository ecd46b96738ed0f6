/** Settings of the webhooks alone, beside those every service shares. */
import { integer } from '@parley/runtime/config';
import { privateTargetsAllowed } from '@parley/webhooks/target-address';

export type WebhookConfig = { retryMillis: number; sweepMillis: number; timeoutMillis: number; privateAllowed: boolean };

export const webhookConfig = (env: NodeJS.ProcessEnv = process.env): WebhookConfig => ({
  retryMillis: integer(env, 'WEBHOOK_RETRY_MILLIS', 1000, 1, 600_000),
  sweepMillis: integer(env, 'WEBHOOK_SWEEP_MILLIS', 500, 10, 60_000),
  timeoutMillis: integer(env, 'WEBHOOK_TIMEOUT_MILLIS', 5_000, 10, 10_000),
  privateAllowed: privateTargetsAllowed(env),
});
