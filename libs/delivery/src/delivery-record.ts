/** Deliveries as their account may see them: where each is, and every attempt with its way, our code and the carrier's own. */
import { receiptSidRange } from '@parley/domain/delivery/receipt-sid';
import type { MessageSid } from '@parley/domain/sid';
import { isoTime, type Pool } from '@parley/event-store/database';

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
/** Of one message, in the order of its recipients' lanes; or what waits, oldest first: of one sender, or of all. */
export type DeliveriesAsked = { message: MessageSid } | { sender: string | undefined };
const LISTED_MAX = 100;
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

/** At most a hundred. */
export async function listDeliveries(pool: Pool, account: string, asked: DeliveriesAsked): Promise<DeliveryRecord[]> {
  // No index has the message: a delivery's SID begins with its message's moment.
  const { rows } = 'message' in asked
    ? await pool.query<Row>(
      `select ${COLUMNS} from delivery.delivery where delivery_id between $1 and $2 and message_sid = $3 and account = $4 order by place limit ${LISTED_MAX}`,
      [...receiptSidRange(asked.message), asked.message, account])
    : await pool.query<Row>(
      `select ${COLUMNS} from delivery.delivery where account = $1 and state in ('queued', 'sending', 'unknown') and ($2::text is null or sender = $2) order by place limit ${LISTED_MAX}`,
      [account, asked.sender ?? null]);
  return withAttempts(pool, rows);
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
