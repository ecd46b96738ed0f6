/**
 * That somebody in the chat is typing, shown to the people of the conversation whose carrier can (WhatsApp): by the newest message they
 * wrote, within the 24 hours, at most once in 20 seconds each. Best effort and beside the deliveries: it waits for none of them, and none
 * for it; what fails is not tried again, as whoever types says so again.
 */
import type { TypingSignal } from '@parley/contracts/signals';
import type { Pool } from '@parley/event-store/database';
import { LruMap } from '@parley/event-store/lru-map';
import { logger } from '@parley/telemetry/logger';
import type { Carriers } from './carriers.js';
import { WINDOW_MARGIN_MILLIS, WINDOW_MILLIS } from './reply-window.js';

type Person = { account: string; sender: string; provider_message_id: string; carrier: string | null; connection: string | null; version: number | null };

/** Meta's indicator goes out after 25 s, or with the next message. */
const SHOWN_MILLIS = 20_000;
/** Conversations that were looked at; most have nobody to show it to. */
const LOOKED_AT_MAX = 20_000;
/** More at once are let be. */
const AT_ONCE = 20;
const CALL_MILLIS = 5_000;
const log = logger('typing');

export class TypingShown {
  /** When each conversation was last looked at, by this instance. */
  private readonly lookedAt = new LruMap<string, number>(LOOKED_AT_MAX);
  private readonly working = new Set<Promise<void>>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly pool: Pool,
    private readonly carriers: Pick<Carriers, 'adapterFor'>,
    private readonly channel: string,
    private readonly shownMillis = SHOWN_MILLIS,
  ) {}

  /** A TypingSignal, as it came. */
  told(signal: string): void {
    try {
      this.typed(JSON.parse(signal) as TypingSignal);
    } catch (error) {
      log.warn('a signal is not understood', { error });
    }
  }

  /** Returns at once. */
  typed({ conversation }: Pick<TypingSignal, 'conversation'>): void {
    const now = Date.now();
    if (this.stopping.signal.aborted || this.working.size >= AT_ONCE || now - (this.lookedAt.get(conversation) ?? 0) < this.shownMillis) return;
    this.lookedAt.set(conversation, now);
    const work: Promise<void> = this.show(conversation)
      .catch((error: unknown) => log.info('typing not shown', { conversation, error }))
      .finally(() => this.working.delete(work));
    this.working.add(work);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.working);
  }

  private async show(conversation: string): Promise<void> {
    const { rows } = await this.pool.query<Person>({
      name: 'show-typing', text: showSql, values: [conversation, this.channel, WINDOW_MILLIS - WINDOW_MARGIN_MILLIS, this.shownMillis],
    });
    const signal = AbortSignal.any([this.stopping.signal, AbortSignal.timeout(CALL_MILLIS)]);
    const shown = await Promise.allSettled(rows.map(async ({ account, carrier, connection, version, sender, provider_message_id: providerMessageId }) => {
      const adapter = await this.carriers.adapterFor({ account, carrier: carrier!, connection, version });
      await adapter?.markRead?.({ sender, providerMessageId, typing: true }, signal);
    }));
    const failed = shown.find(({ status }) => status === 'rejected');
    if (failed) throw (failed as PromiseRejectedResult).reason;
  }
}

// Whoever opened the window wrote something to show it by. The owner may not want it: it shows that the message was read, too.
const showSql = `
with shown as (
  update delivery.reply_window w set typing_shown_at = now()
    from model.address_binding b join delivery.sender s on s.account = b.account and s.channel = $2 and s.address = b.proxy_address
     and coalesce((s.policy->>'typing')::boolean, (s.policy->>'mark_read')::boolean, true)
   where b.conversation_sid = $1 and w.account = b.account and w.channel = $2 and w.sender = b.proxy_address and w.recipient = b.address
     and w.last_inbound_at > now() - $3 * interval '1 ms' and (w.typing_shown_at is null or w.typing_shown_at <= now() - $4 * interval '1 ms')
  returning w.account, w.sender, w.recipient, s.connection
)
select p.account, p.sender, i.provider_message_id, n.carrier, p.connection, n.version from shown p
  join delivery.connection n on n.sid = p.connection
 cross join lateral (
   select provider_message_id from delivery.inbound_message i
    where i.conversation_sid = $1 and i.account = p.account and i.channel = $2 and i.sender = p.sender and i.recipient = p.recipient
    order by i.received_at desc limit 1) i`;
