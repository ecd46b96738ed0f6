/** One client's place in one object of a conversation: exactly once, in the order of positions, whatever comes when. */
import type { ClientSession } from './client-session.js';
import type { ConversationPart } from './sync-names.js';

/** An event of an object: `id` is the position of the fact it follows from. */
export type ObjectEvent = { id: number; frame: Buffer };

/** Live events kept while the past is read; with more of them the client comes back and goes on from where it was. */
const WAITING_MAX = 2_000;

export class ObjectSubscription {
  left = false;
  /** Who of the conversation looks at it: a participant, null for nobody of them; undefined until that was read. */
  participant: string | null | undefined;
  /** Who went before it was known whom that would concern. */
  private goneBefore: Set<string> | undefined;
  /** Undefined: nothing of the past is missing. */
  private waiting: ObjectEvent[] | undefined = [];

  /** `correlation`: of the request it was made by, a time at the client. */
  constructor(readonly session: ClientSession, readonly kind: ConversationPart, readonly conversation: string, public after: number, readonly correlation: number) {}

  /** False: that participant went meanwhile. */
  belongsTo(participant: string | null): boolean {
    this.participant = participant;
    return participant === null || !this.goneBefore?.has(participant);
  }

  /** Whether that was he. */
  gone(participant: string): boolean {
    if (this.participant === undefined) (this.goneBefore ??= new Set()).add(participant);
    return this.participant === participant;
  }

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
