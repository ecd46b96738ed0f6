/** Calls the targets and decides what comes of each call. */
import type { Accounts } from '@parley/event-store/accounts';
import { logger } from '@parley/telemetry/logger';
import { metrics } from '@parley/telemetry/metrics';
import { callTarget, TargetError, type TargetAnswer, type TargetOptions } from '@parley/webhooks/target-call';
import type { Claim, End } from './job-table.js';

export type DelivererOptions = {
  accounts: Pick<Accounts, 'find'>;
  target: Pick<TargetOptions, 'privateAllowed' | 'timeoutMillis'>;
  /** Pause after the first failed attempt; after the second it is five times as long. */
  retryMillis: number;
};

export const ATTEMPTS_MAX = 3;
const RETRY_FACTOR = 5;
/** Of an account that is suspended: its webhooks wait. */
const SUSPENDED_MILLIS = 60_000;
/** "HTTP retrieval failure" and "Webhook failed to execute successfully due to timeout" (API reference 2.7, 2.8). */
const UNREACHABLE = 11200;
const TIMEOUT = 50076;

const log = logger('webhook-worker');
const ended = metrics.counter('parley_webhook_attempts_total', 'Calls of webhook targets, by how they ended');

export class Deliverer {
  constructor(private readonly options: DelivererOptions) {}

  async deliver(claim: Claim, signal: AbortSignal): Promise<End> {
    const end = await this.attempted(claim, signal);
    ended.add(1, { state: end.state });
    return end;
  }

  private async attempted(claim: Claim, signal: AbortSignal): Promise<End> {
    const { url, method, parameters, attempt, job_key } = claim;
    // Begun three times, and its process never lived to tell how the last one ended.
    if (attempt > ATTEMPTS_MAX) return { state: 'failed', errorCode: UNREACHABLE };
    const account = await this.options.accounts.find(claim.account);
    if (!account || account.status === 'closed') return { state: 'failed' };
    if (account.status === 'suspended') return { state: 'queued', dueInMillis: SUSPENDED_MILLIS, uncounted: true };
    const call = {
      url, method, authToken: account.authToken, parameters: { ...parameters, RetryCount: String(attempt - 1) },
      headers: { 'I-Twilio-Idempotency-Token': job_key },
    };
    try {
      return this.afterAnswer(claim, await callTarget(call, { ...this.options.target, signal }));
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      if (error.reason === 'aborted') return { state: 'queued', uncounted: true };
      return this.afterFailure(claim, { errorCode: error.reason === 'timeout' ? TIMEOUT : UNREACHABLE }, error.reason !== 'private', error);
    }
  }

  private afterAnswer(claim: Claim, { status }: TargetAnswer): End {
    if (status >= 200 && status < 300) return { state: 'delivered', httpStatus: status };
    const mayPass = status >= 500 || status === 429 || status === 408;
    return this.afterFailure(claim, { httpStatus: status, errorCode: UNREACHABLE }, mayPass);
  }

  private afterFailure({ job_id, attempt, account }: Claim, end: Omit<End, 'state'>, mayPass: boolean, error?: unknown): End {
    log.info('webhook not delivered', { job: job_id, account, attempt, status: end.httpStatus, error });
    if (!mayPass || attempt >= ATTEMPTS_MAX) return { ...end, state: 'failed' };
    return { ...end, state: 'queued', dueInMillis: Math.round(this.options.retryMillis * RETRY_FACTOR ** (attempt - 1) * (1 - Math.random() / 4)) };
  }
}
