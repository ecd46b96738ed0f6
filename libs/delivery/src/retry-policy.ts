/** When a failed attempt is tried again, and when it is given up. */
import type { SendError } from '@parley/channel/send-error';

export type RetryPolicy = {
  attemptsMax: number;
  /** Pause after the first failure; doubles up to the maximum, each with up to a half taken off at random. */
  pauseMillis: number;
  pauseMillisMax: number;
  /**
   * A send that was never answered and that the carrier does not know of: `retry` sends once more (the person may get it
   * twice, if the carrier was late), `fail` gives up (the person may get it never).
   */
  unanswered: 'retry' | 'fail';
};

/** Four hours of outage are survived, the delivery's deadline ends it. */
export const usualRetries: RetryPolicy = { attemptsMax: 30, pauseMillis: 1000, pauseMillisMax: 600_000, unanswered: 'retry' };

/** Milliseconds until the next attempt; undefined: no further one. */
export function pauseAfter(
  attempt: number, { outcome, code, retryAfterMillis = 0 }: Pick<SendError, 'outcome' | 'retryAfterMillis'> & Partial<Pick<SendError, 'code'>>, policy: RetryPolicy,
  random: () => number = Math.random,
): number | undefined {
  if (outcome === 'permanent' || attempt >= policy.attemptsMax) return undefined;
  // WhatsApp's rule for one person (channel facts, 2.8): 4^n seconds.
  if (code === 'recipient_rate_limited') return Math.min(1000 * 4 ** Math.min(attempt, 30), policy.pauseMillisMax);
  const pause = Math.min(policy.pauseMillis * 2 ** Math.min(attempt - 1, 30), policy.pauseMillisMax);
  return Math.max(retryAfterMillis, pause * (1 - random() / 2));
}
