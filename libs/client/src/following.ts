/**
 * Which conversations are followed and how far each was heard: what to ask for on a new connection, which events are new, and what
 * happened meanwhile. An event is heard once, whatever the line did.
 */
import { ParleyError } from './errors.js';
import { CONVERSATIONS_MAX, type ClientFrame, type ServerFrame } from './frames.js';

export type Positions = Record<string, number>;
type Subscribe = Extract<ClientFrame, { type: 'subscribe' }>;
type Subscribed = Extract<ServerFrame, { type: 'subscribed' }>;
export type Outcome = {
  /** What to ask next. */
  frames: Subscribe[];
  /** Known before, and no more to be seen: deleted, or the member was removed. */
  lost: string[];
  /** Asked for, and not (or no more) to be seen. */
  missing: string[];
};

export class Following {
  private readonly heard = new Map<string, number>();
  /** Asked for by name, beside or instead of all. */
  private readonly named = new Set<string>();
  private all = false;
  /** Subscribed to all before, on any connection: what is new in the next answer was missed from its beginning. */
  private wasAll: boolean;
  /** Frames of this connection that are not answered. Until then what comes of these conversations will come again. */
  private readonly asked = new Map<number, string[]>();
  private readonly unanswered = new Map<string, number>();
  private allAsked = false;
  private allId = 0;

  /** `fromBeginning`: conversations that appeared while the client was away are told whole, else from now on. */
  constructor(private readonly nextId: () => number, positions: Positions | undefined, private readonly fromBeginning: boolean) {
    this.wasAll = positions !== undefined;
    for (const [sid, position] of Object.entries(positions ?? {})) this.heard.set(sid, position);
  }

  /** All that were ever started from a position. */
  get conversations(): IterableIterator<string> { return this.heard.keys(); }

  position(conversation: string): number | undefined { return this.heard.get(conversation); }

  positionsOf(conversations: 'all' | readonly string[]): Positions {
    const sids = conversations === 'all' ? [...this.heard.keys()] : conversations;
    return Object.fromEntries(sids.flatMap((sid) => (this.heard.has(sid) ? [[sid, this.heard.get(sid)!]] : [])));
  }

  /** Whether the server has still to say that it sends these. */
  awaits(conversations: 'all' | readonly string[]): boolean {
    return conversations === 'all' ? this.allAsked || this.unanswered.size > 0 : conversations.some((sid) => this.unanswered.has(sid));
  }

  /** Adds to what is followed. The frames are for the connection there is; the last one's answer tells that all is done. */
  follow(conversations: 'all' | readonly string[], from: Positions): Subscribe[] {
    for (const [sid, position] of Object.entries(from)) this.heard.set(sid, position);
    if (conversations === 'all') this.all = true;
    else for (const sid of conversations) this.named.add(sid);
    return conversations === 'all' ? this.resume() : this.ask(conversations);
  }

  /** Answers with the frames that say so, for the connection there is. Throws ParleyError for some of all. */
  unfollow(conversations: 'all' | readonly string[]): ClientFrame[] {
    if (this.all && conversations !== 'all') throw new ParleyError('subscribed to all: unsubscribe from all, then subscribe to those you want');
    const gone = conversations === 'all' ? [...this.heard.keys(), ...this.named] : conversations;
    for (const sid of gone) this.forget(sid);
    if (conversations === 'all') {
      this.all = this.wasAll = this.allAsked = false;
      return [{ type: 'unsubscribe', id: this.nextId(), conversations }];
    }
    return chunks(conversations).map((part) => ({ type: 'unsubscribe', id: this.nextId(), conversations: part }));
  }

  /** On a new connection: everything, from where it was heard last. */
  restart(): Subscribe[] {
    this.asked.clear();
    this.unanswered.clear();
    this.allAsked = false;
    return this.all || this.named.size > 0 ? this.resume() : [];
  }

  answered({ id, conversations, positions }: Subscribed): Outcome {
    const asked = this.asked.get(id!) ?? [];
    this.asked.delete(id!);
    for (const sid of asked) if (this.unanswered.get(sid) === id) this.unanswered.delete(sid);
    const missing = asked.filter((sid) => !Object.hasOwn(positions, sid));
    const lost = missing.filter((sid) => this.heard.has(sid));
    for (const sid of missing) this.forget(sid);
    const missed: string[] = [];
    for (const [sid, position] of Object.entries(positions)) {
      if (!this.all && !this.named.has(sid)) continue; // given up meanwhile
      const before = this.heard.get(sid);
      if (before === undefined && conversations === 'all' && this.wasAll && this.fromBeginning) missed.push(sid);
      else this.heard.set(sid, Math.max(before ?? 0, position));
    }
    if (conversations === 'all') {
      this.wasAll = this.all;
      this.allAsked = false;
    }
    for (const sid of missed) this.heard.set(sid, 0);
    return { frames: missed.length > 0 ? this.ask(missed) : [], lost, missing };
  }

  /** Whether that is a frame of this connection that was not answered. */
  asks(id: number): boolean { return this.asked.has(id); }

  /** The server will not do it. Answers with what it was asked for; undefined when it was asked for something else. */
  refused(id: number): 'all' | string[] | undefined {
    const asked = this.asked.get(id);
    if (!asked) return undefined;
    this.asked.delete(id);
    for (const sid of asked) if (this.unanswered.get(sid) === id) this.unanswered.delete(sid);
    if (id !== this.allId) return asked;
    this.all = this.allAsked = false;
    return 'all';
  }

  /** Whether the event is to be handled; its conversation's position moves to it then. Answers with the position before. */
  hear(conversation: string, position: number): number | undefined {
    if (this.unanswered.has(conversation)) return undefined;
    const before = this.heard.get(conversation) ?? (this.all ? 0 : Infinity);
    if (position <= before) return undefined;
    this.heard.set(conversation, position);
    return before;
  }

  private forget(sid: string): void {
    this.heard.delete(sid);
    this.named.delete(sid);
    this.unanswered.delete(sid);
  }

  /** `all` comes last: before it nothing is heard of conversations whose position was not told yet. */
  private resume(): Subscribe[] {
    if (!this.all) return this.ask([...this.named]);
    const parts = chunks([...new Set([...this.named, ...this.heard.keys()])]);
    const last = parts.pop() ?? [];
    return [...parts.map((part) => this.frame(part, part)), this.frame('all', last)];
  }

  private ask(conversations: readonly string[]): Subscribe[] {
    return chunks(conversations).map((part) => this.frame(part, part));
  }

  private frame(conversations: 'all' | string[], about: string[]): Subscribe {
    const id = this.nextId();
    const from: Positions = {};
    for (const sid of about) {
      const position = this.heard.get(sid);
      if (position !== undefined) from[sid] = position;
      this.unanswered.set(sid, id);
    }
    this.asked.set(id, about);
    if (conversations === 'all') {
      this.allAsked = true;
      this.allId = id;
    }
    return { type: 'subscribe', id, conversations, from };
  }
}

function chunks(sids: readonly string[]): string[][] {
  const parts: string[][] = [];
  for (let at = 0; at < sids.length; at += CONVERSATIONS_MAX) parts.push(sids.slice(at, at + CONVERSATIONS_MAX));
  return parts;
}
