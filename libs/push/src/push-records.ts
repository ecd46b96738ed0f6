/** What became of notifications: those that failed, that wait for another attempt, or that the service keeps (`LogEnabled`). */
export type PushRecord = {
  id: number; account: string; chat_service_sid: string; conversation_sid: string; message_sid: string | null; binding_sid: string; kind: string; state: string;
  attempt: number; reason: string | null; created_at: string; updated_at: string;
};
type Queryable = { query<R extends object>(text: string, values: unknown[]): Promise<{ rows: R[] }> };

/** Newest first, at most `limit`. Never what they said. */
export async function listPushRecords(pool: Queryable, { account, limit }: { account: string; limit: number }): Promise<PushRecord[]> {
  const { rows } = await pool.query<PushRecord>(
    `select job_id as id, account, chat_service_sid, conversation_sid, message_sid, binding_sid, kind, state, attempt, reason, created_at, updated_at
       from push.job where account = $1 order by job_id desc limit $2`, [account, limit]);
  return rows;
}
