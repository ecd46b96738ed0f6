/**
 * States from the inline read models: they are written with the facts, so one statement sees a state and the version it
 * belongs to. Loading costs the same however long the history is; that it equals the fold of the facts is tested.
 */
import { conversation, withRoster, type Conversation } from '@parley/domain/conversation/conversation';
import type { ConversationState, Participant, Timers } from '@parley/domain/conversation/events';
import type { Delivery, ReceiptStatus } from '@parley/domain/delivery/delivery';
import type { ChannelType } from '@parley/domain/address';
import type { ParticipantSid } from '@parley/domain/sid';
import { isoTime, type Connection, type Pool } from './database.js';

type ConversationRow = {
  version: number;
  next_index: number;
  chat_service_sid: string | null;
  state: ConversationState | null;
  timer_inactive: string | null;
  timer_closed: string | null;
  last_activity_at: string;
  timers_from: string | null;
  participants: ParticipantRow[] | null;
};
type ParticipantRow = {
  sid: ParticipantSid;
  identity: string | null;
  type: ChannelType | null;
  address: string | null;
  proxy_address: string | null;
  projected_address: string | null;
  attributes: string;
  role_sid: string | null;
  /** Of those outside the chat; null also when it is not known. */
  read_up_to: number | null;
};

export async function loadConversation(
  pool: Pick<Pool, 'query'> | Connection, shard: number, account: string, sid: string,
): Promise<{ version: number; state: Conversation }> {
  const { rows } = await pool.query<ConversationRow>({
    name: 'load-conversation',
    text: `select s.version, s.next_index, c.chat_service_sid, c.state, c.timer_inactive, c.timer_closed, c.last_activity_at, c.timers_from,
                  (select json_agg(json_build_object('sid', p.sid, 'identity', p.identity, 'type', p.type, 'address', p.address,
                                   'proxy_address', p.proxy_address, 'projected_address', p.projected_address, 'attributes', p.attributes, 'role_sid', p.role_sid,
                                   'read_up_to', case when p.identity is null then p.last_read_message_index end) order by p.created_at, p.sid)
                     from model.participant p where p.conversation_sid = $3) as participants
             from log.stream s left join model.conversation c on c.sid = $3 and c.account = $4
            where s.shard = $1 and s.stream = $2 and s.account = $4`,
    values: [shard, `conversation-${sid}`, sid, account],
  });
  const row = rows[0];
  if (!row) return { version: 0, state: conversation.initialState };
  if (row.state === null) return { version: row.version, state: { ...conversation.initialState, status: 'deleted' } };
  const timers: Timers = {
    ...(row.timer_inactive !== null && { inactive: row.timer_inactive }), ...(row.timer_closed !== null && { closed: row.timer_closed }),
  };
  const state: Conversation = {
    ...conversation.initialState, status: row.state, chatServiceSid: row.chat_service_sid!, timers, nextIndex: row.next_index,
    lastActivityAt: isoTime(row.last_activity_at), timersFrom: row.timers_from === null ? '' : isoTime(row.timers_from),
  };
  const participants = row.participants ?? [];
  const readUpTo = new Map(participants.flatMap(({ sid, read_up_to }) => (read_up_to === null ? [] : [[sid, read_up_to] as const])));
  return { version: row.version, state: { ...withRoster(state, new Map(participants.map((p) => [p.sid, participant(p)]))), readUpTo } };
}

const participant = (row: ParticipantRow): Participant => ({
  participantSid: row.sid,
  identity: row.identity,
  binding: row.address === null || row.proxy_address === null ? null : { type: row.type!, address: row.address, proxyAddress: row.proxy_address },
  attributes: row.attributes,
  roleSid: row.role_sid,
  ...(row.projected_address !== null && { group: { projectedAddress: row.projected_address } }),
  ...(row.address !== null && row.proxy_address === null && { group: { address: row.address } }),
});

export async function loadDelivery(
  pool: Pick<Pool, 'query'>, shard: number, stream: string, messageSid: string, conversationSid: string,
): Promise<{ version: number; state: Delivery; conversationExists: boolean }> {
  const { rows } = await pool.query<DeliveryRow>({
    name: 'load-delivery',
    text: `select c.sid as conversation, s.version, r.sid, r.status, r.error_code
             from (select (select sid from model.conversation where sid = $4) as sid) c
             left join log.stream s on s.shard = $1 and s.stream = $2 left join model.receipt r on r.message_sid = $3`,
    values: [shard, stream, messageSid, conversationSid],
  });
  const state: Record<string, Delivery[string]> = {};
  for (const { sid, status, error_code } of rows) if (sid !== null) state[sid] = { status, errorCode: error_code };
  return { version: rows[0]!.version ?? 0, state, conversationExists: rows[0]!.conversation !== null };
}

type DeliveryRow = { conversation: string | null; version: number | null; sid: string | null; status: ReceiptStatus; error_code: number };
