import { Backoff } from './backoff.js';

describe('the wait before connecting again', () => {
  it('doubles up to its bound, with jitter', () => {
    const most = new Backoff({ firstMillis: 100, maxMillis: 1_000 }, () => 1);
    expect(Array.from({ length: 6 }, () => most.next())).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    const least = new Backoff({ firstMillis: 100, maxMillis: 1_000 }, () => 0);
    expect([least.next(), least.next()]).toEqual([50, 100]);
  });

  it('is a first one again only after a connection that lived', () => {
    const backoff = new Backoff({ firstMillis: 100 }, () => 1);
    backoff.next(0, 0);
    backoff.connected(1_000);
    expect(backoff.next(0, 2_000)).toBe(200); // thrown out at once
    backoff.connected(3_000);
    expect(backoff.next(0, 20_000)).toBe(100);
  });

  it('is never below what the server asked for', () => expect(new Backoff({ firstMillis: 100 }, () => 1).next(5_000)).toBe(5_100));
});
