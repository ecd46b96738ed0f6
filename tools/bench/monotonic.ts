/**
 * Milliseconds of the clock that all processes of a machine share and nobody sets (CLOCK_MONOTONIC): a message may be
 * posted by one process and received by another.
 */
export const monotonicMillis = (): number => performance.now() + origin;

// performance.now() reads the same clock, counted from the start of the process, and is the cheapest way to it.
const origin = Number(process.hrtime.bigint()) / 1e6 - performance.now();
