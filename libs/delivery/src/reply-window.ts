/**
 * The time in which a person who wrote may be written to freely (WhatsApp and Messenger: 24 hours); after that only approved
 * templates get through. Known here before a send, so that nothing is handed to the carrier just to be refused (63016).
 */
import type { InboundMessage } from '@parley/channel/inbound-event';
import type { Pool } from '@parley/event-store/database';

export const WINDOW_MILLIS = 24 * 3600_000;
/** A message on its way when the window closes is not in time (channel facts, 2.7). */
export const WINDOW_MARGIN_MILLIS = 30_000;

export type WindowPlan =
  /** Free text, files and forms. */
  | 'free'
  /** Closed, and the message is an approved template. */
  | 'template'
  /** Closed: 63016, unless a policy knows another way. */
  | 'closed';

/** `openedAt`: when the person last wrote, or since when we would know, whichever is later; null: this sender has no window. */
export function planForWindow({ openedAt, now, hasTemplate }: { openedAt: Date | null; now: Date; hasTemplate: boolean }): WindowPlan {
  if (openedAt === null || now.getTime() < openedAt.getTime() + WINDOW_MILLIS - WINDOW_MARGIN_MILLIS) return 'free';
  return hasTemplate ? 'template' : 'closed';
}

/** Whatever a person sends opens it, also what we cannot show; what a colleague wrote to them does not. `people`: all their names. */
export async function noteWindow(pool: Pool, account: string, { channel, to, kind, sentAt }: InboundMessage, people: readonly string[], receivedAt: string): Promise<void> {
  if (kind === 'echo') return;
  const at = sentAt === undefined || sentAt > receivedAt ? receivedAt : sentAt;
  await pool.query({
    name: 'note-window',
    text: `insert into delivery.reply_window as w (account, channel, sender, recipient, last_inbound_at) select $1, $2, $3, r, $5 from unnest($4::text[]) r order by r
           on conflict (account, channel, sender, recipient) do update set last_inbound_at = greatest(w.last_inbound_at, excluded.last_inbound_at)`,
    values: [account, channel, to, people, at],
  });
}
