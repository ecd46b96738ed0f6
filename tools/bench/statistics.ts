/** Latencies and rounds in figures: percentiles within a round, medians over rounds. Milliseconds throughout. */

export type Percentiles = { count: number; p50: number; p95: number; p99: number; max: number };

/** Collects latencies without an allocation each; exact, nothing is put into buckets. */
export class Latencies {
  private values = new Float64Array(65_536);
  private count = 0;

  add(millis: number): void {
    if (this.count === this.values.length) {
      const larger = new Float64Array(this.values.length * 2);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.count++] = millis;
  }

  percentiles(): Percentiles {
    const sorted = this.values.slice(0, this.count).sort();
    const at = (share: number) => rounded(sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0);
    return { count: this.count, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
  }
}

/** Of an even number of values the mean of the middle two; 0 of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Several rounds as one: every number is the median of that number in all rounds, key by key; what is no number is taken
 * from the first round.
 */
export function medianOf<T>(rounds: readonly T[]): T {
  const [first] = rounds;
  if (typeof first === 'number') return rounded(median(rounds as readonly number[])) as T;
  if (typeof first !== 'object' || first === null || Array.isArray(first)) return first as T;
  const merged: Record<string, unknown> = {};
  for (const key of Object.keys(first)) {
    const values = rounds.map((round) => (round as Record<string, unknown> | undefined)?.[key]).filter((value) => value !== undefined);
    merged[key] = medianOf(values);
  }
  return merged as T;
}

export const rounded = (value: number, digits = 2): number => Number(value.toFixed(digits));
