/** Sets by key; an empty one is none. */
export class KeyedSets<Value> {
  private readonly sets = new Map<string, Set<Value>>();
  private readonly none: ReadonlySet<Value> = new Set();

  get(key: string): ReadonlySet<Value> { return this.sets.get(key) ?? this.none; }

  get size(): number { return [...this.sets.values()].reduce((sum, set) => sum + set.size, 0); }

  add(key: string, value: Value): void {
    const set = this.sets.get(key);
    if (set) set.add(value);
    else this.sets.set(key, new Set([value]));
  }

  delete(key: string, value: Value): void {
    const set = this.sets.get(key);
    set?.delete(value);
    if (set?.size === 0) this.sets.delete(key);
  }
}
