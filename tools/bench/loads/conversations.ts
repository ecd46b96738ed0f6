/** Conversations with their members, made over REST as any client would. */
import type { Member } from '../member-socket.ts';
import { inParallel, type RestClient } from '../rest-client.ts';

const AT_ONCE = 16;

/** Made anew each time: identities are counted per conversation, so every socket belongs to one. */
export async function createConversations(rest: RestClient, count: number, membersEach: number): Promise<Member[]> {
  const members = await inParallel(count, AT_ONCE, async (c) => {
    const { sid } = await rest.post<{ sid: string }>('/v1/Conversations', { FriendlyName: `Benchmark ${c}` });
    const identities = Array.from({ length: membersEach }, (_, m) => identity(c, m));
    for (const name of identities) await rest.post(`/v1/Conversations/${sid}/Participants`, { Identity: name });
    return identities.map((name): Member => ({ conversationSid: sid, identity: name }));
  });
  return members.flat();
}

/** All of one length, so that prepared requests are. */
const identity = (conversation: number, member: number) => `member-${String(conversation).padStart(4, '0')}-${String(member).padStart(4, '0')}`;
