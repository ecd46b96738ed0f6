/** Calls the targets, lane by lane (libs/delivery/lane-pool.ts), and decides what comes of each call. */
import { LanePool, type LaneEnd } from '@parley/delivery/lane-pool';
import type { Accounts } from '@parley/event-store/accounts';
import { logger } from '@parley/telemetry/logger';
import { metrics } from '@parley/telemetry/metrics';
import { callTarget, TargetError, type TargetCall, type TargetAnswer, type TargetOptions } from '@parley/webhooks/target-call';
import { setTimeout as pause } from 'node:timers/promises';
import type { JobPlace } from './job-planner.js';
import type { Claim, JobStore, Settlement } from './job-store.js';

export type DispatcherOptions = {
  store: JobStore;
  accounts: Pick<Accounts, 'find'>;
  target: Pick<TargetOptions, 'privateAllowed' | 'timeoutMillis'>;
  /** Pause after the first failed attempt; after the second it is five times as long. */
  retryMillis: number;
};

export const ATTEMPTS_MAX = 3;
const RETRY_FACTOR = 5;
/** Calls under way for one account, and of those to one host. */
const ACCOUNT_CALLS_MAX = 64;
const HOST_CALLS_MAX = 16;
/** Of an account that is suspended: its webhooks wait. */
const SUSPENDED_MILLIS = 60_000;
const SETTLE_ATTEMPTS = 6;
/** "HTTP retrieval failure" and "Webhook failed to execute successfully due to timeout" (API reference 2.7, 2.8). */
const UNREACHABLE = 11200;
const TIMEOUT = 50076;

const log = logger('webhook-worker');
const ended = metrics.counter('parley_webhook_attempts_total', 'Calls of webhook targets, by how they ended');

type End = Omit<Settlement, 'jobId' | 'attempt'>;

export class Dispatcher {
  private readonly lanes: LanePool<JobPlace>;

  constructor(private readonly options: DispatcherOptions) {
    this.lanes = new LanePool({
      accountMax: ACCOUNT_CALLS_MAX, hostMax: HOST_CALLS_MAX, work: (place) => this.work(place),
      failed: ({ account }, error) => log.warn('lane not worked on, the sweeper brings it again', { account, error }),
    });
  }

  /** Returns at once. */
  wake(place: JobPlace): void {
    this.lanes.wake(place);
  }

  stop(): Promise<void> {
    return this.lanes.stop();
  }

  private async work({ lane }: JobPlace): Promise<LaneEnd> {
    const claim = await this.options.store.claim(lane);
    if (!claim) return { more: false };
    const end = await this.deliver(claim);
    ended.add(1, { state: end.state });
    await this.settle({ ...end, jobId: claim.job_id, attempt: claim.attempt });
    return { more: end.state !== 'queued', againInMillis: end.uncounted ? undefined : end.dueInMillis };
  }

  private async deliver(claim: Claim): Promise<End> {
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
      return this.afterAnswer(claim, await this.call(call));
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      if (error.reason === 'aborted') return { state: 'queued', uncounted: true };
      return this.afterFailure(claim, { errorCode: error.reason === 'timeout' ? TIMEOUT : UNREACHABLE }, error.reason !== 'private', error);
    }
  }

  private call(call: TargetCall): Promise<TargetAnswer> {
    return callTarget(call, { ...this.options.target, signal: this.lanes.signal });
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

  /** Insists for a while: an end that is not stored is a call more. */
  private async settle(settlement: Settlement): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.options.store.settle(settlement);
      } catch (error) {
        if (attempt === SETTLE_ATTEMPTS) throw error;
        await pause(100 * 2 ** attempt);
      }
    }
  }
}
