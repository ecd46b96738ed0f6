/**
 * Messages of people that were read in the chat, marked as read where they wrote them: for senders whose owner wants it
 * (`mark_read`). Best effort: what cannot be marked within some minutes is let be, the next one read covers it.
 */
import { SendError } from '@parley/channel/send-error';
import type { Connection, Pool } from '@parley/event-store/database';
import { logger } from '@parley/telemetry/logger';
import type { Carriers } from './carriers.js';

export type ReadHorizon = { conversationSid: string; participantSid: string; index: number };
type Mark = {
  account: string; channel: string; sender: string; recipient: string; provider_message_id: string; message_index: number; attempts: number;
  carrier: string | null; connection: string | null; version: number | null;
};

const PAUSE_MILLIS = 1_000;
const AT_ONCE = 20;
const ATTEMPTS_MAX = 5;
const CALL_MILLIS = 10_000;
const log = logger('read-marks');

/** The newest message of each person that a chat member has read by now. Repeating it changes nothing that matters. */
export async function noteReadHorizons(tx: Connection, horizons: readonly ReadHorizon[]): Promise<void> {
  if (horizons.length === 0) return;
  await tx.query({ name: 'note-read-horizons', text: noteSql, values: [JSON.stringify(horizons)] });
}

export class ReadMarks {
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly pool: Pool,
    private readonly carriers: Pick<Carriers, 'adapterFor'>,
    private readonly channel: string,
  ) {}

  start(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.working = this.work().catch((error: unknown) => log.warn('looking for read messages failed', { error })).then(() => this.start());
    }, PAUSE_MILLIS);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.working;
  }

  /** Until nothing is due. */
  async work(): Promise<void> {
    for (let found = AT_ONCE; found === AT_ONCE && !this.stopped; ) {
      const { rows } = await this.pool.query<Mark>({ name: 'take-read-marks', text: takeSql, values: [this.channel, AT_ONCE] });
      found = rows.length;
      await Promise.all(rows.map((mark) => this.mark(mark)));
    }
  }

  private async mark(mark: Mark): Promise<void> {
    const { account, sender, provider_message_id: providerMessageId, carrier, connection, version, attempts } = mark;
    try {
      const adapter = await this.carriers.adapterFor({ account, carrier, connection, version });
      await adapter?.markRead?.({ sender, providerMessageId }, AbortSignal.timeout(CALL_MILLIS));
    } catch (error) {
      const again = error instanceof SendError && error.outcome !== 'permanent' && attempts < ATTEMPTS_MAX;
      log.info('not marked as read', { sender, again, error });
      if (again) return;
    }
    await this.pool.query(
      'delete from delivery.read_mark where (account, channel, sender, recipient, provider_message_id) = ($1, $2, $3, $4, $5)',
      [mark.account, mark.channel, mark.sender, mark.recipient, providerMessageId]);
  }
}

// From each person's newest message back to the horizon: senders that do not want it cost one look-up of their policy.
const noteSql = `
insert into delivery.read_mark as r (account, channel, sender, recipient, provider_message_id, message_index)
select distinct on (b.account, x.channel, b.proxy_address, b.address) b.account, x.channel, b.proxy_address, b.address, x.provider_message_id, x.index
  from jsonb_to_recordset($1) h ("conversationSid" text, "participantSid" text, index integer)
  join model.participant p on p.sid = h."participantSid" and p.identity is not null
  join model.address_binding b on b.conversation_sid = h."conversationSid"
  join delivery.sender s on s.account = b.account and s.address = b.proxy_address and s.policy->>'mark_read' = 'true'
 cross join lateral (
   select i.channel, i.provider_message_id, m.index from delivery.inbound_message i join model.message m on m.sid = i.message_sid
    where i.conversation_sid = h."conversationSid" and i.recipient = b.address and i.sender = b.proxy_address and m.index <= h.index
    order by i.received_at desc limit 1) x
 order by b.account, x.channel, b.proxy_address, b.address, x.index desc
on conflict (account, channel, sender, recipient) do update
   set provider_message_id = excluded.provider_message_id, message_index = excluded.message_index, attempts = 0, due_at = now()`;

const takeSql = `
with due as (
  update delivery.read_mark set attempts = attempts + 1, due_at = now() + 20 * 2 ^ attempts * interval '1 s'
   where (account, channel, sender, recipient) in (
     select account, channel, sender, recipient from delivery.read_mark where channel = $1 and due_at <= now() order by due_at limit $2 for update skip locked)
  returning *)
select d.*, n.carrier, s.connection, n.version from due d
  left join delivery.sender s on s.account = d.account and s.channel = d.channel and s.address = d.sender
  left join delivery.connection n on n.sid = s.connection`;
