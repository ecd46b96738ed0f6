/** What is shown for a moment and never kept: who types, who is there. Nothing of it is repeated, so each change is told once. */
import { ParleyError } from './errors.js';
import { FRAME_BYTES_MAX, type ClientFrame, type ServerFrame } from './frames.js';

export type TypingChange = { conversation: string; identity: string; typing: boolean };
/** `online` is null when the service does not tell who can be reached. */
export type PresenceChange = { identity: string; online: boolean | null };
export type SignalParts = { send: (frame: ClientFrame) => void; typing: (change: TypingChange) => void; presence: (change: PresenceChange) => void };

/** Others are shown it for 6 s: said again before that, and not more often. */
const SAID_AGAIN_MILLIS = 4_000;

export class Signals {
  /** By conversation and identity: until when they are shown as typing. */
  private readonly typists = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly said = new Map<string, number>();
  private watched: readonly string[] = [];
  private readonly online = new Map<string, boolean | null>();

  constructor(private readonly parts: SignalParts) {}

  type(conversation: string, now: number = Date.now()): void {
    if (now - (this.said.get(conversation) ?? -Infinity) < SAID_AGAIN_MILLIS) return;
    this.said.set(conversation, now);
    this.parts.send({ type: 'typing', conversation });
  }

  /** What somebody typed is said; when it was the member himself, his next letter is news again. */
  message(conversation: string, author: string, own: boolean): void {
    if (own) this.said.delete(conversation);
    else this.stopped(conversation, author);
  }

  /** Throws ParleyError for more than one frame holds: the server would end every connection it is told on. */
  watch(identities: readonly string[]): void {
    const watched = [...new Set(identities)];
    if (new TextEncoder().encode(JSON.stringify({ type: 'presence', identities: watched })).length > FRAME_BYTES_MAX) throw new ParleyError(`those watched are named in ${FRAME_BYTES_MAX} bytes at most`);
    this.watched = watched;
    for (const identity of this.online.keys()) if (!this.watched.includes(identity)) this.online.delete(identity);
    this.parts.send({ type: 'presence', identities: [...this.watched] });
  }

  connected(): void {
    this.said.clear();
    if (this.watched.length > 0) this.parts.send({ type: 'presence', identities: [...this.watched] });
  }

  heardTyping({ conversation, identity, expires_in_seconds: seconds }: Extract<ServerFrame, { type: 'typing' }>): void {
    const key = `${conversation} ${identity}`;
    const before = this.typists.get(key);
    clearTimeout(before);
    this.typists.set(key, setTimeout(() => this.stopped(conversation, identity), seconds * 1_000));
    if (before === undefined) this.parts.typing({ conversation, identity, typing: true });
  }

  heardPresence({ identity, online }: Extract<ServerFrame, { type: 'presence' }>): void {
    if (!this.watched.includes(identity) || this.online.get(identity) === online) return;
    this.online.set(identity, online);
    this.parts.presence({ identity, online });
  }

  close(): void {
    for (const timer of this.typists.values()) clearTimeout(timer);
    this.typists.clear();
  }

  private stopped(conversation: string, identity: string): void {
    const key = `${conversation} ${identity}`;
    const timer = this.typists.get(key);
    if (timer === undefined) return;
    clearTimeout(timer);
    this.typists.delete(key);
    this.parts.typing({ conversation, identity, typing: false });
  }
}
