/** Deliveries as their account may see them: where each is, and every attempt with its way, our code and the carrier's own. */
import { channelOfProxy } from '@parley/domain/address';
import { receiptSidRange } from '@parley/domain/delivery/receipt-sid';
import type { MessageSid } from '@parley/domain/sid';
import { isoTime, type Pool } from '@parley/event-store/database';
import { UNFINISHED, waitingSenders } from './queues.js';

export type AttemptRecord = {
  attempt: number; way: number; channel: string | null; sender: string | null; recipient: string | null;
  /** null: still running, or its process died. `queued`: tried again after it. */
  outcome: string | null;
  errorCode: number | null; carrierCode: string | null; started: string; ended: string | null;
};
export type DeliveryRecord = {
  sid: string; conversation: string; message: string; participant: string; channel: string; sender: string; recipient: string; state: string; errorCode: number;
  providerMessageIds: string[]; due: string; deadline: string; created: string; updated: string; attempts: AttemptRecord[];
};
/** Of one message, in the order of its recipients' lanes; or what waits: of one sender, or of all. */
export type DeliveriesAsked = { message: MessageSid } | { sender: string | undefined };
const LISTED_MAX = 100;
/** So many of what waits are looked at for the oldest; shared by the senders that have something waiting. */
const SEEN_MAX = 10_000;
type Row = {
  delivery_id: string; conversation_sid: string; message_sid: string; participant_sid: string; channel: string; sender: string; recipient: string; state: string; error_code: number;
  provider_message_ids: string[]; due_at: string; deadline: string; created_at: string; updated_at: string;
};
type AttemptRow = {
  delivery_id: string; attempt: number; leg: number; channel: string | null; sender: string | null; recipient: string | null; outcome: string | null; error_code: number | null;
  carrier_code: string | null; started_at: string; ended_at: string | null;
};

const COLUMNS = `delivery_id, conversation_sid, message_sid, participant_sid, channel, sender, recipient, state, error_code, provider_message_ids,
  due_at, deadline, created_at, updated_at`;

export async function findDelivery(pool: Pool, account: string, sid: string): Promise<DeliveryRecord | undefined> {
  const { rows } = await pool.query<Row>(`select ${COLUMNS} from delivery.delivery where delivery_id = $1 and account = $2`, [sid, account]);
  return (await withAttempts(pool, rows))[0];
}

/** At most a hundred. Where more than `seenMax` wait, each sender's share is seen, person by person, and the oldest of these are listed. */
export async function listDeliveries(pool: Pool, account: string, asked: DeliveriesAsked, seenMax = SEEN_MAX): Promise<DeliveryRecord[]> {
  return withAttempts(pool, 'message' in asked ? await ofMessage(pool, account, asked.message) : await thatWait(pool, account, asked.sender, seenMax));
}

/** No index has the message: a delivery's SID begins with its message's moment. */
async function ofMessage(pool: Pool, account: string, message: MessageSid): Promise<Row[]> {
  const { rows } = await pool.query<Row>(
    `select ${COLUMNS} from delivery.delivery where delivery_id between $1 and $2 and message_sid = $3 and account = $4 order by place limit ${LISTED_MAX}`,
    [...receiptSidRange(message), message, account]);
  return rows;
}

async function thatWait(pool: Pool, account: string, sender: string | undefined, seenMax: number): Promise<Row[]> {
  const senders = sender === undefined ? await waitingSenders(pool, account) : [{ channel: channelOfProxy(sender) ?? '', sender }];
  const { rows } = await pool.query<Row>(
    `select ${COLUMNS} from unnest($2::text[], $3::text[]) s (of_channel, of_sender)
      cross join lateral (select ${COLUMNS}, place from delivery.delivery d where d.account = $1 and d.channel = s.of_channel and d.sender = s.of_sender and d.${UNFINISHED}
                           order by d.recipient, d.place limit $4) d
      order by place limit ${LISTED_MAX}`,
    [account, senders.map((each) => each.channel), senders.map((each) => each.sender), Math.ceil(seenMax / Math.max(1, senders.length))]);
  return rows;
}

async function withAttempts(pool: Pool, rows: readonly Row[]): Promise<DeliveryRecord[]> {
  if (rows.length === 0) return [];
  const { rows: attempts } = await pool.query<AttemptRow>(
    `select delivery_id, attempt, leg, channel, sender, recipient, outcome, error_code, carrier_code, started_at, ended_at
       from delivery.attempt where delivery_id = any ($1) order by attempt`, [rows.map((row) => row.delivery_id)]);
  return rows.map((row) => ({
    sid: row.delivery_id, conversation: row.conversation_sid, message: row.message_sid, participant: row.participant_sid, channel: row.channel, sender: row.sender,
    recipient: row.recipient, state: row.state, errorCode: row.error_code, providerMessageIds: row.provider_message_ids, due: isoTime(row.due_at), deadline: isoTime(row.deadline),
    created: isoTime(row.created_at), updated: isoTime(row.updated_at),
    attempts: attempts.filter((each) => each.delivery_id === row.delivery_id).map((each) => ({
      attempt: each.attempt, way: each.leg, channel: each.channel, sender: each.sender, recipient: each.recipient, outcome: each.outcome, errorCode: each.error_code,
      carrierCode: each.carrier_code, started: isoTime(each.started_at), ended: each.ended_at === null ? null : isoTime(each.ended_at),
    })),
  }));
}
