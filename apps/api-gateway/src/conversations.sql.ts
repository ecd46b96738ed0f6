/** Reads of conversations. Lists walk one of two indexes, state by state: by last activity, or by creation when a date is asked for. */
import { prepared } from './reads.js';

export type ConversationRow = {
  sid: string; account: string; chat_service_sid: string; messaging_service_sid: string | null; friendly_name: string | null;
  unique_name: string | null; attributes: string; state: string; timer_inactive: string | null; timer_closed: string | null;
  email_address: string | null; email_name: string | null; created_by: string | null; created_at: string; updated_at: string; last_activity_at: string;
  timers_from: string | null;
};

const select = 'select * from model.conversation where account = $1 and chat_service_sid = $2 and';
const fetches = {
  sid: prepared('conversation', `${select} sid = $3`), name: prepared('conversation-by-name', `${select} unique_name = $3`),
};
/** account, service, SID or unique name. */
export const conversationBy = (by: 'sid' | 'name') => fetches[by];

const states = ['initializing', 'active', 'inactive', 'closed'] as const;
type State = (typeof states)[number];
export type ConversationOrder = 'last_activity_at' | 'created_at';
type Direction = '<' | '>';

/**
 * One condition for each end of the range: with a second one at the end where the scan begins, Postgres may begin at that one
 * and pass over everything up to the page (measured: eight times the work 90,000 conversations deep). Each state has its own
 * part of the index; without one the four are merged.
 */
const page = (column: ConversationOrder, after: Direction, state?: State) => {
  const order = `order by ${column} ${after === '<' ? 'desc' : 'asc'}, sid ${after === '<' ? 'desc' : 'asc'} limit $6`;
  const of = (one: State) => `${select} state = '${one}' and (${column}, sid) ${after} ($3::timestamptz, $4)
    and ${column} ${after === '<' ? '>=' : '<='} $5::timestamptz ${order}`;
  return prepared(`conversations-${column}${after}${state ?? ''}`,
    state ? of(state) : `select * from (${states.map((one) => `(${of(one)})`).join(' union all ')}) c ${order}`);
};
type Page = ReturnType<typeof page>;
const pages = new Map<string, Page>();
for (const column of ['last_activity_at', 'created_at'] as const)
  for (const after of ['<', '>'] as const)
    for (const state of [undefined, ...states]) pages.set(`${column}${after}${state}`, page(column, after, state));

/** account, service, after this time and SID (exclusive), up to this time, rows at most. */
export const conversationsPage = (order: ConversationOrder, back: boolean, state: State | undefined): Page =>
  pages.get(`${order}${back ? '>' : '<'}${state}`)!;
