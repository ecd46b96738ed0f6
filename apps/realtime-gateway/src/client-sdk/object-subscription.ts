/** One client's place in one object of a conversation: exactly once, in the order of positions, whatever comes when. */
import type { ClientSession } from './client-session.js';
import type { ConversationPart } from './sync-names.js';

/** An event of an object: `id` is the position of the fact it follows from. */
export type ObjectEvent = { id: number; frame: Buffer };

/** Live events kept while the past is read; with more of them the client comes back and goes on from where it was. */
const WAITING_MAX = 2_000;

export class ObjectSubscription {
  left = false;
  /** Undefined: nothing of the past is missing. */
  private waiting: ObjectEvent[] | undefined = [];

  constructor(readonly session: ClientSession, readonly kind: ConversationPart, readonly conversation: string, public after: number) {}

  offer(event: ObjectEvent): void {
    if (!this.waiting) return this.deliver(event);
    if (this.waiting.push(event) > WAITING_MAX) this.session.end(4008, 'too much happened while the past was read');
  }

  deliver({ id, frame }: ObjectEvent): void {
    if (this.left || id <= this.after) return;
    this.after = id;
    this.session.send(frame);
  }

  /** The past was read: what waited goes out, and what comes from now on goes out at once. */
  live(): void {
    const { waiting = [] } = this;
    this.waiting = undefined;
    for (const event of waiting) this.deliver(event);
  }
}
