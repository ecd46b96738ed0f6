/** A chat member's websocket (docs/websocket.md) in the load generator: says who it is, subscribes to one conversation, hands on messages. */
import { accessToken } from './access-token.ts';
import { ByteMark } from './byte-mark.ts';
import type { Access } from './rest-client.ts';
import { WebsocketConnection, type OnMessage } from './websocket-connection.ts';

export type Member = { conversationSid: string; identity: string };

const MESSAGE_ADDED = new ByteMark('"event":"onMessageAdded"');

export class MemberSocket {
  private readonly access: Access;
  private readonly member: Member;
  private readonly onMessage: OnMessage;
  private readonly connection: WebsocketConnection;
  private settle: ((error?: Error) => void) | undefined;

  constructor(access: Access, member: Member, onMessage: OnMessage, onEnd: () => void) {
    this.access = access;
    this.member = member;
    this.onMessage = onMessage;
    this.connection = new WebsocketConnection({
      url: access.wsUrl,
      onMessage: (data, start, end) => this.take(data, start, end),
      onEnd: (code, reason) => {
        this.settle?.(new Error(`the websocket ended: ${code} ${reason}`));
        onEnd();
      },
    });
  }

  /** Resolves when subscribed: from then on nothing is missed. */
  async open(): Promise<void> {
    await this.connection.open();
    await new Promise<void>((resolve, reject) => {
      this.settle = (error) => (error ? reject(error) : resolve());
      this.connection.send(JSON.stringify({ type: 'hello', token: accessToken(this.access, this.member.identity) }));
      this.connection.send(JSON.stringify({ type: 'subscribe', id: 1, conversations: [this.member.conversationSid] }));
    });
    this.settle = undefined;
  }

  destroy(): void {
    this.connection.destroy();
  }

  /** The slow way, for samples; undefined when the frame is no new message. */
  static parseMessage(text: string): { conversationSid: string; index: number; body: string | null } | undefined {
    const { type, event, conversation, data } = JSON.parse(text) as {
      type: string; event?: string; conversation: string; data: { index: number; body: string | null };
    };
    return type === 'event' && event === 'onMessageAdded' ? { conversationSid: conversation, index: data.index, body: data.body } : undefined;
  }

  private take(data: Buffer, start: number, end: number): void {
    if (MESSAGE_ADDED.find(data, start, end) >= 0) return this.onMessage(data, start, end);
    const frame = JSON.parse(data.toString('utf8', start, end)) as { type: string; message?: string };
    if (frame.type === 'subscribed') this.settle?.();
    else if (frame.type === 'error') this.settle?.(new Error(`the websocket refused: ${frame.message}`));
  }
}
