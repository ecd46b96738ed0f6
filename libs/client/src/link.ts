/** The line to the server: one connection after another, each with a token that is good, until it is closed for good. */
import { Backoff, type BackoffLimits } from './backoff.js';
import { Connection, type WebSocketClass } from './connection.js';
import { ClosedError, RefusedError, TokenError, type ParleyError } from './errors.js';
import { FINAL_CLOSE_CODES, TOO_MANY, UNAUTHENTICATED, type ClientFrame, type ServerFrame } from './frames.js';
import { Pacer } from './pacer.js';

export type TokenProvider = () => string | Promise<string>;
export type LinkOptions = { url: string; token: string | TokenProvider; WebSocket: WebSocketClass; backoff?: BackoffLimits; framesPerSecond: number };
type Ready = Extract<ServerFrame, { type: 'ready' }>;
export type LinkParts = {
  /** A new connection is authenticated: ask for what is wanted. */
  up(ready: Ready): void;
  down(end: { code: number; reason: string; retryInMillis: number | undefined }): void;
  frame(frame: ServerFrame): void;
  /** The token ends soon and there is nobody to ask for another. */
  tokenExpiring(expiresAt: string): void;
  /** It goes on; something is wrong all the same. */
  trouble(error: ParleyError): void;
  closed(error: ClosedError): void;
};

/** Who sent too much comes back later than others. */
const TOO_MANY_MILLIS = 5_000;

export class Link {
  up = false;
  private over = false;
  private paused = false;
  private connection: Connection | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private refused: string | undefined;
  /** The last token the server was told; a newer one may have come meanwhile. */
  private said: string | undefined;
  private readonly backoff: Backoff;
  private readonly renewals: Backoff;
  private readonly pacer: Pacer;
  private readonly online = () => { if (this.timer !== undefined && !this.connection) this.connect(); };

  constructor(private readonly options: LinkOptions, private readonly parts: LinkParts) {
    this.backoff = new Backoff(options.backoff);
    this.renewals = new Backoff(options.backoff);
    this.pacer = new Pacer((frame) => this.connection?.send(frame), options.framesPerSecond);
    (globalThis as Partial<EventTarget>).addEventListener?.('online', this.online); // browsers: the network is back
  }

  connect(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.over || this.paused || this.connection) return;
    this.refused = undefined;
    const { url, WebSocket } = this.options;
    const connection: Connection = new Connection(url, WebSocket, {
      opened: () => void this.hello(connection),
      frame: (frame) => this.heard(connection, frame),
      ended: (code, reason) => this.ended(code, reason),
    });
    this.connection = connection;
  }

  send(frame: ClientFrame): void {
    if (this.up) this.pacer.add(frame);
  }

  updateToken(token: string): void {
    this.options.token = token;
    if (this.up) this.say(token);
  }

  /** Nothing more is taken from the network until `resume`. */
  pause(reason: string): void {
    this.paused = true;
    this.connection?.drop(reason);
  }

  /** A new connection, after a while. */
  again(reason: string): void {
    this.connection?.drop(reason);
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.connect();
  }

  close(error: ClosedError = new ClosedError(1000, 'the client was closed')): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    (globalThis as Partial<EventTarget>).removeEventListener?.('online', this.online);
    this.connection?.drop(error.message, error.code);
    this.parts.closed(error);
  }

  private async hello(connection: Connection): Promise<void> {
    const token = await this.token();
    if (this.connection !== connection) return;
    if (token === undefined) connection.drop('no token');
    else {
      this.said = token;
      connection.send({ type: 'hello', token });
    }
  }

  private say(token: string): void {
    this.said = token;
    this.send({ type: 'hello', token });
  }

  private heard(connection: Connection, frame: ServerFrame): void {
    if (frame.type === 'ready' && !this.up) {
      this.up = true;
      connection.settled(frame.heartbeat_seconds);
      this.backoff.connected();
      this.parts.up(frame);
      const { token } = this.options;
      if (typeof token === 'string' && token !== this.said) this.say(token);
    } else if (frame.type === 'token_expiring') void this.renew(connection, frame.expires_at);
    else if (frame.type === 'error' && frame.id === undefined) {
      this.refused = frame.message;
      if (this.up) this.parts.trouble(new RefusedError(frame.code, frame.message));
    } else this.parts.frame(frame);
  }

  private ended(code: number, reason: string): void {
    this.connection = undefined;
    this.up = false;
    this.pacer.stop();
    const why = this.refused ?? (reason || 'the connection was lost');
    const final = FINAL_CLOSE_CODES.has(code) || (code === UNAUTHENTICATED && typeof this.options.token === 'string' && this.options.token === this.said);
    const retryInMillis = this.over || final || this.paused ? undefined : this.backoff.next(code === TOO_MANY ? TOO_MANY_MILLIS : 0);
    this.parts.down({ code, reason: why, retryInMillis });
    if (final) this.close(new ClosedError(code, why));
    else if (retryInMillis !== undefined && !this.over) this.timer = setTimeout(() => this.connect(), retryInMillis);
  }

  /** The provider is asked again until it has one, or the old one is at its end. */
  private async renew(connection: Connection, expiresAt: string): Promise<void> {
    if (typeof this.options.token === 'string') return this.parts.tokenExpiring(expiresAt);
    const token = await this.token();
    if (this.connection !== connection) return;
    if (token !== undefined) this.say(token);
    else setTimeout(() => { if (this.connection === connection) void this.renew(connection, expiresAt); }, this.renewals.next());
  }

  private async token(): Promise<string | undefined> {
    const { token } = this.options;
    if (typeof token === 'string') return token;
    try {
      return await token();
    } catch (cause) {
      this.parts.trouble(new TokenError(`no token: ${cause instanceof Error ? cause.message : String(cause)}`, { cause }));
      return undefined;
    }
  }
}
