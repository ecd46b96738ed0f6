/** Reads of participants: one query each, which also knows whether the conversation exists on this account and service. */
import { prepared } from './reads.js';

export type ParticipantRow = {
  sid: string; identity: string | null; type: string | null; address: string | null; proxy_address: string | null;
  projected_address: string | null; attributes: string;
  role_sid: string | null; last_read_message_index: number | null; last_read_timestamp: string | null; created_at: string;
  updated_at: string;
};
/** The conversation exists as soon as there is a row; without participants the rest is null. */
export type FoundParticipant = { conversation: string } & ({ sid: null } | ParticipantRow);

type By = 'sid' | 'name';
const where = (by: By) => `c.account = $1 and c.chat_service_sid = $2 and c.${by === 'sid' ? 'sid' : 'unique_name'} = $3`;
const page = (by: By, after: '>' | '<') => prepared(`participants-${by}${after}`, `
  select c.sid as conversation, p.* from model.conversation c left join lateral (
      select * from model.participant where conversation_sid = c.sid and sid ${after} $4
       order by sid ${after === '>' ? 'asc' : 'desc'} limit $5) p on true
   where ${where(by)}`);
const pages = {
  sid: { forward: page('sid', '>'), backward: page('sid', '<') }, name: { forward: page('name', '>'), backward: page('name', '<') },
};
/** account, service, conversation, participant after which, rows at most. */
export const participantsPage = (by: By, back: boolean) => pages[by][back ? 'backward' : 'forward'];

const one = (by: By, key: 'sid' | 'identity') => prepared(`participant-${by}-${key}`, `
  select c.sid as conversation, p.* from model.conversation c join model.participant p on p.conversation_sid = c.sid and p.${key} = $4
   where ${where(by)}`);
const ones = {
  sid: { sid: one('sid', 'sid'), identity: one('sid', 'identity') }, name: { sid: one('name', 'sid'), identity: one('name', 'identity') },
};
/** account, service, conversation, participant's SID or identity. */
export const participantBy = (by: By, key: 'sid' | 'identity') => ones[by][key];

/** account, channel, proxy address, the same number as an SMS sender, address. */
export const bindingRights = prepared('binding-rights', `
  select delivery.may_use_proxy($1, $2, $3) as proxy_usable,
         exists (select 1 from delivery.sender where account = $1 and channel = 'sms' and address = $4) as sms_sender,
         exists (select 1 from model.address_configuration where account = $1 and address = $5) as address_is_ours`);
export type BindingRights = { proxy_usable: boolean; sms_sender: boolean; address_is_ours: boolean };
/** account, channel, address of ours. */
export const addressRights = prepared('address-rights', 'select delivery.may_use_proxy($1, $2, $3) as usable');
/** account, numbers of ours, conversation: of each number and of those that are in the conversation, its carrier and what else is known of it. */
export const groupRights = prepared('group-rights', `
  select n.number, delivery.carrier_of($1, 'sms', n.number) as carrier, s.capabilities
    from (select unnest($2::text[]) as number union
          select projected_address from model.participant where conversation_sid = $3 and account = $1 and projected_address is not null) n
    left join delivery.sender s on s.account = $1 and s.channel = 'sms' and s.address = n.number`);
export type GroupRight = { number: string; carrier: string | null; capabilities: string[] | null };
/** account, phone numbers: those that are ours. */
export const oursAmong = prepared('ours-among', `
  select n.number from unnest($2::text[]) n (number) where exists (select 1 from delivery.sender where account = $1 and channel = 'sms' and address = n.number)
      or exists (select 1 from model.address_configuration where account = $1 and address = n.number)`);
