/** One socket's place in one conversation, and a fact on its way to sockets. */
import type { LogEvent } from '@parley/domain/event';
import { eventJson } from './event-json.js';
import type { Session } from './session.js';
import { textFrame } from './websocket-frame.js';

/** Live facts kept while the past is read; with more of them the past is read once more instead. */
const WAITING_MAX = 500;

/** A fact with its frame, which is built once, when the first receiver is found. */
export class Outgoing {
  private built: Buffer | undefined;
  private tried = false;
  constructor(readonly event: LogEvent) {}

  /** Undefined for facts that clients are not told. */
  get frame(): Buffer | undefined {
    if (!this.tried) {
      this.tried = true;
      const json = eventJson(this.event);
      if (json !== undefined) this.built = textFrame(json);
    }
    return this.built;
  }
}

export class Subscription {
  left = false;
  /** Live facts wait here until the past was read; undefined: nothing of the past is missing. */
  private waiting: Outgoing[] | undefined;
  private overflowed = false;
  /** While it reads the past: the member was removed there, and may be added again further on. */
  private outside = false;

  constructor(
    readonly session: Session,
    readonly conversation: string,
    readonly shard: number,
    /** Position of the last fact the client was told, or that lies before its subscription. */
    public after: number,
    /** The membership it follows from; undefined for observers. */
    private participantSid: string | undefined,
    behind: boolean,
  ) {
    if (behind) this.waiting = [];
  }

  get behind(): boolean { return this.waiting !== undefined; }

  /** Exactly once and in the order of positions. True when it was the last fact for this subscription. */
  offer(item: Outgoing): boolean {
    if (this.waiting === undefined) return this.deliver(item);
    if (this.waiting.length < WAITING_MAX) this.waiting.push(item);
    else this.overflowed = true;
    return false;
  }

  /** Past the waiting line: used for what was read from the log. */
  deliver(item: Outgoing): boolean {
    const { position, type, data } = item.event;
    if (position <= this.after || this.left) return false;
    this.after = position;
    if (this.outside) {
      if (type !== 'ParticipantAdded' || data.identity !== this.session.principal!.identity) return type === 'ConversationDeleted';
      this.outside = false;
      this.participantSid = data.participantSid as string;
    }
    const { frame } = item;
    if (frame) this.session.enqueue(frame);
    if (type !== 'ParticipantRemoved') return type === 'ConversationDeleted';
    if (this.participantSid === undefined || data.participantSid !== this.participantSid) return false;
    // Live, a member of everything comes back by a new subscription; here the fact that adds him may be waiting already.
    if (!this.behind || !this.session.all) return true;
    this.outside = true;
    return false;
  }

  /** The past was read up to its present end. `again`: too much happened meanwhile, read on. `last`: nothing will follow. */
  catchUp(): 'again' | 'live' | 'last' {
    const { waiting = [] } = this;
    this.waiting = [];
    if (this.overflowed) {
      this.overflowed = false;
      return 'again';
    }
    const last = waiting.some((item) => this.deliver(item));
    this.waiting = undefined;
    return last || this.outside ? 'last' : 'live';
  }
}
