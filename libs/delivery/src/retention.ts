/**
 * Removes what nobody asks for any more, in small steps: receipts and messages have their own records. A carrier's repetition
 * from before is recognised by the command's idempotency key (35 days), not by the inbox.
 */
import type { Pool } from '@parley/event-store/database';

/** What a statement of `removeInSteps` removes at once. */
export const STEP = 1000;
const steps = [
  // Late callbacks find their delivery for a month; so long dead letters can be replayed.
  `delete from delivery.delivery where delivery_id in (
     select delivery_id from delivery.delivery where created_at < now() - interval '30 days' and state not in ('queued', 'sending', 'unknown')
      order by created_at limit ${STEP})`,
  `delete from delivery.inbox where id in (
     select id from delivery.inbox where received_at < now() - interval '7 days' and state <> 'received' order by received_at limit ${STEP})`,
  `delete from delivery.part where id in (select id from delivery.part where received_at < now() - interval '7 days' order by received_at limit ${STEP})`,
  // Corrections and read marks come within days; a window closes after one.
  `delete from delivery.inbound_message where (account, provider_message_id) in (
     select account, provider_message_id from delivery.inbound_message where received_at < now() - interval '30 days' order by received_at limit ${STEP})`,
  `delete from delivery.reply_window where (account, channel, sender, recipient) in (
     select account, channel, sender, recipient from delivery.reply_window where last_inbound_at < now() - interval '7 days' order by last_inbound_at limit ${STEP})`,
  `delete from delivery.group_report where id in (
     select id from delivery.group_report where reported_at < now() - interval '7 days' order by reported_at limit ${STEP})`,
  // Deadlines are a week away at most, by hours that are not quiet.
  `delete from delivery.quiet_hours_past where (account, conversation_sid, until) in (
     select account, conversation_sid, until from delivery.quiet_hours_past where until < now() - interval '30 days' order by until limit ${STEP})`,
  // Names of people who have not written for a year.
  `delete from delivery.contact where id in (select id from delivery.contact where seen_at < now() - interval '365 days' order by seen_at limit ${STEP})`,
];

export const removeOldWork = (pool: Pool): Promise<void> => removeInSteps(pool, steps);

/** Each statement removes `STEP` rows at most, and is repeated while it finds so many. */
export async function removeInSteps(pool: Pool, statements: readonly string[]): Promise<void> {
  for (const statement of statements)
    for (let removed = STEP; removed === STEP; ) removed = (await pool.query(statement)).rowCount ?? 0;
}
