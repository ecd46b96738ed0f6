/** One of a crowd: a chat member's socket in one conversation that loses its connection when told so, comes back and resumes (docs/websocket.md). */
import { setTimeout as pause } from 'node:timers/promises';
import { accessToken } from './access-token.ts';
import type { Member } from './member-socket.ts';
import type { Access } from './rest-client.ts';
import { WebsocketConnection } from './websocket-connection.ts';

type Frame = { type: string; event?: string; position: number; positions: Record<string, number>; message?: string; data: { index: number } };

/** Loopback addresses to come from: one has no more than 28,000 ports, and those just used rest for a minute. */
const ADDRESSES = 16;
/** Refused, it comes again after half to one and a half of this. */
const AGAIN_MILLIS = 500;

export class CrowdMember {
  /** The index of the next message; conversations of a crowd are empty at first. */
  expected = 0;
  missing = 0;
  doubled = 0;
  /** Connections that ended although nobody cut them. */
  lost = 0;
  private position: number | undefined;
  private connection: WebsocketConnection | undefined;
  private readonly token: string;
  private readonly access: Access;
  private readonly member: Member;
  private readonly localAddress: string;
  private progressed: () => void = () => {};

  constructor(access: Access, member: Member, n: number) {
    this.access = access;
    this.member = member;
    this.localAddress = `127.0.1.${1 + (n % ADDRESSES)}`;
    this.token = accessToken(access, member.identity);
  }

  /** Resolves when subscribed. */
  async open(): Promise<void> {
    const { conversationSid } = this.member;
    let settle: (error?: Error) => void = () => {};
    const subscribed = new Promise<void>((resolve, reject) => (settle = (error) => (error ? reject(error) : resolve())));
    subscribed.catch(() => {}); // also when the handshake fails first
    const connection = (this.connection = new WebsocketConnection({
      url: this.access.wsUrl, localAddress: this.localAddress,
      onMessage: (data, start, end) => this.take(JSON.parse(data.toString('utf8', start, end)) as Frame, settle),
      onEnd: (code, reason) => {
        settle(new Error(`the websocket ended: ${code} ${reason}`));
        if (this.connection !== connection) return;
        this.connection = undefined;
        this.lost++;
      },
    }));
    await connection.open();
    const from = this.position === undefined ? {} : { from: { [conversationSid]: this.position } };
    connection.send(JSON.stringify({ type: 'hello', token: this.token }));
    connection.send(JSON.stringify({ type: 'subscribe', id: 1, conversations: [conversationSid], ...from }));
    await subscribed;
  }

  /** Without a goodbye. */
  cut(): void {
    const { connection } = this;
    this.connection = undefined;
    connection?.destroy();
  }

  leave(): void { this.cut(); }

  /** Until it has the messages before this index; refused, it comes again. Throws when it takes too long. */
  async comeBack(head: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await this.open();
        break;
      } catch (error) {
        this.cut();
        if (signal.aborted) throw error;
        await pause(AGAIN_MILLIS * (0.5 + Math.random()));
      }
    }
    await new Promise<void>((resolve, reject) => {
      const late = () => reject(new Error('what was missed did not come'));
      this.progressed = () => {
        if (this.expected < head) return;
        signal.removeEventListener('abort', late);
        resolve();
      };
      signal.addEventListener('abort', late);
      this.progressed();
    });
    this.progressed = () => {};
  }

  private take({ type, event, position, positions, message, data }: Frame, settle: (error?: Error) => void): void {
    if (type === 'subscribed') {
      this.position ??= positions[this.member.conversationSid];
      settle();
    } else if (type === 'error') settle(new Error(`the websocket refused: ${message}`));
    else if (type === 'event') {
      this.position = position;
      if (event !== 'onMessageAdded') return;
      if (data.index < this.expected) this.doubled++;
      else {
        this.missing += data.index - this.expected;
        this.expected = data.index + 1;
      }
      this.progressed();
    }
  }
}
