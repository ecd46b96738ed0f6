/** Follows conversations over one websocket that comes back after any break and goes on where it was. */
import type { WebSocketClass } from './connection.js';
import { Conversation } from './conversation.js';
import { RefusedError, type ClosedError } from './errors.js';
import { EventStream } from './event-stream.js';
import type { ConversationEvent } from './events.js';
import { Following, type Positions } from './following.js';
import type { Method, ServerFrame } from './frames.js';
import { Handlers } from './handlers.js';
import { Lanes } from './lanes.js';
import { Link } from './link.js';
import type { ClientEvents, Member, ParleyClientOptions, RequestOptions } from './options.js';
import { FRAMES_PER_SECOND } from './pacer.js';
import { Requests, type ReadState } from './requests.js';
import type { PageMeta } from './resources.js';
import { Signals } from './signals.js';
import { Subscriptions } from './subscriptions.js';

export class ParleyClient {
  private readonly handlers = new Handlers<ClientEvents>();
  private readonly lanes: Lanes;
  private readonly following: Following;
  private readonly subscriptions: Subscriptions;
  private readonly requests: Requests;
  private readonly signals: Signals;
  private readonly link: Link;
  private readonly streams = new Set<EventStream>();
  private lastId = 0;
  private member: Member | undefined;
  private end: ClosedError | undefined;

  /** Connects at once, in the background. Throws TypeError for options that cannot work. */
  constructor({ url, token, positions, newConversations, WebSocket, backoff, waitingMax = 5_000, framesPerSecond = FRAMES_PER_SECOND }: ParleyClientOptions) {
    const WebSocketOf = WebSocket ?? (globalThis as { WebSocket?: WebSocketClass }).WebSocket;
    if (!WebSocketOf) throw new TypeError('there is no global WebSocket: give one, for example that of the package ws');
    if (!/^wss?:\/\//.test(url)) throw new TypeError('url is the address of the websocket: wss://…/v1/stream');
    const tell = <Name extends keyof ClientEvents>(name: Name, payload: ClientEvents[Name]) => void this.handlers.call(name, payload);
    this.lanes = new Lanes((event) => this.handle(event), waitingMax, () => this.link.resume());
    this.link = new Link({ url, token, WebSocket: WebSocketOf, backoff, framesPerSecond }, {
      up: ({ account_sid, identity, chat_service_sid, expires_at }) => {
        this.member = { accountSid: account_sid, identity, chatServiceSid: chat_service_sid, expiresAt: expires_at };
        this.subscriptions.connected();
        this.requests.connected();
        this.signals.connected();
        tell('connected', this.member);
      },
      down: (end) => {
        this.requests.disconnected();
        tell('disconnected', end);
      },
      frame: (frame) => this.heard(frame),
      tokenExpiring: (expiresAt) => tell('tokenExpiring', { expiresAt }),
      trouble: (error) => tell('error', error),
      closed: (error) => this.closed(error),
    });
    const send = this.link.send.bind(this.link);
    this.following = new Following(() => this.nextId(), positions, newConversations !== 'fromNow');
    this.subscriptions = new Subscriptions(this.following, {
      send, left: (conversation) => tell('left', { conversation }), trouble: (error) => tell('error', error),
      startAgain: (reason) => this.link.again(reason),
    });
    this.requests = new Requests(() => this.nextId(), send);
    this.signals = new Signals({ send, typing: (change) => tell('typing', change), presence: (change) => tell('presence', change) });
    this.link.connect();
  }

  /**
   * Calls `handler` for each; those of one conversation in order, each when the handlers of the one before are done (a handler may be
   * async). Answers with what takes the handler off again.
   */
  on<Name extends keyof ClientEvents>(name: Name, handler: (payload: ClientEvents[Name]) => unknown): () => void {
    return this.handlers.on(name, handler);
  }

  /** For `for await`: all events, or those of one conversation, from now on. Ends when the client is closed. */
  events(conversation?: string): AsyncIterableIterator<ConversationEvent> {
    const stream: EventStream = new EventStream(() => {
      off();
      this.streams.delete(stream);
    });
    const off = this.on('event', (event) => (conversation === undefined || event.conversation === conversation ? stream.offer(event) : undefined));
    if (this.end) stream.end();
    else this.streams.add(stream);
    return stream;
  }

  conversation(sid: string): Conversation {
    return new Conversation(sid, this);
  }

  /** Resolves when the server has let the client in for the first time. Rejects with ClosedError. */
  connected(): Promise<Member> {
    if (this.end) return Promise.reject(this.end);
    if (this.member) return Promise.resolve(this.member);
    return new Promise((resolve, reject) => {
      const offs = [this.on('connected', (member) => { off(); resolve(member); }), this.on('closed', (error) => { off(); reject(error); })];
      const off = () => { for (const each of offs) each(); };
    });
  }

  /**
   * Follows these conversations, or all the member is and will be in, from now on or from the positions given. Resolves with the
   * position each one starts after, once the server has said so. Rejects with RefusedError (20404: `details.conversations` are
   * not there or not the member's; the others are followed) or ClosedError.
   */
  subscribe(conversations: 'all' | readonly string[], { from = {} }: { from?: Positions } = {}): Promise<Positions> {
    return this.end ? Promise.reject(this.end) : this.subscriptions.subscribe(conversations, from);
  }

  /** Follows them no longer, and forgets their positions. Throws ParleyError for some of all. */
  unsubscribe(conversations: 'all' | readonly string[]): void {
    this.subscriptions.unsubscribe(conversations);
  }

  /**
   * How far the application has come: the position, by conversation, of the last event all handlers are done with. Keep it (it is
   * JSON), and give it to the client of the next start.
   */
  positions(): Positions {
    const positions: Positions = {};
    for (const sid of this.following.conversations) positions[sid] = this.lanes.handled(sid) ?? this.following.position(sid)!;
    return positions;
  }

  /**
   * A request to the REST API as the member, answered with its body. `path` is below `/v1/`, percent-encoded. Waits for the line, and is
   * asked again after a break; what it changes is changed once. Rejects with RefusedError, TimeoutError or ClosedError.
   */
  async request<Body = unknown>(method: Method, path: string, options: RequestOptions = {}): Promise<Body> {
    if (this.end) throw this.end;
    return await this.requests.request(method, path, options) as Body;
  }

  /** The items of a list of the REST API, page after page as the loop goes on. */
  async *list<Item>(path: string): AsyncGenerator<Item, void> {
    for (let next: string | null = path; next !== null;) {
      const page: { meta: PageMeta } & Record<string, unknown> = await this.request('GET', next);
      yield* page[page.meta.key] as Item[];
      next = page.meta.next_page_url && page.meta.next_page_url.replace(/^https?:\/\/[^/]+/, '');
    }
  }

  /** The member has read the conversation up to the message with this index. */
  async read(conversation: string, index: number): Promise<ReadState> {
    if (this.end) throw this.end;
    return this.requests.read(conversation, index);
  }

  /** The member types: call it with every letter, it is said every few seconds. Shown to others until his message comes, or 6 s. */
  typing(conversation: string): void {
    this.signals.type(conversation);
  }

  /**
   * Tells by `presence` who of these users is online, now and at each change. Instead of those named before; at most 1,000. Throws
   * ParleyError when their names have more than 128 KiB.
   */
  watchPresence(identities: readonly string[]): void {
    this.signals.watch(identities);
  }

  /** A newer token of the same member, in place of what the client was made with. */
  updateToken(token: string): void {
    this.link.updateToken(token);
  }

  /** Ends everything. What waits for handlers is not handed out any more: `positions()` is right afterwards. */
  close(): void {
    this.link.close();
  }

  private heard(frame: ServerFrame): void {
    if (frame.type === 'event') {
      const before = this.following.hear(frame.conversation, frame.position);
      if (before === undefined) return;
      if (frame.event === 'onMessageAdded') this.signals.message(frame.conversation, frame.data.author, frame.data.author === this.member?.identity);
      this.lanes.add(frame, before);
      if (this.lanes.full) this.link.pause('the application is slower than the events');
    } else if (frame.type === 'subscribed') this.subscriptions.answered(frame);
    else if (frame.type === 'response' || frame.type === 'read') this.requests.answered(frame);
    else if (frame.type === 'typing') this.signals.heardTyping(frame);
    else if (frame.type === 'presence') this.signals.heardPresence(frame);
    else if (frame.type === 'error') {
      const error = new RefusedError(frame.code, frame.message);
      if (!this.requests.refused(frame.id, error) && !this.subscriptions.refused(frame)) void this.handlers.call('error', error);
    }
  }

  private handle(event: ConversationEvent): void | Promise<void> {
    if (this.end) return new Promise(() => {}); // never done: its position stays where it was
    const all = this.handlers.call('event', event);
    const some = this.handlers.call(event.event, event as never);
    if (all ?? some) return Promise.all([all, some]).then(() => {});
  }

  private closed(error: ClosedError): void {
    this.end = error;
    this.subscriptions.close(error);
    this.requests.close(error);
    this.signals.close();
    for (const stream of this.streams) stream.end();
    void this.handlers.call('closed', error);
  }

  private nextId(): number {
    return (this.lastId += 1);
  }
}
