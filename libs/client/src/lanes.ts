/**
 * Hands events to the application: those of one conversation one after another, each when the handlers of the one before are done.
 * Conversations do not wait for each other. Knows how far each was handled, which is what an application may rely on after a crash.
 */
import type { ConversationEvent } from './events.js';

export type Handle = (event: ConversationEvent) => void | Promise<void>;
type Lane = { queue: ConversationEvent[]; next: number; handled: number };

export class Lanes {
  private readonly lanes = new Map<string, Lane>();
  private waiting = 0;

  /** `handle` does not throw. `relieved` is called when less than half of `waitingMax` waits. */
  constructor(private readonly handle: Handle, private readonly waitingMax: number, private readonly relieved: () => void) {}

  /** More wait than the application was willing to keep: nothing more should be taken from the network. */
  get full(): boolean { return this.waiting >= this.waitingMax; }

  /** `before`: the conversation's position before this event. */
  add(event: ConversationEvent, before: number): void {
    this.waiting += 1;
    const lane = this.lanes.get(event.conversation);
    if (lane) return void lane.queue.push(event);
    const fresh: Lane = { queue: [event], next: 0, handled: before };
    this.lanes.set(event.conversation, fresh);
    this.run(event.conversation, fresh);
  }

  /** Position of the last event that is done with; undefined when none is waiting. */
  handled(conversation: string): number | undefined {
    return this.lanes.get(conversation)?.handled;
  }

  private run(conversation: string, lane: Lane): void {
    while (lane.next < lane.queue.length) {
      const event = lane.queue[lane.next]!;
      const done = this.handle(event);
      if (done) return void done.then(() => { this.done(lane, event); this.run(conversation, lane); });
      this.done(lane, event);
    }
    this.lanes.delete(conversation);
  }

  private done(lane: Lane, { position }: ConversationEvent): void {
    lane.handled = position;
    lane.next += 1;
    if (lane.next === 1_000) { // what is done with must not stay for as long as a lane never runs dry
      lane.queue.splice(0, lane.next);
      lane.next = 0;
    }
    this.waiting -= 1;
    if (this.waiting === Math.floor(this.waitingMax / 2)) this.relieved();
  }
}
