/**
 * Sends notifications and decides what comes of each attempt. A device that is gone loses its binding; what may pass is tried
 * again, as late as the push service asks; the rest stays where it can be looked at.
 */
import type { RegistryCommands } from '@parley/contracts/commands';
import { DomainError } from '@parley/domain/domain-error';
import type { Accounts } from '@parley/event-store/accounts';
import type { Pool } from '@parley/event-store/database';
import { PushError, type PushNotification } from '@parley/push/push-provider';
import { logger } from '@parley/telemetry/logger';
import { metrics } from '@parley/telemetry/metrics';
import { createHash } from 'node:crypto';
import type { Credentials } from './credentials.js';
import type { Claim, End } from './job-table.js';
import { unreadConversations } from './push-reads.js';

export type DelivererOptions = {
  pool: Pick<Pool, 'query'>;
  credentials: Credentials;
  accounts: Pick<Accounts, 'find'>;
  registry: Pick<RegistryCommands, 'remove'>;
  timeoutMillis: number;
  /** Pause after the first failed attempt; each further one is three times as long, ten minutes at most. */
  retryMillis: number;
};

export const ATTEMPTS_MAX = 8;
const RETRY_FACTOR = 3;
const RETRY_MILLIS_MAX = 600_000;
/** Of an account that is suspended: its notifications wait. */
const SUSPENDED_MILLIS = 60_000;
/** A push service that wants to be left alone and names no time. */
const HOLD_MILLIS = 10_000;

const log = logger('push-worker');
const ended = metrics.counter('parley_push_attempts_total', 'Notifications given to push services, by how the attempt ended');

export class Deliverer {
  constructor(private readonly options: DelivererOptions) {}

  async deliver(claim: Claim, signal: AbortSignal): Promise<End> {
    const end = await this.attempted(claim, signal);
    ended.add(1, { state: end.state, platform: claim.binding_type ?? 'none' });
    return end;
  }

  private async attempted(claim: Claim, signal: AbortSignal): Promise<End> {
    const over = await this.overBefore(claim);
    if (over) return over;
    try {
      const { account, credential, credential_at, address } = claim;
      const provider = await this.options.credentials.provider(account, credential!, credential_at!);
      const limit = AbortSignal.any([AbortSignal.timeout(this.options.timeoutMillis), signal]);
      await provider.send(address!, await this.notification(claim), limit);
      return { state: 'sent' };
    } catch (error) {
      if (signal.aborted) return { state: 'queued', uncounted: true };
      return this.afterFailure(claim, error instanceof PushError ? error : new PushError('something unforeseen', 'later', { cause: error }));
    }
  }

  /** What is not to be sent any more, or not yet. */
  private async overBefore(claim: Claim): Promise<End | undefined> {
    if (claim.address === null) return { state: 'dropped', reason: 'the device is gone' };
    if (!claim.living) return { state: 'dropped', reason: claim.kind === 'new_message' ? 'the message was deleted' : 'the conversation was deleted' };
    if (claim.expired) return { state: 'failed', reason: `too late: ${claim.reason ?? 'never tried'}` };
    // Begun so often, and its process never lived to tell how the last one ended.
    if (claim.attempt > ATTEMPTS_MAX) return { state: 'failed' };
    if (claim.credential_at === null) return { state: 'failed', reason: 'the credential is gone' };
    const account = await this.options.accounts.find(claim.account);
    if (!account || account.status === 'closed') return { state: 'dropped', reason: 'the account is closed' };
    return account.status === 'suspended' ? { state: 'queued', dueInMillis: SUSPENDED_MILLIS, uncounted: true } : undefined;
  }

  private async notification({ job_key, account, service, identity, kind, notification, binding_type, expires_at }: Claim): Promise<PushNotification> {
    const { badge, ...rest } = notification;
    const counted = badge && binding_type === 'apn' ? { badge: await unreadConversations(this.options.pool, account, service, identity) } : {};
    return { ...rest, ...counted, id: uuidOf(job_key), kind, expiresAt: Date.parse(expires_at) };
  }

  private async afterFailure(claim: Claim, error: PushError): Promise<End> {
    const { account, binding, identity, attempt, bound_at } = claim;
    const { reason, outcome } = error;
    log.info('notification not sent', { account, binding, attempt, reason, error: error.cause });
    if (outcome === 'gone' && !(error.goneSince !== undefined && Date.parse(bound_at!) > error.goneSince)) {
      await this.remove(account, binding, { identity, updated_at: bound_at });
      return { state: 'dropped', reason };
    }
    if (outcome !== 'later' || attempt >= ATTEMPTS_MAX) return { state: 'failed', reason };
    const backoff = Math.min(this.options.retryMillis * RETRY_FACTOR ** (attempt - 1), RETRY_MILLIS_MAX) * (1 - Math.random() / 4);
    const dueInMillis = Math.round(Math.max(backoff, error.retryAfterMillis ?? 0));
    return { state: 'queued', reason, dueInMillis, holdMillis: error.everybody ? (error.retryAfterMillis ?? HOLD_MILLIS) : undefined };
  }

  /** Before it is recorded: who dies in between is told once more that it is gone. Who registered again meanwhile stays. */
  private async remove(account: string, binding: string, seen: Record<string, unknown>): Promise<void> {
    await this.options.registry.remove({ account }, 'PushBinding', binding, seen).catch((error: unknown) => {
      if (!(error instanceof DomainError && error.code === 'resource_not_found')) throw error;
    });
  }
}

/** The same for every attempt: version 8, made of a hash (RFC 9562). */
function uuidOf(key: string): string {
  const bytes = createHash('sha256').update(key).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
