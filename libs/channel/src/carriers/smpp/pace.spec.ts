import { Pace } from './pace.js';

describe('the pace of submits', () => {
  let now = 0;
  const signal = AbortSignal.timeout(60_000);
  const pace = (most?: number) => {
    now = 1_000_000;
    return new Pace(most, () => now);
  };
  const takes = async (some: Pace, count: number) => {
    for (let i = 0; i < count; i++) await some.turn(signal);
  };

  it('is unlimited until the message centre complains; then half of what it took', async () => {
    const some = pace();
    await takes(some, 1000);
    for (let i = 0; i < 40; i++) some.accepted();
    some.throttled(1_000);
    expect(some.perSecond).toBe(20);
    // A whole window of refusals is one complaint.
    some.throttled(1_000);
    expect(some.perSecond).toBe(20);
  });
  it('pauses as long as asked, and says when to come again instead of holding for long', async () => {
    const some = pace(100);
    some.throttled(3_000);
    await expect(some.turn(signal)).rejects.toMatchObject({ code: 'rate_limited', outcome: 'retryable', retryAfterMillis: 3_000 });
  });
  it('recovers slowly, up to what was configured', () => {
    const some = pace(100);
    some.throttled(1_000);
    const after = async (millis: number) => {
      now += millis;
      await some.turn(signal);
      return some.perSecond;
    };
    return (async () => {
      expect(await after(1_000)).toBe(50);
      expect(await after(1_000)).toBeCloseTo(52.5);
      expect(await after(60_000)).toBe(100);
    })();
  });
  it('forgets a limit that nobody configured once twice the old rate is reached', async () => {
    const some = pace();
    for (let i = 0; i < 40; i++) some.accepted();
    some.throttled(1_000);
    now += 60_000;
    await some.turn(signal);
    expect(some.perSecond).toBe(Infinity);
  });
  it('keeps a configured rate', async () => {
    const some = pace(1000);
    const began = performance.now();
    const real = new Pace(200);
    for (let i = 0; i < 41; i++) await real.turn(signal);
    expect(performance.now() - began).toBeGreaterThan(120);
    expect(some.perSecond).toBe(1000);
  });
});
