/** Reads of conversations. Lists walk one of two indexes: by last activity, or by creation when a date is asked for. */
import { prepared } from './reads.js';

export type ConversationRow = {
  sid: string; account: string; chat_service_sid: string; messaging_service_sid: string | null; friendly_name: string | null;
  unique_name: string | null; attributes: string; state: string; timer_inactive: string | null; timer_closed: string | null;
  email_address: string | null; email_name: string | null; created_at: string; updated_at: string; last_activity_at: string;
};

const select = 'select * from model.conversation where account = $1 and chat_service_sid = $2 and';
const fetches = {
  sid: prepared('conversation', `${select} sid = $3`), name: prepared('conversation-by-name', `${select} unique_name = $3`),
};
/** account, service, SID or unique name. */
export const conversationBy = (by: 'sid' | 'name') => fetches[by];

const page = (name: string, column: string, after: '<' | '>', state: boolean) => prepared(
  `conversations-${name}${after}${state ? '-state' : ''}`,
  `${select} (${column}, sid) ${after} ($3::timestamptz, $4) and ${column} >= $5::timestamptz and ${column} <= $6::timestamptz
    ${state ? 'and state = $8' : ''} order by ${column} ${after === '<' ? 'desc' : 'asc'}, sid ${after === '<' ? 'desc' : 'asc'} limit $7`);
const lists = {
  'last_activity_at<': { any: page('activity', 'last_activity_at', '<', false), one: page('activity', 'last_activity_at', '<', true) },
  'last_activity_at>': { any: page('activity', 'last_activity_at', '>', false), one: page('activity', 'last_activity_at', '>', true) },
  'created_at<': { any: page('created', 'created_at', '<', false), one: page('created', 'created_at', '<', true) },
  'created_at>': { any: page('created', 'created_at', '>', false), one: page('created', 'created_at', '>', true) },
};
export type ConversationOrder = 'last_activity_at' | 'created_at';
/** account, service, after this time and SID (exclusive), earliest, latest, rows at most, state. */
export const conversationsPage = (order: ConversationOrder, back: boolean, state: boolean) =>
  lists[`${order}${back ? '>' : '<'}`][state ? 'one' : 'any'];
