/**
 * Takes messages of one durable consumer while it lives, exactly as many as there are free slots. Own code instead of the
 * client library's `consume()`: that one prefetches, so jobs wait behind a slow handler, and a stopped one leaves pulls
 * behind that swallow jobs until their silence is over. The rest is the same: pulls with heartbeats, never a timed fetch.
 */
import { createInbox, type Msg, type Subscription } from '@nats-io/transport-node';
import type { Connection } from './connection.js';
import { NANOS_PER_MS } from './stream.js';

const EXPIRES_MS = 30_000;
/** While a pull waits the server says every so often that it does; hearing nothing thrice, we look what is wrong. */
const HEARTBEAT_MS = 1_000;
const SILENT_MS = 3 * HEARTBEAT_MS;

export class PullSession {
  /** Resolves with the reason when nothing can come any more: consumer gone, connection lost, silence, `stop`. */
  readonly ended: Promise<string>;
  private end!: (reason: string) => void;
  private readonly inbox = createInbox();
  private readonly pullSubject: string;
  private readonly subscription: Subscription;
  private readonly watch: NodeJS.Timeout;
  private readonly forget: () => void;
  private asked = 0;
  private heardAt = Date.now();
  private planned = false;
  private stopped = false;

  constructor(
    private readonly connection: Connection, stream: string, consumer: string,
    private readonly freeSlots: () => number, private readonly onMessage: (message: Msg) => void,
  ) {
    this.pullSubject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
    this.ended = new Promise((resolve) => (this.end = resolve));
    this.forget = connection.onDisconnect(() => this.end('connection lost'));
    this.subscription = connection.nats.subscribe(this.inbox, {
      callback: (error, message) => (error ? this.end(error.message) : this.heard(message)),
    });
    this.watch = setInterval(() => {
      if (this.asked > 0 && Date.now() - this.heardAt > SILENT_MS) this.end('heartbeats missed');
    }, HEARTBEAT_MS / 2).unref();
    this.pull();
  }

  /** The next job may come at once. */
  get waiting(): boolean { return this.asked > 0 && !this.stopped; }

  /** Slots became free. Those of one event-loop turn are asked for together. */
  slotsFreed(): void {
    if (this.planned || this.stopped) return;
    this.planned = true;
    setImmediate(() => { this.planned = false; this.pull(); });
  }

  /** Asks for nothing more; what is on its way still reaches `onMessage` before this resolves. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    clearInterval(this.watch);
    this.forget();
    if (this.connection.connected) await this.subscription.drain().catch(() => {});
    else this.subscription.unsubscribe();
    this.end('stopped');
  }

  private pull(): void {
    const free = this.freeSlots() - this.asked;
    // Every pull costs heartbeats, so a few slots wait until more are free, or nothing is asked for any more.
    if (free <= 0 || this.stopped || (this.asked > 0 && free < this.asked)) return;
    if (this.asked === 0) this.heardAt = Date.now();
    this.asked += free;
    const request = { batch: free, expires: EXPIRES_MS * NANOS_PER_MS, idle_heartbeat: HEARTBEAT_MS * NANOS_PER_MS };
    this.connection.nats.publish(this.pullSubject, JSON.stringify(request), { reply: this.inbox });
  }

  private heard(message: Msg): void {
    this.heardAt = Date.now();
    const code = message.headers?.code ?? 0;
    if (code === 0) {
      this.asked -= 1;
      this.onMessage(message);
      if (this.asked === 0) this.slotsFreed();
      return;
    }
    if (code === 100) return; // heartbeat
    // A pull that ends unfilled says how much of it is open: 408 time is up, 409 limits. Others end the session.
    const open = Number(message.headers!.get('Nats-Pending-Messages'));
    if (code !== 408 && !(code === 409 && open > 0)) return this.end(message.headers!.description || `status ${code}`);
    this.asked = Math.max(0, this.asked - open);
    this.slotsFreed();
  }
}
