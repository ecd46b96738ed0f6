/**
 * Work that may hang, so many pieces at once: each account and each host has a share of the places, and a place that gets free
 * is taken again at once. Nobody waits for the slowest, and nobody fills the pool alone.
 */
export type Shares = { all: number; account: number; host: number };
/** Free places: of all, and of those accounts and hosts that have any taken. */
export type Open = { all: number; accounts: Record<string, number>; hosts: Record<string, number> };

export class FairPool<Piece extends { account: string; host: string }> {
  private readonly working = new Map<Piece, Promise<void>>();
  private filling: Promise<number> = Promise.resolve(0);
  private stopped = false;

  constructor(
    private readonly shares: Shares,
    /** No more than there are places for. */
    private readonly take: (open: Open) => Promise<Piece[]>,
    /** Does not throw. */
    private readonly work: (piece: Piece) => Promise<void>,
  ) {}

  /** Begins what there is room for; how many pieces that were. */
  fill(): Promise<number> {
    return (this.filling = this.filling.catch(() => 0).then(() => this.begin()));
  }

  /** Until there is nothing left to take, all is done, and nobody who ended just now asks for more. */
  async drain(): Promise<void> {
    while (!this.stopped) {
      const filling = this.fill();
      const begun = await filling;
      if (this.working.size > 0) await Promise.race(this.working.values());
      else if (begun === 0 && this.filling === filling) return;
    }
  }

  /** Begins nothing more; resolves when all is done. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.filling.catch(() => 0);
    await Promise.all(this.working.values());
  }

  private async begin(): Promise<number> {
    const open = this.open();
    if (this.stopped || open.all <= 0) return 0;
    const pieces = await this.take(open);
    for (const piece of pieces)
      this.working.set(piece, this.work(piece).finally(() => {
        this.working.delete(piece);
        if (!this.stopped) this.fill().catch(() => {}); // what fails here is tried again by whoever fills in turn
      }));
    return pieces.length;
  }

  private open(): Open {
    const { shares, working } = this;
    const open: Open = { all: shares.all - working.size, accounts: {}, hosts: {} };
    for (const { account, host } of working.keys()) {
      open.accounts[account] = (open.accounts[account] ?? shares.account) - 1;
      open.hosts[host] = (open.hosts[host] ?? shares.host) - 1;
    }
    return open;
  }
}
