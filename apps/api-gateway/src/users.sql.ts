/** Reads of users and of the conversations they, or addresses outside, are in. Lists walk an index by SID. */
import type { ConversationRow } from './conversations.sql.js';
import { prepared } from './reads.js';

export type UserRow = {
  sid: string; account: string; chat_service_sid: string; identity: string; friendly_name: string | null; attributes: string;
  role_sid: string; created_at: string; updated_at: string;
};
/** null: the service does not tell who can be reached. */
export type Reachable = { notifiable: boolean | null };

const select = 'select * from model.chat_user where account = $1 and chat_service_sid = $2';
const page = (after: '>' | '<') => prepared(`users${after}`,
  `${select} and sid ${after} $3 order by sid ${after === '>' ? 'asc' : 'desc'} limit $4`);
const pages = { forward: page('>'), backward: page('<') };
/** account, service, user after which, rows at most. */
export const usersPage = (back: boolean) => pages[back ? 'backward' : 'forward'];

const one = (key: 'sid' | 'identity') => prepared(`user-${key}`, `
  select u.*, case when s.reachability_enabled then exists (
      select 1 from model.push_binding b where b.chat_service_sid = u.chat_service_sid and b.identity = u.identity) end as notifiable
    from model.chat_user u join model.service s on s.sid = u.chat_service_sid
   where u.account = $1 and u.chat_service_sid = $2 and u.${key} = $3`);
const ones = { sid: one('sid'), identity: one('identity') };
/** account, service, user's SID or identity. */
export const userBy = (key: 'sid' | 'identity') => ones[key];

export type UserConversationRow = ConversationRow & {
  participant_sid: string; last_read_message_index: number | null; unread: number | null; notification_level: 'default' | 'muted';
};
/** Beyond it nobody counts: a page of 50 must not walk millions of messages. */
const UNREAD_MAX = 10_000;
/** The horizon is the participant's; what is unread is counted behind it. */
const userConversations = `
  select c.*, p.sid as participant_sid, p.last_read_message_index, coalesce(n.notification_level, 'default') as notification_level,
         case when p.last_read_message_index is not null then (
           select count(*)::integer from (
             select 1 from model.message m where m.conversation_sid = c.sid and m.index > p.last_read_message_index limit ${UNREAD_MAX}) m) end as unread
    from model.participant p
    join model.conversation c on c.sid = p.conversation_sid and c.chat_service_sid = $2
    left join model.user_conversation n on n.sid = p.sid
   where p.account = $1 and p.identity = $3`;
const userPage = (after: '>' | '<') => prepared(`user-conversations${after}`,
  `${userConversations} and p.conversation_sid ${after} $4 order by p.conversation_sid ${after === '>' ? 'asc' : 'desc'} limit $5`);
const userPages = { forward: userPage('>'), backward: userPage('<') };
/** account, service, identity, conversation after which, rows at most. */
export const userConversationsPage = (back: boolean) => userPages[back ? 'backward' : 'forward'];

const userOne = (by: 'sid' | 'name') => prepared(`user-conversation-${by}`, `${userConversations} and c.${by === 'sid' ? 'sid' : 'unique_name'} = $4`);
const userOnes = { sid: userOne('sid'), name: userOne('name') };
/** account, service, identity, conversation's SID or unique name. */
export const userConversationBy = (by: 'sid' | 'name') => userOnes[by];

export type ParticipantConversationRow = ConversationRow & {
  participant_sid: string; identity: string | null; type: string | null; address: string | null; proxy_address: string | null; projected_address: string | null; user_sid: string | null;
};
const participantPage = (column: 'identity' | 'address', after: '>' | '<') => prepared(`participant-conversations-${column}${after}`, `
  select c.*, p.sid as participant_sid, p.identity, p.type, p.address, p.proxy_address, p.projected_address, u.sid as user_sid
    from model.participant p
    join model.conversation c on c.sid = p.conversation_sid and c.chat_service_sid = $2
    left join model.chat_user u on u.chat_service_sid = $2 and u.identity = p.identity
   where p.account = $1 and p.${column} = $3 and (p.conversation_sid, p.sid) ${after} ($4, $5)
   order by p.conversation_sid ${after === '>' ? 'asc' : 'desc'}, p.sid ${after === '>' ? 'asc' : 'desc'} limit $6`);
const participantPages = {
  identity: { forward: participantPage('identity', '>'), backward: participantPage('identity', '<') },
  address: { forward: participantPage('address', '>'), backward: participantPage('address', '<') },
};
/** account, service, identity or address, conversation and participant after which, rows at most. */
export const participantConversationsPage = (column: 'identity' | 'address', back: boolean) =>
  participantPages[column][back ? 'backward' : 'forward'];
