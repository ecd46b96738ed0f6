/**
 * Keeps requests going over a number of connections: as fast as the answers come, or at a pace. Paced requests count from
 * the time they were due, so a server that stalls cannot hide it by slowing its clients down.
 */
import { HttpConnection } from './http-connection.ts';
import { monotonicMillis } from './monotonic.ts';

const DRAIN_MILLIS = 20_000;

export type RequestPoolOptions = {
  host: string;
  port: number;
  connections: number;
  /** The next request; `at`: when it was due. The bytes may be reused when this connection is free again. */
  compose(connection: number, at: number): Buffer;
  /** `millis`: from when it was due to the answer. */
  answered(connection: number, status: number, body: Buffer, millis: number): void;
  failed(connection: number, error: Error): void;
};

export type Pace = {
  seconds: number;
  /** Absent: as fast as the answers come. */
  perSecond?: number;
  /** Which requests, where a load has several kinds. */
  part?: string;
};

export class RequestPool {
  private readonly options: RequestPoolOptions;
  private readonly connections: HttpConnection[] = [];
  private readonly idle: number[] = [];
  private until = 0;
  private busy = 0;
  private readonly due: number[] = [];
  private paced = false;

  constructor(options: RequestPoolOptions) {
    this.options = options;
  }

  async open(): Promise<void> {
    for (let i = 0; i < this.options.connections; i++) {
      const connection = new HttpConnection(this.options.host, this.options.port);
      await connection.open();
      this.connections.push(connection);
      this.idle.push(i);
    }
  }

  close(): void {
    for (const connection of this.connections) connection.close();
  }

  /** Resolves when all is answered, with the milliseconds that took. */
  async run({ seconds, perSecond }: Pace): Promise<number> {
    const begin = monotonicMillis();
    this.until = begin + seconds * 1000;
    this.paced = perSecond !== undefined;
    if (perSecond === undefined) for (const connection of this.idle.splice(0)) this.send(connection, monotonicMillis());
    else await this.pace(begin, perSecond);
    await this.drained();
    return monotonicMillis() - begin;
  }

  /** Counts its own time only: when the whole machine stands still, the server is not to blame. */
  private async drained(): Promise<void> {
    let stoodStill = 0;
    const begin = monotonicMillis();
    for (let last = begin; this.busy > 0 || this.due.length > 0; ) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      const now = monotonicMillis();
      if (now - last > 1000) stoodStill += now - last;
      last = now;
      if (now - begin - stoodStill < DRAIN_MILLIS) continue;
      const besides = stoodStill > 0 ? `; for ${Math.round(stoodStill)} ms of that time nothing ran here` : '';
      throw new Error(`${this.busy} requests were not answered within ${DRAIN_MILLIS / 1000} s${besides}`);
    }
  }

  private pace(begin: number, perSecond: number): Promise<void> {
    let sent = 0;
    return new Promise((resolve) => {
      const timer = setInterval(() => {
        const now = Math.min(monotonicMillis(), this.until);
        for (const wanted = ((now - begin) / 1000) * perSecond; sent < wanted; sent++) this.due.push(begin + (sent / perSecond) * 1000);
        while (this.due.length > 0 && this.idle.length > 0) this.send(this.idle.pop()!, this.due.shift()!);
        if (now < this.until) return;
        clearInterval(timer);
        resolve();
      }, 1);
    });
  }

  private send(index: number, at: number): void {
    const connection = this.connections[index]!;
    this.busy++;
    connection.send(
      this.options.compose(index, at),
      (status, body) => {
        this.busy--;
        const now = monotonicMillis();
        this.options.answered(index, status, body, now - at);
        this.free(index, now);
      },
      (error) => {
        this.busy--;
        this.options.failed(index, error);
        void this.reopen(index, connection);
      },
    );
  }

  /** A connection that cannot be had again stays out of the pool: the result shows the failure. */
  private async reopen(index: number, connection: HttpConnection): Promise<void> {
    try {
      await connection.open();
      this.free(index, monotonicMillis());
    } catch {
      // counted by `failed`
    }
  }

  private free(index: number, now: number): void {
    if (this.due.length > 0) this.send(index, this.due.shift()!);
    else if (!this.paced && now < this.until) this.send(index, now);
    else this.idle.push(index);
  }
}
