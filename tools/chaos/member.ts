/** A chat member's client: keeps a websocket to one conversation, and after any interruption resumes from what it saw last. */
import { setTimeout as pause } from 'node:timers/promises';
import { accessToken } from '../bench/access-token.ts';
import type { Access } from '../bench/rest-client.ts';
import { WebsocketConnection } from '../bench/websocket-connection.ts';
import type { SocketLedger } from './evidence.ts';
import type { Random } from './random.ts';

type Frame = {
  type: string;
  message?: string;
  positions?: Record<string, number>;
  position: number;
  event?: string;
  data: { index: number; sid: string; body: string };
};

/** A subscription that is not confirmed by then is tried again on a new connection. */
const SUBSCRIBE_MILLIS = 10_000;

export class Member {
  readonly ledger: SocketLedger;
  private readonly access: Access;
  private readonly random: Random;
  private connection: WebsocketConnection | undefined;
  /** Position of the last event seen; undefined before the first subscription. */
  private position: number | undefined;
  private stopped = false;
  private subscribed: (() => void) | undefined;

  constructor(access: Access, conversation: string, identity: string, random: Random) {
    this.access = access;
    this.random = random;
    this.ledger = { conversation, identity, connections: 0, messages: [] };
  }

  /** Resolves with the first subscription, then goes on by itself. */
  async start(): Promise<void> {
    await this.connect();
    void this.keepConnected();
  }

  /** As a phone in a lift: no goodbye, and what is on its way is gone. */
  cut(): void {
    this.connection?.destroy();
  }

  stop(): void {
    this.stopped = true;
    this.connection?.destroy();
  }

  private ended: Promise<void> = Promise.resolve();

  private async keepConnected(): Promise<void> {
    while (!this.stopped) {
      await this.ended;
      while (!this.stopped) {
        await pause(this.random.between(10, 500));
        try {
          await this.connect();
          break;
        } catch {
          this.connection?.destroy(); // the server is down, or not yet ready: again
        }
      }
    }
  }

  private async connect(): Promise<void> {
    const { conversation, identity } = this.ledger;
    let end: () => void = () => {};
    this.ended = new Promise((resolve) => (end = resolve));
    const connection = new WebsocketConnection({
      url: this.access.wsUrl,
      onMessage: (data, from, to) => {
        if (connection === this.connection) this.take(JSON.parse(data.toString('utf8', from, to)) as Frame);
      },
      onEnd: () => end(),
    });
    this.connection = connection;
    await connection.open();
    this.ledger.connections++;
    const confirmed = new Promise<void>((resolve, reject) => {
      this.subscribed = resolve;
      setTimeout(() => reject(new Error('not subscribed in time')), SUBSCRIBE_MILLIS).unref();
      void this.ended.then(() => reject(new Error('ended before it was subscribed')));
    });
    connection.send(JSON.stringify({ type: 'hello', token: accessToken(this.access, identity) }));
    const from = this.position === undefined ? {} : { from: { [conversation]: this.position } };
    connection.send(JSON.stringify({ type: 'subscribe', id: 1, conversations: [conversation], ...from }));
    await confirmed;
  }

  private take({ type, position, positions, event, data }: Frame): void {
    if (type === 'subscribed') {
      this.position ??= positions?.[this.ledger.conversation];
      this.subscribed?.();
    } else if (type === 'error' || type === 'lagged') this.connection?.destroy();
    else if (type === 'event') {
      this.position = position;
      if (event === 'onMessageAdded') this.ledger.messages.push({ index: data.index, sid: data.sid, body: data.body });
    }
  }
}
