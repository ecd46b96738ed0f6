/** Turns for few at once over all groups and fewer of each: whoever has to wait waits behind its own group, and the groups take turns. */
type Group = { running: number; waiting: Set<() => void> };

export class FairTurns {
  /** Those who have or want turns; who was given one last stands last. */
  private readonly groups = new Map<string, Group>();
  private running = 0;

  constructor(private readonly max: number, private readonly perGroup: number) {}

  /** In its group's turn: at once when nobody is in the way. Rejects as the task does. */
  async run<T>(name: string, task: () => Promise<T>): Promise<T> {
    if (!this.begins(name)) await this.turn(name);
    try {
      return await task();
    } finally {
      this.leave(name);
    }
  }

  /** True: it is the group's turn, until it leaves. False: aborted before that. */
  async enter(name: string, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    return this.begins(name) || this.turn(name, signal);
  }

  /** Once for each turn. */
  leave(name: string): void {
    const left = this.groups.get(name)!;
    this.running -= 1;
    left.running -= 1;
    this.forget(name, left);
    for (const [next, group] of this.groups) {
      const [go] = group.waiting;
      if (!go || group.running >= this.perGroup) continue;
      group.waiting.delete(go);
      this.take(group);
      this.groups.delete(next);
      this.groups.set(next, group);
      return go();
    }
  }

  private begins(name: string): boolean {
    const group = this.groups.get(name) ?? { running: 0, waiting: new Set() };
    this.groups.set(name, group);
    if (this.running >= this.max || group.running >= this.perGroup) return false;
    this.take(group);
    return true;
  }

  private turn(name: string, signal?: AbortSignal): Promise<boolean> {
    const group = this.groups.get(name)!;
    return new Promise((resolve) => {
      const go = () => {
        signal?.removeEventListener('abort', giveUp);
        resolve(true);
      };
      const giveUp = () => {
        group.waiting.delete(go);
        this.forget(name, group);
        resolve(false);
      };
      group.waiting.add(go);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  private take(group: Group): void {
    this.running += 1;
    group.running += 1;
  }

  private forget(name: string, { running, waiting }: Group): void {
    if (running === 0 && waiting.size === 0) this.groups.delete(name);
  }
}
