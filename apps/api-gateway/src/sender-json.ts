/** Answers on senders, messaging services, refusals and what leaves the house. */
import type { DeadLetter } from '@parley/delivery/dead-letters';
import type { DeliveryRecord } from '@parley/delivery/delivery-record';
import type { MessagingServiceRecord, PoolSender } from '@parley/delivery/messaging-services';
import type { OptOut } from '@parley/delivery/opt-outs';
import type { SenderRecord } from '@parley/delivery/senders';
import { apiTime } from '@parley/event-store/database';
import type { PushRecord } from '@parley/push/push-records';
import type { Call } from './call.js';

/** ISO 8601 to the API's form: whole seconds. */
export const seconds = (iso: string): string => `${iso.slice(0, 19)}Z`;

export const senderJson = ({ account, base }: Call, s: SenderRecord): string => JSON.stringify({
  sid: s.sid, account_sid: account.sid, connection_sid: s.connection, carrier: s.carrier, channel: s.channel, address: s.address, rate: s.rate, daily_cap: s.dailyCap,
  capabilities: s.capabilities, policy: s.policy, state: s.state, date_created: seconds(s.created), date_updated: seconds(s.updated), url: `${base}/Senders/${s.sid}`,
});

export function messagingServiceJson({ account, base }: Call, m: MessagingServiceRecord): string {
  const url = `${base}/MessagingServices/${m.sid}`;
  return JSON.stringify({
    sid: m.sid, account_sid: account.sid, friendly_name: m.friendlyName, sticky_sender: m.sticky, date_created: seconds(m.created), date_updated: seconds(m.updated), url,
    links: { senders: `${url}/Senders` },
  });
}

export const poolSenderJson = ({ account, base }: Call, p: PoolSender): string => JSON.stringify({
  sid: p.sid, account_sid: account.sid, service_sid: p.service, channel: p.channel, address: p.address, place: p.place, date_created: seconds(p.added),
  url: `${base}/MessagingServices/${p.service}/Senders/${p.sid}`,
});

export const optOutJson = ({ account, base }: Call, o: OptOut): string => JSON.stringify({
  sid: o.sid, account_sid: account.sid, channel: o.channel, sender: o.sender, recipient: o.recipient, reason: o.reason, date_created: seconds(o.created),
  url: `${base}/OptOuts/${o.sid}`,
});

export const deadLetterJson = ({ account, base }: Call, d: DeadLetter): object => ({
  sid: d.deliveryId, account_sid: account.sid, conversation_sid: d.conversationSid, message_sid: d.messageSid, channel: d.channel, sender: d.sender,
  attempts: d.attempts, error_code: d.errorCode, date_failed: seconds(d.since), url: `${base}/Queues/DeadLetters/${d.deliveryId}`,
});

export const deliveryJson = ({ account, base }: Call, d: DeliveryRecord): object => ({
  sid: d.sid, account_sid: account.sid, conversation_sid: d.conversation === '' ? null : d.conversation, message_sid: d.message, participant_sid: d.participant, channel: d.channel,
  sender: d.sender, recipient: d.recipient, status: d.state, error_code: d.errorCode, carrier_message_ids: d.providerMessageIds, date_due: seconds(d.due),
  date_deadline: seconds(d.deadline), date_created: seconds(d.created), date_updated: seconds(d.updated), url: `${base}/Queues/Deliveries/${d.sid}`,
  attempts: d.attempts.map((a) => ({
    attempt: a.attempt, way: a.way, channel: a.channel, sender: a.sender, recipient: a.recipient, outcome: a.outcome, error_code: a.errorCode, carrier_code: a.carrierCode,
    date_started: seconds(a.started), date_ended: a.ended === null ? null : seconds(a.ended),
  })),
});

export const pushRecordJson = (p: PushRecord): object => ({
  id: String(p.id), account_sid: p.account, chat_service_sid: p.chat_service_sid, conversation_sid: p.conversation_sid, message_sid: p.message_sid, binding_sid: p.binding_sid,
  type: p.kind, status: p.state, attempts: p.attempt, reason: p.reason, date_created: apiTime(p.created_at), date_updated: apiTime(p.updated_at),
});
