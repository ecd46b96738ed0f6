/** Resources of the public REST API with what the SDK needs besides: links of its own kind, names of synchronised objects. */
import type { ClientLinks } from './configuration.js';
import { conversationObjects } from './sync-api.js';
import { infoName } from './sync-names.js';

type Resource = any;

export const answerForms = {
  conversation: ({ conversations }: ClientLinks, body: Resource, status: 'joined' | 'notParticipating'): object => ({
    ...body, conversation_sid: body.sid, status, sync_objects: conversationObjects(body.sid), ...linksOf(conversations, body.sid),
  }),
  userConversation: ({ conversations }: ClientLinks, body: Resource): object => ({
    ...body, sid: body.conversation_sid, channel_sid: body.conversation_sid, status: 'joined', sync_objects: conversationObjects(body.conversation_sid), ...linksOf(conversations, body.conversation_sid),
  }),
  message: ({ conversations }: ClientLinks, body: Resource): object => {
    const url = `${conversations}/${body.conversation_sid}`;
    return { ...body, url: `${url}/Messages/${body.sid}`, links: { conversation: url, messages_receipts: `${url}/Messages/${body.sid}/Receipts` } };
  },
  participant: ({ conversations }: ClientLinks, body: Resource): object => {
    const url = `${conversations}/${body.conversation_sid}`;
    return { ...body, url: `${url}/Participants/${body.sid}`, links: { conversation: url } };
  },
  user: ({ users }: ClientLinks, body: Resource): object => ({
    ...body, sync_objects: { user_info_map: infoName(body.sid) }, url: `${users}/${body.sid}`, links: { user_conversations: `${users}/${body.sid}/Conversations` },
  }),
  /** Exactly null where there is nothing: an absent one would be asked for for ever. */
  meta: (meta: { next_page_url?: string | null; previous_page_url?: string | null } | undefined): object => ({
    previous_token: tokenIn(meta?.previous_page_url), next_token: tokenIn(meta?.next_page_url),
  }),
};

const linksOf = (conversations: string, sid: string) => {
  const url = `${conversations}/${sid}`;
  return { url, links: { messages: `${url}/Messages`, participants: `${url}/Participants` } };
};

const tokenIn = (url: string | null | undefined): string | null => (url ? new URL(url).searchParams.get('PageToken') : null);
