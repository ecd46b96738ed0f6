/** One delivery as its account may see it: where it is, and every attempt with its way, our code and the carrier's own. */
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
type Row = {
  conversation_sid: string; message_sid: string; participant_sid: string; channel: string; sender: string; recipient: string; state: string; error_code: number;
  provider_message_ids: string[]; due_at: string; deadline: string; created_at: string; updated_at: string;
};
type AttemptRow = {
  attempt: number; leg: number; channel: string | null; sender: string | null; recipient: string | null; outcome: string | null; error_code: number | null;
  carrier_code: string | null; started_at: string; ended_at: string | null;
};

export async function findDelivery(pool: Pool, account: string, sid: string): Promise<DeliveryRecord | undefined> {
  const { rows: [row] } = await pool.query<Row>(
    `select conversation_sid, message_sid, participant_sid, channel, sender, recipient, state, error_code, provider_message_ids, due_at, deadline, created_at, updated_at
       from delivery.delivery where delivery_id = $1 and account = $2`, [sid, account]);
  if (!row) return undefined;
  const { rows } = await pool.query<AttemptRow>(
    'select attempt, leg, channel, sender, recipient, outcome, error_code, carrier_code, started_at, ended_at from delivery.attempt where delivery_id = $1 order by attempt', [sid]);
  return {
    sid, conversation: row.conversation_sid, message: row.message_sid, participant: row.participant_sid, channel: row.channel, sender: row.sender, recipient: row.recipient,
    state: row.state, errorCode: row.error_code, providerMessageIds: row.provider_message_ids, due: isoTime(row.due_at), deadline: isoTime(row.deadline),
    created: isoTime(row.created_at), updated: isoTime(row.updated_at),
    attempts: rows.map((each) => ({
      attempt: each.attempt, way: each.leg, channel: each.channel, sender: each.sender, recipient: each.recipient, outcome: each.outcome, errorCode: each.error_code,
      carrierCode: each.carrier_code, started: isoTime(each.started_at), ended: each.ended_at === null ? null : isoTime(each.ended_at),
    })),
  };
}
