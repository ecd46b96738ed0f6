/**
 * From the log to deliveries: one row per recipient of a message, in the transaction of the checkpoint, so none is missing
 * and none is there twice. Who gets it was decided when the message was stored; nothing is looked up here.
 */
import { servedChannels } from '@parley/channel/inbound-event';
import type { MessageAdded, MessageDeleted, ParticipantUpdated } from '@parley/domain/conversation/events';
import { legsOf, nextLeg, type RoutingPolicy } from '@parley/domain/delivery/routing';
import { receiptSidOf } from '@parley/domain/delivery/receipt-sid';
import type { LogEvent } from '@parley/domain/event';
import type { Lane } from '@parley/delivery/lane';
import { noteReadHorizons } from '@parley/delivery/read-marks';
import type { Connection } from '@parley/event-store/database';

export const plannedTypes = ['MessageAdded', 'MessageDeleted', 'ConversationDeleted', 'ParticipantUpdated'];

/** What goes to a channel without an app may be replayed when there is one: "Could not find a channel with the specified address" (channel facts, 1.10). */
const NO_CHANNEL = 63007;

/** Most messages stay in the chat. */
export function concernsDeliveries({ type, data }: LogEvent): boolean {
  if (type === 'ParticipantUpdated') return typeof (data as ParticipantUpdated).lastReadMessageIndex === 'number';
  return type !== 'MessageAdded' || (data as MessageAdded).recipients.length > 0;
}

export async function planDeliveries(tx: Connection, events: LogEvent[], deadlineSeconds: number): Promise<void> {
  const added = await Promise.all(events.flatMap(deliveriesOf).map((each) => (isServed(each.channel) ? each : byOtherWay(tx, each))));
  // In the order of the log, which becomes the order of each lane. On a replay of the log they are there already.
  if (added.length > 0)
    await tx.query({
      name: 'plan-deliveries',
      text: `insert into delivery.delivery (delivery_id, account, conversation_sid, message_sid, message_index, participant_sid,
                                            channel, sender, recipient, legs, group_members, leg, deadline, state, error_code, dead_letter)
             select delivery_id, account, conversation_sid, message_sid, message_index, participant_sid, channel, sender, recipient, legs, group_members, (legs is not null)::integer,
                    now() + $2 * interval '1 s', case when served then 'queued' else 'failed' end, case when served then 0 else $4 end, not served
               from rows from (jsonb_to_recordset($1) as (delivery_id text, account text, conversation_sid text, message_sid text,
                    message_index integer, participant_sid text, channel text, sender text, recipient text, legs jsonb, group_members jsonb)) with ordinality d
                    (delivery_id, account, conversation_sid, message_sid, message_index, participant_sid, channel, sender, recipient, legs, group_members, o),
                    lateral (select channel = any ($3::text[]) as served) s
              order by o on conflict (delivery_id) do nothing`,
      values: [JSON.stringify(added), deadlineSeconds, servedChannels, NO_CHANNEL],
    });
  await noteReadHorizons(tx, events.flatMap(({ type, conversation, data }) => {
    const { participantSid, lastReadMessageIndex: index } = data as ParticipantUpdated;
    return type === 'ParticipantUpdated' && typeof index === 'number' ? [{ conversationSid: conversation!, participantSid, index }] : [];
  }));
  for (const { type, account, conversation, data } of events) {
    if (type === 'MessageDeleted') await forget(tx, conversation!, (data as MessageDeleted).index);
    if (type === 'ConversationDeleted') {
      await forget(tx, conversation!, null);
      await tx.query('delete from delivery.routing_policy where account = $1 and conversation_sid = $2', [account, conversation!]);
    }
  }
}

/** The lanes that have something new to do. */
export const lanesOf = (events: LogEvent[]): Lane[] =>
  events.flatMap(deliveriesOf).filter(({ channel }) => isServed(channel));

const isServed = (channel: string): boolean => (servedChannels as readonly string[]).includes(channel);

/** To a channel without an app: by the way a policy knows instead (RCS by SMS); the sweeper wakes its lane. */
async function byOtherWay(tx: Connection, delivery: ReturnType<typeof deliveriesOf>[number]): Promise<typeof delivery & { legs?: object[] }> {
  const { rows } = await tx.query<{ policy: RoutingPolicy }>('select delivery.policy_of($1, $2) as policy', [delivery.account, delivery.conversation_sid]);
  const next = nextLeg(legsOf(rows[0]!.policy, delivery), NO_CHANNEL);
  return next ? { ...delivery, channel: next.leg.channel as typeof delivery.channel, sender: next.leg.sender, recipient: next.leg.recipient, legs: next.rest } : delivery;
}

function deliveriesOf({ type, account, conversation, data }: LogEvent) {
  if (type !== 'MessageAdded') return [];
  const { messageSid, index, recipients, group } = data as MessageAdded;
  // A group gets one message: the first phone's delivery stands for all of theirs. A phone alone gets one like any other, in its place among the group's.
  const phones = group && group.length > 1 ? recipients.map(({ participantSid, address }) => ({ deliveryId: receiptSidOf(messageSid, participantSid), participantSid, recipient: address })) : [];
  const members = group && { numbers: group, phones };
  return (members ? recipients.slice(0, 1) : recipients).map(({ participantSid, type: channel, address, proxyAddress }) => ({
    delivery_id: receiptSidOf(messageSid, participantSid), account, conversation_sid: conversation, message_sid: messageSid,
    message_index: index, participant_sid: participantSid, channel, sender: proxyAddress, recipient: address, ...(members && { group_members: members }),
  }));
}

/** What a carrier was not asked to deliver yet, it is not asked any more, and no mail is tied to it. */
async function forget(tx: Connection, conversation: string, index: number | null): Promise<void> {
  await tx.query(
    `update delivery.delivery set state = 'cancelled', updated_at = now()
      where conversation_sid = $1 and ($2::integer is null or message_index = $2) and state = 'queued'`, [conversation, index],
  );
  await tx.query('delete from delivery.mail where conversation_sid = $1 and ($2::integer is null or message_index = $2)', [conversation, index]);
}
