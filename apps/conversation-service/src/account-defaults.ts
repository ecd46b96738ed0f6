/** What an account gives to conversations that name none of their own; those that exist keep what they have. */
import type { Timers } from '@parley/domain/conversation/events';
import type { Pool } from '@parley/event-store/database';

type Row = { default_messaging_service_sid: string | null; default_inactive_timer: string | null; default_closed_timer: string | null };

export async function accountDefaults(pool: Pick<Pool, 'query'>, account: string): Promise<{ messagingServiceSid: string | null; timers: Timers }> {
  const { rows: [row] } = await pool.query<Row>({
    name: 'account-defaults',
    text: 'select default_messaging_service_sid, default_inactive_timer, default_closed_timer from model.account_configuration where sid = $1',
    values: [account],
  });
  return {
    messagingServiceSid: row?.default_messaging_service_sid ?? null,
    timers: {
      ...(row?.default_inactive_timer && { inactive: row.default_inactive_timer }),
      ...(row?.default_closed_timer && { closed: row.default_closed_timer }),
    },
  };
}
