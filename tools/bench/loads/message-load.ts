/**
 * Connections post messages to conversations whose members are all connected and must get every message: 100 conversations
 * of 5 for `write`, one of 1,000 for `fanout`.
 */
import type { Load, LoadResult, Wrong } from '../load.ts';
import type { Member } from '../member-socket.ts';
import { ownProtocol, type Protocol } from '../protocols.ts';
import type { Pace } from '../request-pool.ts';
import { RestClient, type Access } from '../rest-client.ts';
import { createConversations } from './conversations.ts';
import { MessagePosts } from './message-posts.ts';
import { MessageReceivers } from './message-receivers.ts';
import { PostAndReceive } from './post-and-receive.ts';

type Shape = { conversations: number; membersEach: number; connections: number; protocol?: Protocol };

export class MessageLoad implements Load {
  private readonly shape: Shape;
  private receivers: MessageReceivers | undefined;
  private traffic: PostAndReceive | undefined;

  constructor(shape: Shape) {
    this.shape = shape;
  }

  async open(access: Access, given?: readonly Member[]): Promise<void> {
    const { conversations, membersEach, connections, protocol = ownProtocol } = this.shape;
    const members = given ?? (await createConversations(new RestClient(access), conversations, membersEach));
    this.receivers = new MessageReceivers(access, members, protocol);
    await this.receivers.open();
    const posts = new MessagePosts(access, members, connections);
    this.traffic = new PostAndReceive(access, connections, (connection, at) => posts.compose(connection, at), this.receivers, true);
    await this.traffic.open();
  }

  round(pace: Pace): Promise<LoadResult> {
    return this.traffic!.round(pace);
  }

  verify(): Promise<Wrong> {
    return this.traffic!.verify();
  }

  close(): void {
    this.traffic?.close();
    this.receivers?.close();
  }
}
