/** Who refused our messages. A refusal holds for one sender of ours and one person, until the person allows it again. */
import type { InboundMessage } from '@parley/channel/inbound-event';
import type { Pool } from '@parley/event-store/database';

/** Takes note of a keyword; other messages change nothing. */
export async function noteKeyword(pool: Pool, account: string, { kind, channel, from, to }: InboundMessage): Promise<void> {
  const person = [account, channel, to, from];
  if (kind === 'opt_out')
    await pool.query('insert into delivery.opt_out (account, channel, sender, recipient) values ($1, $2, $3, $4) on conflict do nothing', person);
  if (kind === 'opt_in')
    await pool.query('delete from delivery.opt_out where account = $1 and channel = $2 and sender = $3 and recipient = $4', person);
}
