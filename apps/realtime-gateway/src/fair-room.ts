/**
 * Room that accounts share, in whatever is counted: never more than `max` of all, half of it of one account. The last quarter is kept
 * for accounts that hold little, so those that take what they can leave something to everybody else.
 */
export class FairRoom {
  private readonly heldBy = new Map<string, number>();
  private heldByAll = 0;

  /** `little`: what an account may hold however full the rest is. */
  constructor(private readonly max: number, private readonly little: number) {}

  get held(): number { return this.heldByAll; }

  /** False: the account has its part, or there is no more; nothing is held. Else `give` it back. */
  take(account: string, count: number): boolean {
    const mine = (this.heldBy.get(account) ?? 0) + count;
    const all = this.heldByAll + count;
    if (all > (mine > this.little ? 0.75 : 1) * this.max || mine > this.max / 2) return false;
    this.set(account, mine, all);
    return true;
  }

  give(account: string, count: number): void { this.set(account, (this.heldBy.get(account) ?? 0) - count, this.heldByAll - count); }

  private set(account: string, mine: number, all: number): void {
    this.heldByAll = all;
    if (mine === 0) this.heldBy.delete(account);
    else this.heldBy.set(account, mine);
  }
}
