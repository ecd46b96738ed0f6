/**
 * From what carriers report to receipts in the log. The delivery's row moves first and only forward; the receipt follows,
 * and a row whose receipt is missing (we died in between) is found and reported again. Repeating either changes nothing.
 */
import type { DeliveryReceipt } from '@parley/channel/inbound-event';
import type { ConversationCommands } from '@parley/contracts/commands';
import type { ReceiptStatus } from '@parley/domain/delivery/delivery';
import { DomainError } from '@parley/domain/domain-error';
import type { ReceiptSid } from '@parley/domain/sid';
import type { Pool } from '@parley/event-store/database';
import { logger } from '@parley/telemetry/logger';
import { Batcher } from './batcher.js';
import { DELIVERY_ROW, type DeliveryRow } from './delivery-row.js';
import { reportedOf } from './group-sends.js';
import type { Lane } from './lane.js';
import { nextWay, wayColumns } from './other-ways.js';

/** A row that waits for its receipt this long lost the process that was at it. */
const LEFT_BEHIND_MILLIS = 5_000;
const SWEEP_MAX = 500;
const receiptStatuses: ReadonlySet<string> = new Set<ReceiptStatus>(['sent', 'delivered', 'read', 'failed', 'undelivered']);
/** SIDs of the API's form: `SM…`, `MM…`, `WA…`. Ids of carriers that look otherwise are not shown as such. */
const sidForm = /^[A-Z]{2}[0-9a-fA-F]{32}$/;
const log = logger('receipts');

type Said = Pick<DeliveryReceipt, 'providerMessageId' | 'status' | 'deliveryId' | 'errorCode' | 'carrierCode' | 'retryable'> & { account: string };
/** `whole`: about the message, made of what is known of all its pieces. */
type Meant = Said & { whole?: true };
type Applied = { matched: boolean; moved: DeliveryRow | undefined };
type Reported = { deliveryId: string; status: string };

export class Receipts {
  private readonly applying = new Batcher<Said, Applied>((said) => this.applyAll(said));
  private readonly marking = new Batcher<Reported, void>((reported) => this.markAll(reported), { pauseMillis: 10 });

  constructor(
    private readonly pool: Pool,
    private readonly conversations: ConversationCommands,
    /** A delivery that failed by one way waits in the lane of another now. */
    private readonly wake: (lane: Lane) => void = () => {},
  ) {}

  /** `unmatched`: no delivery of this account is meant, or it is not known yet that it is. */
  async apply(account: string, event: DeliveryReceipt): Promise<'done' | 'unmatched'> {
    if (event.recipient !== undefined) return this.applyToMember(account, event, event.recipient);
    const { providerMessageId, status, deliveryId, errorCode, carrierCode, retryable } = event;
    const { matched, moved } = await this.applying.do({ account, providerMessageId, status, deliveryId, errorCode, carrierCode, retryable });
    if (moved?.state === 'queued') this.wake({ account, channel: moved.channel, sender: moved.sender, recipient: moved.recipient });
    else if (moved) void this.report(moved);
    return matched ? 'done' : 'unmatched';
  }

  /** In a group each phone has a receipt. A failure of one is nothing to send to all of them again. */
  private async applyToMember(account: string, { recipient: _recipient, retryable: _again, ...event }: DeliveryReceipt, recipient: string): Promise<'done' | 'unmatched'> {
    const { errorCode: _code, carrierCode: _itsCode, ...taken } = event;
    const { deliveryId, providerMessageId } = event;
    const found = await reportedOf(this.pool, account, { deliveryId, providerMessageId, recipient });
    if (!found) return 'unmatched';
    // Whatever one of them says: the carrier has the message.
    if (found.open && found.member !== found.lead) await this.apply(account, { ...taken, status: 'accepted', deliveryId: found.lead });
    // Numbers of ours have no receipts.
    return found.member === null ? 'done' : this.apply(account, { ...event, deliveryId: found.member });
  }

  /** Writes the receipt of a row as it is. Does not throw: what fails is found by the sweep. */
  async report(row: DeliveryRow): Promise<void> {
    const { state: status } = row;
    if (!receiptStatuses.has(status)) return;
    // What is sent outside any conversation (answers to keywords) has nobody to show its receipt to.
    if (row.conversation_sid === '') return this.mark(row.delivery_id, status);
    const channelMessageSid = row.provider_message_ids.find((id) => sidForm.test(id)) ?? null;
    try {
      await this.conversations.reportDelivery({ account: row.account }, row.conversation_sid, {
        receiptSid: row.delivery_id, messageSid: row.message_sid, participantSid: row.participant_sid, channelMessageSid,
        status: status as ReceiptStatus, errorCode: row.error_code, ...(status === 'read' && row.channel === 'whatsapp' && { movesHorizon: true }),
      });
    } catch (error) {
      const gone = error instanceof DomainError && error.code === 'conversation_not_found';
      if (!gone) return log.warn('receipt not written yet', { delivery: row.delivery_id, status, error });
    }
    await this.mark(row.delivery_id, status);
  }

  private async mark(deliveryId: string, status: string): Promise<void> {
    await this.marking.do({ deliveryId, status }).catch((error: unknown) => log.warn('receipt not marked as written yet', { delivery: deliveryId, error }));
  }

  /** Writes the receipts that were left behind; those that fail again go to the end of the line. */
  async sweep(): Promise<number> {
    const { rows } = await this.pool.query<DeliveryRow>(
      `update delivery.delivery d set updated_at = now()
        where d.delivery_id in (
          select delivery_id from delivery.delivery
           where state in ('sent', 'delivered', 'read', 'failed', 'undelivered') and reported is distinct from state
             and updated_at < now() - $1 * interval '1 ms'
           order by updated_at limit $2 for update skip locked)
      returning ${DELIVERY_ROW}`, [LEFT_BEHIND_MILLIS, SWEEP_MAX],
    );
    await Promise.all(rows.map((row) => this.report(row)));
    return rows.length;
  }

  private async applyAll(said: Said[]): Promise<Applied[]> {
    const { applied, segmented: known } = await this.applyRows(said);
    const strange = said.map((one, o) => ({ ...one, o })).filter(({ deliveryId, o }) => deliveryId !== undefined && !applied[o]!.matched && !known.includes(o));
    const segmented = [...known, ...(await this.takeParts(strange))];
    if (segmented.length === 0) return applied;
    for (const o of segmented) applied[o] = { matched: true, moved: undefined };
    // Each piece moves by itself and commits; what follows for the message is asked afterwards, so that of two pieces reported
    // at once the later one sees both.
    const wholes = await this.moveSegments(segmented.map((o) => said[o]!));
    const { applied: ofWholes } = await this.applyRows(wholes.map(({ said: whole }) => whole));
    wholes.forEach(({ o }, i) => { applied[segmented[o]!] = ofWholes[i]!; });
    return applied;
  }

  private async applyRows(said: Meant[]): Promise<{ applied: Applied[]; segmented: number[] }> {
    const { rows } = await this.pool.query<DeliveryRow & { o: number; segmented: boolean; by: number | null }>({
      name: 'apply-receipts', text: applySql, values: [JSON.stringify(said.map((one, o) => ({ ...one, o })))],
    });
    const matched = new Set(rows.filter(({ segmented }) => !segmented).map(({ o }) => o));
    const moved = new Map(rows.filter((row) => row.by === row.o).map((row) => [row.o, row]));
    return {
      applied: said.map((_, o) => ({ matched: matched.has(o), moved: moved.get(o) })),
      segmented: [...new Set(rows.filter(({ segmented }) => segmented).map(({ o }) => o))],
    };
  }

  /**
   * A report with our reference of a part is as good as the answer to its send, which may have been lost: the part is taken. Nothing
   * of parts that were taken before. Returns which reports were about a part.
   */
  private async takeParts(said: (Said & { o: number })[]): Promise<number[]> {
    if (said.length === 0) return [];
    const { rows } = await this.pool.query<{ o: number } & Lane>({ name: 'take-parts', text: takePartsSql, values: [JSON.stringify(said)] });
    for (const { account, channel, sender, recipient } of rows) this.wake({ account, channel, sender, recipient });
    return rows.map(({ o }) => o);
  }

  /** What follows for the whole message of each: failed when a piece is, else as far as the piece that is furthest behind. */
  private async moveSegments(said: Said[]): Promise<{ o: number; said: Meant }[]> {
    const values = [JSON.stringify(said.map((one, o) => ({ ...one, o })))];
    await this.pool.query({ name: 'move-segments', text: moveSegmentsSql, values });
    const { rows } = await this.pool.query<{ o: number; delivery_id: ReceiptSid; state: Said['status']; error_code: number }>({ name: 'whole-of-segments', text: wholeSql, values });
    return rows.map(({ o, delivery_id, state, error_code }) => ({
      o, said: { ...said[o]!, deliveryId: delivery_id, status: state, errorCode: error_code === 0 ? undefined : error_code, whole: true },
    }));
  }

  private async markAll(reported: Reported[]): Promise<void[]> {
    const values = [reported.map(({ deliveryId }) => deliveryId), reported.map(({ status }) => status)];
    await this.pool.query({ name: 'mark-receipts', text: markSql, values });
    return reported.map(() => undefined);
  }
}

// By our reference if the carrier gave it back, else by its own id; always within the account that signed. Of several
// reports on one delivery the furthest counts. Lateral look-ups, and arrays of keys where a statement changes rows, keep the plan
// on few entries of an index whatever the statistics say.
const applySql = `
with said as (
  select r.*, delivery.rank(r.status) as rank from jsonb_to_recordset($1) as r (o integer, account text,
    "providerMessageId" text, status text, "deliveryId" text, "errorCode" integer, "carrierCode" text, retryable boolean, whole boolean)
), meant as materialized (
  select s.*, f.delivery_id, f.segmented from said s cross join lateral (
    (select g.delivery_id, true as segmented from delivery.segment g
      where s.whole is null and g.account = s.account and g.provider_message_id = s."providerMessageId" limit 1)
    union all
    (select d.delivery_id, false from delivery.delivery d where d.delivery_id = s."deliveryId" and d.account = s.account
        and (s.whole or not exists (select 1 from delivery.segment g where g.account = s.account and g.provider_message_id = s."providerMessageId")) limit 1)
    union all
    (select d.delivery_id, false from delivery.delivery d where s."deliveryId" is null
        and d.account = s.account and d.provider_message_ids[1] = s."providerMessageId" and d.provider_message_ids <> '{}'
        and not exists (select 1 from delivery.segment g where g.account = s.account and g.provider_message_id = s."providerMessageId") limit 1)) f
), furthest as (
  select distinct on (delivery_id) * from meant where not segmented order by delivery_id, rank desc
), locked as materialized (
  select f.*, l.attempt, l.leg, l.legs from furthest f cross join lateral (
    select d.attempt, w.leg, w.legs from delivery.delivery d
      left join lateral (${nextWay('f."errorCode"')}) w on f.status in ('failed', 'undelivered') and d.parts_left is null
     where d.delivery_id = f.delivery_id and delivery.rank(d.state) < f.rank
       and not (f.status not in ('delivered', 'read') and f."providerMessageId" = any (coalesce(d.former_ids, '{}'))) for update of d) l
), forgotten as (
  delete from delivery.segment g using locked l where l.leg is not null and g.delivery_id = l.delivery_id
), explained as (
  update delivery.attempt a set error_code = l."errorCode", carrier_code = l."carrierCode"
    from locked l where a.delivery_id = any (array(select delivery_id from locked where "errorCode" is not null))
     and a.delivery_id = l.delivery_id and a.attempt = l.attempt and l."errorCode" is not null
), moved as (
  update delivery.delivery d
     set state = case when l.leg is null then l.status else 'queued' end, error_code = coalesce(l."errorCode", 0), lease_owner = null,
         dead_letter = l.leg is null and coalesce(l.retryable, false), updated_at = now(),
         provider_message_ids = case when l.leg is not null then '{}' when d.provider_message_ids = '{}' then array[l."providerMessageId"] else d.provider_message_ids end,
         due_at = case when l.leg is null then d.due_at else now() end,${wayColumns('l.leg', 'l.legs', `array[l."providerMessageId"]`)}
    from locked l where d.delivery_id = any (array(select delivery_id from locked)) and d.delivery_id = l.delivery_id
  returning l.o as by, ${DELIVERY_ROW}
)
select m.o, m.segmented, v.by, v.* from meant m left join moved v on v.delivery_id = m.delivery_id`;

const saidOfSegments = `
with said as (
  select r.*, delivery.rank(r.status) as rank from jsonb_to_recordset($1) as r (o integer, account text, "providerMessageId" text, status text, "errorCode" integer)
)`;

const moveSegmentsSql = `${saidOfSegments}, furthest as (
  select distinct on (account, "providerMessageId") * from said order by account, "providerMessageId", rank desc
), locked as materialized (
  select f.* from furthest f cross join lateral (
    select g.state from delivery.segment g
     where g.account = f.account and g.provider_message_id = f."providerMessageId" and delivery.rank(g.state) < f.rank for update) l
)
update delivery.segment g set state = l.status, error_code = coalesce(l."errorCode", 0)
  from locked l where g.account = l.account and g.provider_message_id = l."providerMessageId"`;

const wholeSql = `${saidOfSegments}
select s.o, g.delivery_id, w.state, w.error_code from said s
  join delivery.segment g on g.account = s.account and g.provider_message_id = s."providerMessageId"
 cross join lateral (
   select e.state, e.error_code from delivery.segment e where e.delivery_id = g.delivery_id
    order by e.state in ('failed', 'undelivered') desc, delivery.rank(e.state), e.state limit 1) w
  join delivery.delivery d on d.delivery_id = g.delivery_id
 -- While parts of a long text are still to go, only a failure says something about all of it.
 where coalesce(d.parts_left, 0) = 0 or w.state in ('failed', 'undelivered')`;

const takePartsSql = `
with said as (
  select distinct on ("deliveryId") r.* from jsonb_to_recordset($1) as r (o integer, account text, "providerMessageId" text, "deliveryId" text) order by "deliveryId", o
), locked as materialized (
  select m.*, l.attempt from (
    select s.*, p.delivery_id, p.place from said s join delivery.text_part p on p.reference = s."deliveryId" order by p.delivery_id) m
  cross join lateral (
    select d.attempt from delivery.delivery d
     where d.delivery_id = m.delivery_id and d.account = m.account and d.state in ('sending', 'unknown')
       and m.place = (select min(e.place) from delivery.text_part e where e.delivery_id = m.delivery_id and not e.taken)
       for update of d) l
), taken as (
  update delivery.text_part p set taken = true from locked l where p.reference = l."deliveryId"
), ended as (
  update delivery.attempt a set ended_at = coalesce(a.ended_at, now()), outcome = 'accepted' from locked l where a.delivery_id = l.delivery_id and a.attempt = l.attempt
), segmented as (
  insert into delivery.segment (account, provider_message_id, delivery_id) select account, "providerMessageId", delivery_id from locked on conflict do nothing
)
update delivery.delivery d
   set state = case when d.parts_left = 1 then 'accepted' else 'queued' end, due_at = now(), parts_left = d.parts_left - 1, attempts_before = d.attempt, lease_owner = null,
       provider_message_ids = d.provider_message_ids || l."providerMessageId", updated_at = now()
  from locked l where d.delivery_id = l.delivery_id
returning l.o, d.account, d.channel, d.sender, d.recipient`;

const markSql = `
with said as (
  select delivery_id, status from unnest($1::text[], $2::text[]) r (delivery_id, status) order by delivery_id
), locked as materialized (
  select s.* from said s cross join lateral (
    select d.state from delivery.delivery d where d.delivery_id = s.delivery_id and d.state = s.status for update) l
)
update delivery.delivery d set reported = l.status from locked l where d.delivery_id = l.delivery_id`;
