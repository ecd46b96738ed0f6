import { pauseAfter, usualRetries } from './retry-policy.js';

const failed = (attempt: number, error: { outcome?: 'retryable' | 'permanent'; retryAfterMillis?: number } = {}, random = 0) =>
  pauseAfter(attempt, { outcome: 'retryable', retryAfterMillis: undefined, ...error }, usualRetries, () => random);

describe('pauseAfter', () => {
  it('doubles up to a maximum', () => {
    expect([1, 2, 3, 10, 29].map((attempt) => failed(attempt))).toEqual([1000, 2000, 4000, 512_000, 600_000]);
  });
  it('takes up to a half off, so that what failed together does not come back together', () => {
    expect(failed(1, {}, 0.999)).toBeCloseTo(500, -1);
  });
  it('is at least what the carrier asked for', () => {
    expect(failed(1, { retryAfterMillis: 7000 })).toBe(7000);
  });
  it('for one person who got too much grows fourfold', () => {
    const pauses = [1, 2, 3, 9].map((attempt) => pauseAfter(attempt, { outcome: 'retryable', code: 'recipient_rate_limited', retryAfterMillis: 4000 }, usualRetries));
    expect(pauses).toEqual([4_000, 16_000, 64_000, 600_000]);
  });
  it('ends with the last attempt, and at once when there is no hope', () => {
    expect(failed(30)).toBeUndefined();
    expect(failed(1, { outcome: 'permanent' })).toBeUndefined();
  });
});
