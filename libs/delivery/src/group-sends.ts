/**
 * Messages to groups on phones: one delivery is sent, that of the first phone, and the carrier brings it to all of them. The others' rows
 * follow from it: what each of them refused, what became of the send, what their handsets report. No lane ever waits for those.
 */
import { refusals, regionAllowed } from '@parley/domain/delivery/routing';
import type { ParticipantSid, ReceiptSid } from '@parley/domain/sid';
import type { Pool } from '@parley/event-store/database';
import { DELIVERY_ROW, type DeliveryRow, type DeliveryState } from './delivery-row.js';
import type { Claim } from './delivery-store.js';
import type { Lane } from './lane.js';

export type GroupMembers = {
  /** Everybody it goes to, also numbers of ours. */
  numbers: string[];
  /** Who gets a receipt; the delivery's own first. Empty: it is to one phone alone, a message like any other but for its place among the group's. */
  phones: { deliveryId: ReceiptSid; participantSid: ParticipantSid; recipient: string }[];
};
/** `told`: the rows of those who are left out. */
type Admitted = { told: DeliveryRow[] } & ({ claim: Claim } | { errorCode: number; handedOn: Lane | undefined });
type Shared = { deliveryId: ReceiptSid; state: DeliveryState; errorCode: number; members?: GroupMembers };

export class GroupSends {
  constructor(private readonly pool: Pool) {}

  /**
   * Those who may be written to, with receipts for the others: who opted out, and where the sender or the policy does not write to. When that
   * is the first phone, the next one takes its place: `handedOn` is its lane, and the claim fails with `errorCode`.
   */
  async admitted(claim: Claim): Promise<Admitted> {
    const { numbers, phones } = claim.group_members!;
    // Of a send that was never answered the question is who it went to, not who may be written to now.
    const refused = claim.state === 'unknown' ? new Map<string, number>() : await this.refused(claim, phones.map(({ recipient }) => recipient));
    if (refused.size === 0) return { told: [], claim: toGroup(claim, claim.group_members!) };
    const members = { numbers: numbers.filter((number) => !refused.has(number)), phones: phones.filter(({ recipient }) => !refused.has(recipient)) };
    const own = refused.get(claim.recipient);
    const [next] = members.phones;
    const others = phones.filter(({ recipient }) => recipient !== claim.recipient && refused.has(recipient));
    const left = own === undefined ? members : { numbers: [claim.recipient], phones: phones.filter(({ recipient }) => recipient === claim.recipient) };
    const told = await this.share(claim, [
      ...others.map(({ deliveryId, recipient }): Shared => ({ deliveryId, state: 'failed', errorCode: refused.get(recipient)! })),
      ...(own !== undefined && next ? [{ deliveryId: next.deliveryId, state: 'queued' as const, errorCode: 0, members }] : []),
    ], left);
    if (own === undefined) return { told, claim: toGroup(claim, members) };
    const { account, channel, sender } = claim;
    return { told, errorCode: own, handedOn: next && { account, channel, sender, recipient: next.recipient } };
  }

  /** What became of the send, for everybody it went to beside the one it was claimed for. */
  async ended({ claim, state, errorCode }: { claim: Claim; state: DeliveryState; errorCode: number }): Promise<DeliveryRow[]> {
    const others = (claim.group_members?.phones ?? []).filter(({ deliveryId }) => deliveryId !== claim.delivery_id);
    return this.share(claim, others.map(({ deliveryId }) => ({ deliveryId, state, errorCode })));
  }

  private async refused({ account, channel, sender, policy, routing }: Claim, recipients: string[]): Promise<Map<string, number>> {
    const { rows } = await this.pool.query<{ recipient: string }>(
      'select recipient from delivery.opt_out where account = $1 and channel = $2 and sender = $3 and recipient = any ($4)', [account, channel, sender, recipients]);
    const outside = recipients.filter((recipient) => !regionAllowed(policy?.regions && { allow: policy.regions }, recipient) || !regionAllowed(routing.regions, recipient));
    return new Map([...outside.map((recipient) => [recipient, refusals.region] as const), ...rows.map(({ recipient }) => [recipient, refusals.optedOut] as const)]);
  }

  /** A handset that has reported knows better than the send. `left`: whom the send is still about; stored with it, so that nobody who dies before its end speaks for the others once more. */
  private async share({ delivery_id, attempt, group_members }: Claim, shared: Shared[], left?: GroupMembers): Promise<DeliveryRow[]> {
    if (shared.length === 0) return [];
    const phones = new Map(group_members!.phones.map((phone) => [phone.deliveryId, phone]));
    const { rows } = await this.pool.query<DeliveryRow>(shareSql, [delivery_id, attempt, JSON.stringify(shared.map((one) => ({ ...phones.get(one.deliveryId), ...one }))), left ? JSON.stringify(left) : null]);
    return rows;
  }
}

/** Cut texts and other ways are for one person: a group gets the message as it is, or not at all. */
function toGroup(claim: Claim, members: GroupMembers): Claim {
  const { fallback: _ways, long_text: _cut, ...routing } = claim.routing;
  return { ...claim, routing, opted_out: false, group_members: members, group: members.numbers.filter((number) => number !== claim.recipient) };
}

// In the order in which rows are locked everywhere. What is handed on keeps its place: its group's next message may wait in that lane already.
const shareSql = `
with rest as (
  update delivery.delivery set group_members = $4 where delivery_id = $1 and attempt = $2 and $4::jsonb is not null
)
insert into delivery.delivery as d (delivery_id, account, conversation_sid, message_sid, message_index, participant_sid, channel, sender, recipient, deadline, state, error_code, group_members, place)
select r."deliveryId", l.account, l.conversation_sid, l.message_sid, l.message_index, r."participantSid", l.channel, l.sender, r.recipient, l.deadline, r.state, r."errorCode", r.members, l.place
  from jsonb_to_recordset($3) as r ("deliveryId" text, "participantSid" text, recipient text, state text, "errorCode" integer, members jsonb), delivery.delivery l
 where l.delivery_id = $1 and l.attempt = $2 order by r."deliveryId"
    on conflict (delivery_id) do update set state = excluded.state, error_code = excluded.error_code, updated_at = now()
 where d.state in ('accepted', 'failed') and d.provider_message_ids = '{}' and excluded.state <> 'queued'
returning ${DELIVERY_ROW}`;

/** Whom of a group a report is about. undefined: no delivery to a group is meant, or it is not known yet. */
export async function reportedOf(
  pool: Pool, account: string, { deliveryId, providerMessageId, recipient }: { deliveryId: string | undefined; providerMessageId: string; recipient: string },
): Promise<{ lead: ReceiptSid; open: boolean; member: ReceiptSid | null } | undefined> {
  const { rows: [found] } = await pool.query<{ lead: ReceiptSid; open: boolean; member: ReceiptSid | null }>(reportedSql, [account, deliveryId ?? null, providerMessageId, recipient]);
  return found;
}

const reportedSql = `
with lead as (
  select * from ((select d.* from delivery.delivery d where d.delivery_id = $2 and d.account = $1)
    union all (select d.* from delivery.delivery d where $2::text is null and d.account = $1 and d.provider_message_ids[1] = $3 and d.provider_message_ids <> '{}')) l
   where l.group_members->'phones' <> '[]' limit 1
), member as (
  select p.* from lead, jsonb_to_recordset(lead.group_members->'phones') as p ("deliveryId" text, "participantSid" text, recipient text) where p.recipient = $4
), made as (
  insert into delivery.delivery (delivery_id, account, conversation_sid, message_sid, message_index, participant_sid, channel, sender, recipient, deadline, state)
  select m."deliveryId", l.account, l.conversation_sid, l.message_sid, l.message_index, m."participantSid", l.channel, l.sender, m.recipient, l.deadline, 'accepted'
    from lead l, member m where m."deliveryId" <> l.delivery_id on conflict do nothing
)
select l.delivery_id as lead, l.state in ('sending', 'unknown') as open, m."deliveryId" as member from lead l left join member m on true`;
