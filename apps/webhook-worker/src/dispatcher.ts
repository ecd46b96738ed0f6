/**
 * Calls the targets, lane by lane. The table decides what there really is to do, so being woken twice, too early or never
 * does no harm. Every account has a number of calls of its own, and every host some of those: a target that hangs holds up its
 * own lanes, never another account's.
 */
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
/** Lanes of one account to one host waiting in memory; the sweeper brings the others again. */
const WAITING_MAX = 1000;
/** Lanes whose next attempt this process remembers; of more, the sweeper does, which may have to walk past all that waits. */
const LATER_MAX = 10_000;
/** Of an account that is suspended: its webhooks wait. */
const SUSPENDED_MILLIS = 60_000;
const SETTLE_ATTEMPTS = 6;
const STOP_MILLIS = 5_000;
/** "HTTP retrieval failure" and "Webhook failed to execute successfully due to timeout" (API reference 2.7, 2.8). */
const UNREACHABLE = 11200;
const TIMEOUT = 50076;

const log = logger('webhook-worker');
const ended = metrics.counter('parley_webhook_attempts_total', 'Calls of webhook targets, by how they ended');

type HostQueue = { waiting: Map<string, JobPlace>; calls: number };
type End = Omit<Settlement, 'jobId' | 'attempt'>;

export class Dispatcher {
  /** By account, then by host. */
  private readonly queues = new Map<string, { hosts: Map<string, HostQueue>; calls: number }>();
  /** Lanes at work; true: woken meanwhile, so look again. */
  private readonly active = new Map<string, boolean>();
  private readonly later = new Set<NodeJS.Timeout>();
  private readonly stopping = new AbortController();
  private stopped = false;

  constructor(private readonly options: DispatcherOptions) {}

  /** Returns at once: the lane is looked at as soon as its account and host may. */
  wake(place: JobPlace): void {
    if (this.active.has(place.lane)) return void this.active.set(place.lane, true);
    this.enqueue(place);
    this.advance(place.account);
  }

  /** Begins nothing new, gives calls under way a moment, then cuts them off: those are tried again by whoever comes next. */
  async stop(): Promise<void> {
    this.stopped = true;
    for (const timer of this.later) clearTimeout(timer);
    const patience = setTimeout(() => this.stopping.abort(), STOP_MILLIS);
    while (this.active.size > 0) await pause(10);
    clearTimeout(patience);
  }

  private enqueue(place: JobPlace): void {
    let queue = this.queues.get(place.account);
    if (!queue) this.queues.set(place.account, (queue = { hosts: new Map(), calls: 0 }));
    let host = queue.hosts.get(place.host);
    if (!host) queue.hosts.set(place.host, (host = { waiting: new Map(), calls: 0 }));
    if (host.waiting.size < WAITING_MAX) host.waiting.set(place.lane, place);
  }

  private advance(account: string): void {
    const queue = this.queues.get(account);
    if (!queue) return;
    for (const [name, host] of queue.hosts) {
      for (const [lane, place] of host.waiting) {
        if (this.stopped || queue.calls >= ACCOUNT_CALLS_MAX) return;
        if (host.calls >= HOST_CALLS_MAX) break;
        host.waiting.delete(lane);
        queue.calls++;
        host.calls++;
        void this.work(place).finally(() => {
          queue.calls--;
          host.calls--;
          this.advance(account);
        });
      }
      if (host.calls === 0 && host.waiting.size === 0) queue.hosts.delete(name);
    }
    if (queue.hosts.size === 0) this.queues.delete(account);
  }

  /** One job; a lane with more goes to the end of its account's line. */
  private async work(place: JobPlace): Promise<void> {
    this.active.set(place.lane, false);
    let more = false;
    try {
      const claim = await this.options.store.claim(place.lane);
      if (claim) {
        const end = await this.deliver(claim);
        ended.add(1, { state: end.state });
        await this.settle({ ...end, jobId: claim.job_id, attempt: claim.attempt });
        more = end.state !== 'queued';
        if (end.dueInMillis !== undefined && !end.uncounted) this.wakeIn(end.dueInMillis, place);
      }
    } catch (error) {
      log.warn('lane not worked on, the sweeper brings it again', { account: place.account, error });
    }
    const again = this.active.get(place.lane)! || more;
    this.active.delete(place.lane);
    if (again) this.enqueue(place);
  }

  private wakeIn(millis: number, place: JobPlace): void {
    if (this.stopped || this.later.size >= LATER_MAX) return;
    const timer = setTimeout(() => {
      this.later.delete(timer);
      this.wake(place);
    }, millis);
    this.later.add(timer);
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
    return callTarget(call, { ...this.options.target, signal: this.stopping.signal });
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
