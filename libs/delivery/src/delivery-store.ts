/**
 * The state machine of deliveries, as statements that each commit alone. Claiming takes the head of a lane and records the
 * attempt before anybody calls the carrier; settling records how it ended. Both work on many lanes at once.
 */
import type { RecipientRate, SenderPolicy } from '@parley/contracts/rest/sender-policy';
import type { ContentTypes, ContentVariables, MessageContent } from '@parley/domain/content-template';
import type { QuietHours } from '@parley/domain/delivery/quiet-hours';
import type { Leg, RoutingPolicy } from '@parley/domain/delivery/routing';
import { newSid, type MessageSid, type ReceiptSid } from '@parley/domain/sid';
import type { Pool } from '@parley/event-store/database';
import { Batcher } from './batcher.js';
import { Contacts } from './contacts.js';
import { DELIVERY_ROW, type DeliveryRow, type DeliveryState } from './delivery-row.js';
import { GroupSends, type GroupMembers } from './group-sends.js';
import { providerIdFor } from './known-messages.js';
import type { Lane } from './lane.js';
import { wayColumns } from './other-ways.js';
import { lateness, type Overdue } from './quiet-time.js';
import type { WaitsFor } from './waiting.js';

/** The head of a lane, ours until the lease ends. */
export type Claim = DeliveryRow & {
  /** `sending`: an attempt was begun just now. `unknown`: an earlier one ended without an answer. */
  state: 'sending' | 'unknown';
  attempt: number;
  /** Nobody noted how the attempt ended: its process died, just now for all we know. */
  orphaned: boolean;
  /** By ways it was on before. */
  attempts_before: number;
  /** Of the way it is on. */
  first_attempt_at: string;
  /** Of its conversation and account. */
  routing: RoutingPolicy;
  /** Which way it is on, from 0. */
  leg: number;
  /** Ways that are left; null: never asked for. */
  legs: Leg[] | null;
  /** SID of the content template that goes instead of the message, and what is stored of it. */
  template: string | null;
  stored_template: StoredTemplate | null;
  /** People outside the chat who get the message. */
  audience: number | null;
  /** Where the policy wants authors named: a user's name, or the attributes of a participant outside the chat. */
  author_name: string | null;
  author_attributes: string | null;
  /** What the sender can beyond text; null: what its channel can. */
  capabilities: string[] | null;
  /** Past its deadline, which counts no quiet hours. */
  expired: boolean;
  /** Of the time until now, what its deadline does not count: milliseconds, asked for only where it matters. */
  quietMillis: number;
  /** The message still exists. */
  found: boolean;
  body: string | null;
  /** JSON, of the message. */
  attributes: string | null;
  /** When this person last wrote to this sender, or since when we would know; null: the simulator's. */
  window_opened_at: string | null;
  /** Files of the message that still exist, in its order; `fetching`: another carrier has it still. */
  files: { sid: string; size: number; state: string; content_type: string; filename: string | null }[] | null;
  /** What a content template said for each channel. */
  content: MessageContent | null;
  opted_out: boolean;
  /** This person wants no marketing from this sender, and everything else. */
  refuses_marketing: boolean;
  /** Of a message in a group. */
  group_members: GroupMembers | null;
  /** Once it is known who is written to: the others. */
  group?: readonly string[];
  /** Of a text that goes as several messages: the first that no carrier has, and how many there are with it. */
  part: TextPart | null;
  parts_left: number | null;
  /** null: the sender is not the account's. */
  carrier: string | null;
  /** null with a carrier: the simulator, without any connection. */
  connection: string | null;
  version: number | null;
  /** Of the account's own senders: SID, messages a second (null: as the carrier says), sends of a day, policy. */
  sender_sid: string | null;
  rate: number | null;
  daily_cap: number | null;
  policy: SenderPolicy | null;
};

export type StoredTemplate = { types: ContentTypes; variables: ContentVariables; language: string; approval: { name: string; category: string; status: string } | null };

/** `reference`: the carrier is given it as the delivery's SID. `place`: from 0. */
export type TextPart = { reference: ReceiptSid; place: number; body: string };

export type Settlement = {
  deliveryId: ReceiptSid;
  attempt: number;
  state: Extract<DeliveryState, 'accepted' | 'sent' | 'queued' | 'unknown' | 'failed' | 'cancelled'>;
  providerMessageIds?: string[];
  /** Each of the ids is a piece of the message, and each will be reported on: it arrived when all of them have. */
  segments?: boolean;
  /** A carrier has this part of a long text, by its reference; `queued`: there are more. */
  part?: ReceiptSid | undefined;
  /** The carrier was not called after all: it was no attempt. */
  unbegun?: boolean;
  errorCode?: number;
  /** The carrier's own, for the record of attempts. */
  carrierCode?: string | undefined;
  /** Until somebody looks at it again, for `queued` and `unknown`. */
  dueInMillis?: number;
  /** What the deadline has not counted so far; retries end with the deadline. */
  quietMillis?: number;
  /** Until the end of quiet hours it waits beyond the deadline, which stands still meanwhile: no carrier is waited for. */
  waitsFor?: WaitsFor;
  /** The hours, the cap or the limits, as claimed: when they are others by now it does not wait. */
  waitsBy?: QuietHours | number | { rate: number | null; recipient_rate: RecipientRate | null };
  /** The way it goes on, for `queued`, and those that are left (after it). */
  leg?: Leg;
  legs?: Leg[];
  deadLetter?: boolean;
};

export class DeliveryStore {
  private readonly claims = new Batcher<Lane, Claim | undefined>((lanes) => this.claimAll(lanes));
  private readonly settlements = new Batcher<Settlement, DeliveryRow | undefined>((all) => this.settleAll(all));

  readonly groups: GroupSends;

  constructor(
    private readonly pool: Pool,
    private readonly owner: string,
    /** Longer than a call may take: who is silent for so long is taken for dead, and the attempt for unknown. */
    private readonly leaseMillis = 15_000,
  ) {
    this.groups = new GroupSends(pool);
  }

  /** The lane's next piece of work, if it is due and nobody has it. */
  claim(lane: Lane): Promise<Claim | undefined> {
    return this.claims.do(lane);
  }

  /** The row as it is now; undefined when something newer overtook this attempt (a callback, another process). */
  settle(settlement: Settlement): Promise<DeliveryRow | undefined> {
    return this.settlements.do(settlement);
  }

  /** Of these ids of a carrier, those that no other delivery of the account has, nor an earlier way or part of this one. */
  async unclaimed({ account, delivery_id, part }: Claim, providerMessageIds: readonly string[]): Promise<string[]> {
    const { rows } = await this.pool.query<{ id: string }>(
      `select id from unnest($3::text[]) id where not exists (
         select 1 from delivery.delivery d where d.account = $1 and d.delivery_id <> $2
            and d.provider_message_ids[1] = id and d.provider_message_ids <> '{}')
          and not exists (select 1 from delivery.segment g where g.account = $1 and g.provider_message_id = id and (g.delivery_id <> $2 or $4))
          and not exists (select 1 from delivery.delivery d where d.delivery_id = $2 and id = any (d.former_ids))`,
      [account, delivery_id, providerMessageIds, part !== null],
    );
    return rows.map(({ id }) => id);
  }

  /** What this recipient's carrier calls a message. */
  idOf(claim: Claim, messageSid: MessageSid): Promise<string | undefined> {
    return providerIdFor(this.pool, claim, messageSid);
  }

  /** The carrier knows the recipient by other names as well: under those they may answer. */
  async noteNames({ account, channel, recipient }: Claim, names: readonly string[]): Promise<void> {
    await new Contacts(this.pool).note({ account, channel }, [recipient, ...names]);
  }

  /** Counts a send of the day (UTC): false when the sender's cap is reached. */
  async takeOfDay(sender: string, cap: number): Promise<boolean> {
    const { rowCount } = await this.pool.query(
      `insert into delivery.sender_day as d (sender, day, sent) values ($1, (now() at time zone 'utc')::date, 1)
       on conflict (sender, day) do update set sent = d.sent + 1 where d.sent < $2`, [sender, cap],
    );
    return rowCount === 1;
  }

  /** It did not leave after all. */
  async giveBackOfDay(sender: string): Promise<void> {
    await this.pool.query("update delivery.sender_day set sent = sent - 1 where sender = $1 and day = (now() at time zone 'utc')::date and sent > 0", [sender]);
  }

  /**
   * Hands the delivery on to the next sender of the messaging service its recipient came by: one that has not failed for it,
   * is not refused by the recipient, may write to where they are and has room in its day. Undefined: there is none. The lane it goes on in.
   */
  async handOver({ delivery_id, attempt, account, channel, sender, recipient, sender_sid }: Claim): Promise<Lane | undefined> {
    if (sender_sid === null) return undefined;
    const { rows: [next] } = await this.pool.query<{ address: string }>(handOverSql, [delivery_id, attempt, account, channel, recipient, sender_sid, sender]);
    return next && { account, channel, sender: next.address, recipient };
  }

  /** Before the first attempt: a report that comes before its answer finds them. */
  async noteLegs({ delivery_id }: Claim, legs: readonly Leg[]): Promise<void> {
    await this.pool.query('update delivery.delivery set legs = $2 where delivery_id = $1 and legs is null', [delivery_id, JSON.stringify(legs)]);
  }

  /** Before the first attempt: what is sent as parts stays cut like this, whatever becomes of the message. Returns the first. */
  async noteParts({ delivery_id, attempt }: Claim, texts: readonly string[]): Promise<TextPart> {
    const parts = texts.map((body, place): TextPart => ({ reference: newSid('DY'), place, body }));
    const { rowCount } = await this.pool.query(notePartsSql, [delivery_id, attempt, parts.length, JSON.stringify(parts)]);
    if (rowCount !== parts.length) throw new Error('a long text was cut by somebody else');
    return parts[0]!;
  }

  private async claimAll(lanes: Lane[]): Promise<(Claim | undefined)[]> {
    const { rows } = await this.pool.query<Omit<Claim, 'expired' | 'quietMillis'> & { o: number; overdue: Overdue | null }>({
      name: 'claim-deliveries', text: claimSql,
      values: [
        this.owner, this.leaseMillis, lanes.map((l) => l.account), lanes.map((l) => l.channel), lanes.map((l) => l.sender),
        lanes.map((l) => l.recipient),
      ],
    });
    const late = await lateness(this.pool, rows);
    const claimed = new Map(rows.map((row, i): [number, Claim] => [row.o, { ...row, ...late[i]! }]));
    return lanes.map((_, i) => claimed.get(i + 1));
  }

  private async settleAll(settlements: Settlement[]): Promise<(DeliveryRow | undefined)[]> {
    const { rows } = await this.pool.query<DeliveryRow>({
      name: 'settle-deliveries', text: settleSql, values: [JSON.stringify(settlements)],
    });
    const settled = new Map(rows.map((row) => [row.delivery_id, row]));
    return settlements.map(({ deliveryId }) => settled.get(deliveryId));
  }
}

// `head` is the first of each lane whoever holds it: a lane whose head is taken is passed over, never its second row taken.
// What an account that is not active has queued stays as it is, until it is active again. A group's message waits for those before it also
// when they are in another phone's lane, because the first phone has left since, and for the call that was under way when it was handed on to
// this lane, in front of it; outside groups nothing of that is asked.
const claimSql = `
with head as (
  select l.o, h.delivery_id, h.state
    from unnest($3::text[], $4::text[], $5::text[], $6::text[]) with ordinality l (account, channel, sender, recipient, o)
   cross join lateral (
     select d.delivery_id, d.state, d.due_at, d.group_members is null as single, d.conversation_sid, d.place from delivery.delivery d
      where d.account = l.account and d.channel = l.channel and d.sender = l.sender and d.recipient = l.recipient
        and d.state in ('queued', 'sending', 'unknown')
      order by d.place limit 1) h
   where h.due_at <= now() and not exists (select 1 from registry.account i where i.sid = l.account and i.status <> 'active')
     and (h.single or not exists (
       select 1 from delivery.delivery b where b.group_members is not null and b.state in ('queued', 'sending', 'unknown')
          and b.conversation_sid = h.conversation_sid and b.sender = l.sender and b.place < h.place)
       and not exists (
       select 1 from delivery.delivery f where f.account = l.account and f.channel = l.channel and f.sender = l.sender and f.recipient = l.recipient
          and f.state = 'sending' and f.due_at > now() and f.place > h.place))
), free as (
  select head.o, head.delivery_id, l.state = 'queued' as begins
    from head cross join lateral (
      select d.state from delivery.delivery d where d.delivery_id = head.delivery_id and d.state = head.state and d.due_at <= now()
         for update skip locked) l
), claimed as (
  update delivery.delivery d
     set state = case when f.begins then 'sending' else 'unknown' end, attempt = d.attempt + f.begins::integer,
         lease_owner = $1, due_at = now() + $2 * interval '1 ms', updated_at = now()
    from free f where d.delivery_id = f.delivery_id
  returning f.o::integer, ${DELIVERY_ROW}, d.attempt, d.attempts_before, d.legs, d.leg, d.template, d.message_index, d.body as own_body, d.parts_left, d.group_members, 
            case when d.deadline <= now() then array[extract(epoch from coalesce(d.deadline_since, d.created_at)) * 1000, extract(epoch from d.deadline) * 1000, extract(epoch from now()) * 1000]::float8[] end as overdue
), attempted as (
  insert into delivery.attempt (delivery_id, attempt, owner, leg, channel, sender, recipient)
  select delivery_id, attempt, $1, leg, channel, sender, recipient from claimed where state = 'sending'
)
select c.*, c.own_body is not null or m.sid is not null as found, coalesce(c.own_body, m.body) as body, m.attributes, t.content,
       case when s.sid is not null then greatest(w.last_inbound_at, s.windows_since) end as window_opened_at,
       p.routing, m.recipients as audience, a.name as author_name, a.attributes as author_attributes, s.capabilities,
       case when c.template is not null then (
         select json_build_object('types', e.types, 'variables', e.variables, 'language', e.language, 'approval', e.approval)
           from model.content_template e where e.sid = c.template and e.account = c.account) end as stored_template,
       case when m.media is not null then (
         select coalesce(json_agg(json_build_object('sid', f.sid, 'size', f.size, 'state', f.state, 'content_type', f.content_type, 'filename', f.filename) order by e.place), '[]')
           from json_array_elements(m.media::json) with ordinality e (file, place)
           join media.media f on f.sid = e.file->>'sid' and f.account = c.account and f.state in ('stored', 'fetching') and f.category = 'media') end as files,
       coalesce(x.reason <> 'marketing', false) and c.own_body is null as opted_out, coalesce(x.reason = 'marketing', false) as refuses_marketing,
       case when c.parts_left > 0 then (
         select json_build_object('reference', e.reference, 'place', e.place, 'body', e.body)
           from delivery.text_part e where e.delivery_id = c.delivery_id and not e.taken order by e.place limit 1) end as part,
       delivery.carrier_of(c.account, c.channel, c.sender) as carrier, s.connection, n.version, s.sid as sender_sid, s.rate, s.daily_cap, s.policy,
       c.state = 'unknown' and exists (select 1 from delivery.attempt a where a.delivery_id = c.delivery_id and a.attempt = c.attempt and a.ended_at is null) as orphaned,
       coalesce((select min(a.started_at) from delivery.attempt a where a.delivery_id = c.delivery_id and a.attempt > c.attempts_before), now()) as first_attempt_at
  from claimed c
  left join model.message m on m.conversation_sid = c.conversation_sid and m.index = c.message_index
  left join model.message_content t on m.content_sid is not null and t.sid = m.sid
 cross join lateral (select case when c.own_body is null then delivery.policy_of(c.account, c.conversation_sid) else '{}' end as routing) p
  left join lateral (
    select (select coalesce(u.friendly_name, u.identity) from model.conversation v join model.chat_user u on u.chat_service_sid = v.chat_service_sid
             where v.sid = c.conversation_sid and u.identity = m.author) as name,
           (select e.attributes from model.participant e where e.sid = m.participant_sid) as attributes
  ) a on p.routing->>'author_name' in ('group', 'always')
  left join delivery.sender s on s.account = c.account and s.channel = c.channel and s.address = c.sender
  left join delivery.connection n on n.sid = s.connection
  left join delivery.reply_window w on w.account = c.account and w.channel = c.channel and w.sender = c.sender and w.recipient = c.recipient
  left join delivery.opt_out x on x.account = c.account and x.channel = c.channel and x.sender = c.sender and x.recipient = c.recipient`;

// Rows are locked in one order everywhere, so that settlements and callbacks never wait for each other crosswise. Lateral
// look-ups keep the plan on indexes whatever the statistics say. Whether what puts a delivery off still holds is asked only of those that are put
// off: account by account, and after all rows are locked, for the same reason.
const settleSql = `
with said as (
  select * from jsonb_to_recordset($1) as r ("deliveryId" text, attempt smallint, state text, "providerMessageIds" text[],
    "errorCode" integer, "dueInMillis" float, "quietMillis" float, "waitsFor" text, "waitsBy" jsonb, "deadLetter" boolean, "carrierCode" text, segments boolean, part text, unbegun boolean, leg jsonb, legs jsonb)
), ended as (
  update delivery.attempt a set ended_at = now(), outcome = case when r.part is not null then 'accepted' when r.leg is null then r.state else 'failed' end, error_code = r."errorCode", carrier_code = r."carrierCode"
    from said r where a.delivery_id = r."deliveryId" and a.attempt = r.attempt and r.unbegun is not true
), unmade as (
  delete from delivery.attempt a using said r where a.delivery_id = r."deliveryId" and a.attempt = r.attempt and r.unbegun
), locked as materialized (
  select r.*, l.account, l.conversation_sid, l.channel, l.sender from (select * from said order by "deliveryId") r cross join lateral (
    select d.account, d.conversation_sid, d.channel, d.sender from delivery.delivery d
     where d.delivery_id = r."deliveryId" and d.attempt = r.attempt and d.state in ('sending', 'unknown') for update) l
), ruled as materialized (
  select w."deliveryId", delivery.still_waits(w.account, w.conversation_sid, w.channel, w.sender, w."waitsFor", w."waitsBy") as still
    from (select * from locked where "waitsFor" is not null order by account offset 0) w
), segmented as (
  insert into delivery.segment (account, provider_message_id, delivery_id)
  select d.account, i.id, r."deliveryId" from locked r join delivery.delivery d on d.delivery_id = r."deliveryId"
   cross join lateral unnest(r."providerMessageIds") i (id) where r.segments on conflict do nothing
), taken as (
  update delivery.text_part p set taken = true from locked r where p.reference = r.part and p.delivery_id = r."deliveryId"
)
update delivery.delivery d
   set state = r.state, attempt = d.attempt - (r.unbegun is true)::integer, error_code = coalesce(r."errorCode", 0), lease_owner = null,
       dead_letter = coalesce(r."deadLetter", false), updated_at = now(),
       provider_message_ids = case when r.leg is not null then '{}' when r.part is not null then d.provider_message_ids || r."providerMessageIds"
                                   else coalesce(r."providerMessageIds", d.provider_message_ids) end,
       parts_left = case when r.leg is null then d.parts_left - (r.part is not null)::integer end,
       due_at = least(now() + case when u.still is not false then coalesce(r."dueInMillis", 0) else 0 end * interval '1 ms',
                      case when r.leg is null and r."waitsFor" is distinct from 'quiet_hours' then d.deadline + coalesce(r."quietMillis", 0) * interval '1 ms' end),
       waits_for = case when u.still is not false then r."waitsFor" end,${wayColumns('r.leg', 'r.legs', undefined, 'r.part is not null')}
  from locked r left join ruled u using ("deliveryId") where d.delivery_id = r."deliveryId"
returning ${DELIVERY_ROW}`;

const handOverSql = `
with next as (
  select s.sid, s.address, k.service from delivery.sticky_sender k
    join delivery.messaging_service_sender p on p.service = k.service
    join delivery.sender s on s.sid = p.sender and s.account = $3 and s.channel = $4 and s.sid <> $6
    join delivery.delivery d on d.delivery_id = $1
    left join delivery.sender_day y on y.sender = s.sid and y.day = (now() at time zone 'utc')::date
   where k.sender = $6 and k.channel = $4 and k.recipient = $5 and s.address <> all (coalesce(d.tried, '{}')) and not coalesce(y.sent >= s.daily_cap, false)
     and delivery.may_write_to(s.policy, $5)
     and not exists (select 1 from delivery.opt_out x where x.account = $3 and x.channel = $4 and x.sender = s.address and x.recipient = $5 and x.reason <> 'marketing')
   order by p.place, s.sid limit 1
), ended as (
  update delivery.attempt set ended_at = now(), outcome = 'queued' where delivery_id = $1 and attempt = $2
), moved as (
  update delivery.delivery d
     set sender = n.address, tried = coalesce(d.tried, '{}') || $7::text, parts_left = null, state = 'queued', place = default, due_at = now(), lease_owner = null, updated_at = now()
    from next n where d.delivery_id = $1 and d.attempt = $2 and d.state = 'sending'
  returning n.sid, n.address, n.service
), noted as (
  insert into delivery.sticky_sender (service, channel, recipient, sender) select service, $4, $5, sid from moved
  on conflict (service, channel, recipient, sender) do update set updated_at = now()
)
select address from moved`;

const notePartsSql = `
with cut as (
  update delivery.delivery set parts_left = $3 where delivery_id = $1 and attempt = $2 and state in ('sending', 'unknown') and parts_left is null returning delivery_id
), former as (
  -- Of an earlier way.
  delete from delivery.text_part p using cut where p.delivery_id = cut.delivery_id
)
insert into delivery.text_part (reference, delivery_id, place, body)
select e.reference, cut.delivery_id, e.place, e.body from cut, jsonb_to_recordset($4) as e (reference text, place smallint, body text)`;
