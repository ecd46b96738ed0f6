/** What the application asked to follow, and when the server has said that it does. */
import { RefusedError, type ClosedError, type ParleyError } from './errors.js';
import { Following, type Positions } from './following.js';
import { PASSING_CODES, type ClientFrame, type ServerFrame } from './frames.js';

type Conversations = 'all' | readonly string[];
type Waiter = { conversations: Conversations; missing: string[]; resolve: (positions: Positions) => void; reject: (error: Error) => void };
export type SubscriptionParts = {
  send: (frame: ClientFrame) => void;
  left: (conversation: string) => void;
  /** Refused, and nobody waits to hear it. */
  trouble: (error: ParleyError) => void;
  /** Ends the connection: on the next one everything is asked for again. */
  startAgain: (reason: string) => void;
};

export class Subscriptions {
  private waiters: Waiter[] = [];

  constructor(private readonly following: Following, private readonly parts: SubscriptionParts) {}

  subscribe(conversations: Conversations, from: Positions): Promise<Positions> {
    if (conversations !== 'all' && conversations.length === 0) return Promise.resolve({});
    const told = new Promise<Positions>((resolve, reject) => this.waiters.push({ conversations, missing: [], resolve, reject }));
    this.send(this.following.follow(conversations, from));
    return told;
  }

  unsubscribe(conversations: Conversations): void {
    this.send(this.following.unfollow(conversations));
    this.settle([]);
  }

  /** A new connection: everything again, from where it was. */
  connected(): void {
    this.send(this.following.restart());
  }

  answered(frame: Extract<ServerFrame, { type: 'subscribed' }>): void {
    const { frames, lost, missing } = this.following.answered(frame);
    this.send(frames);
    for (const conversation of lost) this.parts.left(conversation);
    this.settle(missing);
  }

  /** False: it was no subscription of ours. */
  refused({ id, code, message, conversations: absent }: Extract<ServerFrame, { type: 'error' }>): boolean {
    if (code === 20404 && absent) return true; // `subscribed` before it said as much
    if (id !== undefined && PASSING_CODES.has(code) && this.following.asks(id)) {
      // What else was asked on this connection may be answered as if this one had been: only together they leave no gap.
      this.parts.startAgain(message);
      return true;
    }
    const refused = id === undefined ? undefined : this.following.refused(id);
    if (refused === undefined) return false;
    const concerned = this.waiters.filter(({ conversations }) =>
      (conversations === 'all' ? refused === 'all' : refused !== 'all' && conversations.some((sid) => refused.includes(sid))));
    const error = new RefusedError(code, message);
    for (const waiter of concerned) waiter.reject(error);
    this.waiters = this.waiters.filter((waiter) => !concerned.includes(waiter));
    if (concerned.length === 0) this.parts.trouble(error);
    return true;
  }

  close(error: ClosedError): void {
    for (const { reject } of this.waiters.splice(0)) reject(error);
  }

  private settle(missing: readonly string[]): void {
    this.waiters = this.waiters.filter((waiter) => {
      if (waiter.conversations !== 'all') waiter.missing.push(...missing.filter((sid) => waiter.conversations.includes(sid)));
      if (this.following.awaits(waiter.conversations)) return true;
      if (waiter.missing.length > 0) waiter.reject(new RefusedError(20404, 'some of the conversations are not there', 404, { conversations: waiter.missing }));
      else waiter.resolve(this.following.positionsOf(waiter.conversations));
      return false;
    });
  }

  private send(frames: readonly ClientFrame[]): void {
    for (const frame of frames) this.parts.send(frame);
  }
}
