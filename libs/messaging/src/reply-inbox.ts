/**
 * Awaits JetStream's acknowledgements on one subscription of our own; `nc.request()` would build a timer and an error per
 * call. Acknowledgements that do not come in time, or cannot come any more, are failures: the sender decides what follows.
 */
import { createInbox } from '@nats-io/transport-node';
import type { Connection } from './connection.js';

/** `seq`: place in the stream. `duplicate`: the same Nats-Msg-Id was stored before. */
export type Ack = { seq: number; duplicate: boolean };
const STORE_FAILED = 10_077;
/** `missing`: no stream takes the subject (never made, or wiped); `broken`: its files cannot be written; else the server's words. */
export class NotStored extends Error {
  override name = 'NotStored';
  constructor(readonly reason: 'missing' | 'broken' | 'timeout' | 'disconnected' | 'refused', message: string) {
    super(`not stored: ${message}`);
  }
}
type Waiting = { resolve: (ack: Ack) => void; reject: (error: NotStored) => void; until: number };

export class ReplyInbox {
  private readonly prefix = createInbox();
  private readonly waiting = new Map<string, Waiting>();
  private next = 1;
  private readonly sweeper: NodeJS.Timeout;

  constructor(connection: Connection, private readonly timeoutMs = 5_000) {
    const subscription = connection.nats.subscribe(`${this.prefix}.*`, {
      callback: (error, message) => {
        if (error) return this.failAll('refused', error.message);
        const waiting = this.take(message.subject.slice(this.prefix.length + 1));
        if (!waiting) return;
        if (message.data.length === 0) return waiting.reject(new NotStored('missing', 'no stream takes the subject'));
        const { error: refusal, seq, duplicate = false } = message.json<{ error?: { err_code: number; description: string }; seq: number; duplicate?: boolean }>();
        if (refusal) waiting.reject(new NotStored(refusal.err_code === STORE_FAILED ? 'broken' : 'refused', refusal.description));
        else waiting.resolve({ seq, duplicate });
      },
    });
    this.sweeper = setInterval(() => this.sweep(), 250).unref();
    connection.onDisconnect(() => this.failAll('disconnected', 'connection lost'));
    connection.onClose(() => {
      clearInterval(this.sweeper);
      subscription.unsubscribe();
      this.failAll('disconnected', 'connection closed');
    });
  }

  /** An address to reply to, and the promise of what comes. */
  expect(): { reply: string; ack: Promise<Ack> } {
    const token = String(this.next++);
    const ack = new Promise<Ack>((resolve, reject) =>
      this.waiting.set(token, { resolve, reject, until: Date.now() + this.timeoutMs }));
    ack.catch(() => {}); // whoever awaits it gets the failure; nobody has to
    return { reply: `${this.prefix}.${token}`, ack };
  }

  private take(token: string): Waiting | undefined {
    const waiting = this.waiting.get(token);
    this.waiting.delete(token);
    return waiting;
  }

  private sweep(): void {
    const now = Date.now();
    for (const [token, { until, reject }] of this.waiting) {
      if (until > now) return; // in the order of their deadlines
      this.waiting.delete(token);
      reject(new NotStored('timeout', `no acknowledgement within ${this.timeoutMs} ms`));
    }
  }

  private failAll(reason: NotStored['reason'], message: string): void {
    for (const { reject } of this.waiting.values()) reject(new NotStored(reason, message));
    this.waiting.clear();
  }
}
