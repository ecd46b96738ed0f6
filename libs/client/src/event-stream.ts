/** Events for a `for await`: the next one of a conversation is given when the loop is done with the one before. */
import type { ConversationEvent } from './events.js';

type Waiting = { event: ConversationEvent; done: () => void };

export class EventStream implements AsyncIterableIterator<ConversationEvent> {
  private readonly queue: Waiting[] = [];
  private current: Waiting | undefined;
  private asked: ((result: IteratorResult<ConversationEvent, undefined>) => void) | undefined;
  private over = false;

  /** `stopped` is called once, when the loop is left. */
  constructor(private readonly stopped: () => void) {}

  offer(event: ConversationEvent): Promise<void> {
    return new Promise((done) => {
      const waiting = { event, done };
      if (!this.asked) return void this.queue.push(waiting);
      this.current = waiting;
      this.asked({ value: event, done: false });
      this.asked = undefined;
    });
  }

  next(): Promise<IteratorResult<ConversationEvent, undefined>> {
    this.current?.done();
    this.current = this.over ? undefined : this.queue.shift();
    if (this.current) return Promise.resolve({ value: this.current.event, done: false });
    if (this.over) return ended();
    return new Promise((resolve) => { this.asked = resolve; });
  }

  /** The loop was left: what waited for it is given up. */
  return(): Promise<IteratorResult<ConversationEvent, undefined>> {
    this.end();
    this.current?.done();
    for (const { done } of this.queue.splice(0)) done();
    return ended();
  }

  /** No more comes. What waits stays not handled. */
  end(): void {
    if (this.over) return;
    this.over = true;
    this.stopped();
    this.asked?.({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this { return this; }
}

/** Later than what follows from the last event being done: the application may ask for positions next. */
const ended = (): Promise<IteratorReturnResult<undefined>> => new Promise((resolve) => setTimeout(() => resolve({ value: undefined, done: true }), 0));
