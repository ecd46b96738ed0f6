/** What is known of mails when one comes in: which conversation it answers, who takes part there, what its address wants. */
import type { InboundMailThread } from '@parley/contracts/commands';
import type { SenderPolicy } from '@parley/contracts/rest/sender-policy';
import type { ConversationSid } from '@parley/domain/sid';
import type { Pool } from '@parley/event-store/database';

/** `address`: as the participant has it. `proxyAddress`: ours, that they are written to from. */
export type MailPlace = { conversationSid: ConversationSid; participant: { address: string; proxyAddress: string } | undefined; proxyAddress: string | undefined };

export class MailBook {
  constructor(private readonly pool: Pool) {}

  /**
   * The open conversation a mail belongs to by the reply address it was sent to, else by the newest mail it answers. Whoever knows
   * either is not therefore a participant.
   */
  async placeOf(account: string, from: string, { replyToken, answers }: InboundMailThread): Promise<MailPlace | undefined> {
    const { rows: [row] } = await this.pool.query<{ conversation_sid: ConversationSid; address: string | null; own: string | null; proxy: string | null }>({
      name: 'mail-place', text: placeSql, values: [account, from, replyToken ?? null, [...answers]],
    });
    if (!row) return undefined;
    const participant = row.address === null || row.own === null ? undefined : { address: row.address, proxyAddress: row.own };
    return { conversationSid: row.conversation_sid, participant, proxyAddress: row.own ?? row.proxy ?? undefined };
  }

  /** Whether `address` can be written to by mail from it. The account's oldest is where a mail to a made-up address goes. */
  async senderFor(account: string, address: string): Promise<{ address: string; policy: MailPolicy } | undefined> {
    const { rows: [row] } = await this.pool.query<{ address: string; policy: SenderPolicy }>(
      `select address, policy from delivery.sender where account = $1 and channel = 'email' order by (lower(address) = lower($2)) desc, created_at limit 1`, [account, address],
    );
    return row && { address: row.address, policy: row.policy.email ?? {} };
  }
}

export type MailPolicy = NonNullable<SenderPolicy['email']>;

// Bindings are there as long as their conversation is open. Lateral look-ups keep the plan on indexes whatever the statistics say.
const placeSql = `
with named as (
  select $3::text as conversation_sid, 0 as o where $3 is not null
  union all
  select f.conversation_sid, a.o::integer from unnest($4::text[]) with ordinality a (id, o) cross join lateral (
    (select m.conversation_sid from delivery.mail m where m.account = $1 and m.message_id = a.id limit 1)
    union all
    (select d.conversation_sid from delivery.delivery d where d.account = $1 and d.provider_message_ids[1] = a.id and d.provider_message_ids <> '{}' limit 1)) f
)
select n.conversation_sid, p.address, p.proxy_address as own, q.proxy_address as proxy
  from named n
  join model.conversation c on c.sid = n.conversation_sid and c.account = $1 and c.state <> 'closed'
  left join lateral (select b.address, b.proxy_address from model.address_binding b
     where b.conversation_sid = n.conversation_sid and b.account = $1 and lower(b.address) = lower($2) limit 1) p on true
  left join lateral (select b.proxy_address from model.address_binding b
     where b.conversation_sid = n.conversation_sid and b.account = $1 and b.address like '%@%' limit 1) q on true
 order by n.o limit 1`;
