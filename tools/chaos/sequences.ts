/** How one sequence of unique items differs from another that it should equal. */
export type Difference = {
  /** Expected and not there. */
  missing: string[];
  /** There more than once; each extra occurrence counts. */
  doubled: string[];
  /** Not expected at all. */
  foreign: string[];
  /** Came before something that should have come before it. */
  misplaced: string[];
};

export function compareSequences(expected: readonly string[], actual: readonly string[]): Difference {
  const place = new Map(expected.map((item, i) => [item, i]));
  const seen = new Set<string>();
  const difference: Difference = { missing: [], doubled: [], foreign: [], misplaced: [] };
  let furthest = -1;
  for (const item of actual) {
    const at = place.get(item);
    if (seen.has(item)) difference.doubled.push(item);
    else if (at === undefined) difference.foreign.push(item);
    else if (at < furthest) difference.misplaced.push(item);
    else furthest = at;
    seen.add(item);
  }
  difference.missing = expected.filter((item) => !seen.has(item));
  return difference;
}
