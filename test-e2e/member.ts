/** A chat member's client: one conversation over a websocket that comes back after any break and resumes from what it saw last. */
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { accessToken } from '../tools/bench/access-token.ts';
import type { Caller } from './caller.js';
import { until } from './installation.js';

export type SeenMessage = { index: number; sid: string; body: string };
type Frame = {
  type: string; code?: number; message?: string; position: number; positions: Record<string, number>; event: string; conversation: string;
  data: SeenMessage & { message_sid: string; status: string };
};

const AGAIN_MILLIS = 50;

export class Member {
  /** In the order they came, over all connections. */
  readonly messages: SeenMessage[] = [];
  /** Statuses of each receipt, in the order they came. */
  readonly receipts = new Map<string, string[]>();
  /** Names of the other events about messages. */
  readonly others: string[] = [];
  /** What a server must not do. */
  readonly faults: string[] = [];
  readonly closeCodes: number[] = [];
  connections = 0;
  private websocket: WebSocket | undefined;
  private position: number | undefined;
  private over = false;

  constructor(private readonly caller: Caller, readonly conversation: string, readonly identity: string) {}

  /** Resolves with the first subscription; from then on it connects again by itself. */
  async join(): Promise<void> {
    void this.stayConnected();
    await until(async () => this.connections > 0, `${this.identity} is subscribed`);
  }

  /** As a network that goes away: no goodbye, what is on its way is lost. Whether there was a connection. */
  cut(): boolean {
    const open = this.websocket?.readyState === WebSocket.OPEN;
    this.websocket?.terminate();
    return open;
  }

  /** Does not take anything off the wire until `read`. */
  stopReading(): void {
    this.websocket?.pause();
  }

  read(): void {
    this.websocket?.resume();
  }

  leave(): void {
    this.over = true;
    this.cut();
  }

  private async stayConnected(): Promise<void> {
    while (!this.over) {
      await this.connectOnce();
      await pause(AGAIN_MILLIS);
    }
  }

  /** Resolves when the connection is over, however it was. */
  private connectOnce(): Promise<void> {
    const { caller: { credentials, places }, conversation, identity } = this;
    return new Promise((resolve) => {
      const websocket = (this.websocket = new WebSocket(places.wsUrl, { handshakeTimeout: 5_000 }));
      websocket.on('open', () => {
        websocket.send(JSON.stringify({ type: 'hello', token: accessToken(credentials, identity) }));
        const from = this.position === undefined ? {} : { from: { [conversation]: this.position } };
        websocket.send(JSON.stringify({ type: 'subscribe', conversations: [conversation], ...from }));
      });
      websocket.on('message', (data: Buffer) => this.take(JSON.parse(data.toString()) as Frame));
      websocket.on('error', () => {}); // followed by close
      websocket.on('close', (code) => {
        this.closeCodes.push(code);
        resolve();
      });
    });
  }

  private take({ type, code, message, position, positions, event, data }: Frame): void {
    if (type === 'subscribed') {
      this.position ??= positions[this.conversation];
      this.connections++;
    } else if (type === 'error') {
      if (code !== 20503) this.faults.push(`error ${code}: ${message}`); // unavailable in a fault: the connection ends, and we come back
      this.cut();
    } else if (type === 'event') {
      if (position <= this.position!) this.faults.push(`position ${position} after ${this.position}`);
      this.position = position;
      if (event === 'onMessageAdded') this.messages.push({ index: data.index, sid: data.sid, body: data.body });
      if (event === 'onMessageUpdated' || event === 'onMessageRemoved') this.others.push(event);
      if (event === 'onDeliveryUpdated') this.receipts.set(data.sid, [...(this.receipts.get(data.sid) ?? []), data.status]);
    }
  }
}
