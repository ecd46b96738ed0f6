/** One read for all who ask for the same at about the same time, begun after the last of them asked: what it finds is no older than any asker's news. */
type Reads<T> = { running: Promise<unknown>; next: Promise<T> | undefined };

export class SharedReads<T> {
  private readonly reads = new Map<string, Reads<T>>();

  /** Rejects as `read` does, to all who share it. */
  read(key: string, read: () => Promise<T>): Promise<T> {
    let reads = this.reads.get(key);
    if (!reads) this.reads.set(key, (reads = { running: Promise.resolve(), next: undefined }));
    return (reads.next ??= this.after(key, reads, read));
  }

  private async after(key: string, reads: Reads<T>, read: () => Promise<T>): Promise<T> {
    await reads.running;
    await new Promise((turn) => setImmediate(turn)); // who asks in the same turn shares it
    reads.next = undefined;
    const running = read();
    reads.running = running.catch(() => {}); // its askers are told
    try {
      return await running;
    } finally {
      if (!reads.next) this.reads.delete(key);
    }
  }
}
