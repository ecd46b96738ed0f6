/**
 * Milliseconds of the clock that all processes of a machine share and nobody sets (CLOCK_MONOTONIC): a message may be
 * posted by one process and received by another.
 */
export function monotonicMillis(): number {
  const [seconds, nanos] = process.hrtime();
  return seconds * 1000 + nanos / 1e6;
}
