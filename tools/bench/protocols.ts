/** The two websocket protocols as the load generator speaks them. */
import { MemberSocket, type Member } from './member-socket.ts';
import { MessageMarks } from './message-body.ts';
import type { Access } from './rest-client.ts';
import { SdkMemberSocket } from './sdk-member-socket.ts';
import type { OnMessage } from './websocket-connection.ts';

export interface ReceivingSocket {
  /** Resolves when subscribed: from then on nothing is missed. */
  open(): Promise<void>;
  /** Without a goodbye, as a network that goes away. */
  destroy(): void;
}

export type Protocol = {
  /** `onMessage` gets frames with a new message, and only those. */
  socket(access: Access, member: Member, onMessage: OnMessage, onEnd: () => void): ReceivingSocket;
  marks: MessageMarks;
  /** The slow way, for samples; undefined when the frame is no new message. */
  parseMessage(text: string): { conversationSid: string; index: number; body: string | null } | undefined;
};

export const ownProtocol: Protocol = {
  socket: (...parts) => new MemberSocket(...parts),
  marks: new MessageMarks('body', 'index'),
  parseMessage: (text) => MemberSocket.parseMessage(text),
};

/** The official client SDK's. */
export const sdkProtocol: Protocol = {
  socket: (...parts) => new SdkMemberSocket(...parts),
  marks: new MessageMarks('text', 'item_index'),
  parseMessage: (text) => SdkMemberSocket.parseMessage(text),
};
