/**
 * Threads of mail: what is known of the mails of a conversation, so that ours answer the newest one the recipient has, under its
 * subject. One row per mail and person, the person's and ours.
 */
import type { ChannelAdapter, Delivery } from '@parley/channel/channel-adapter';
import { answerSubject, referencesWith } from '@parley/channel/email/thread';
import type { InboundMessage } from '@parley/channel/inbound-event';
import type { ConversationSid } from '@parley/domain/sid';
import type { Pool } from '@parley/event-store/database';
import type { Claim } from './delivery-store.js';

type Row = { subject: string | null; name: string | null; message_index: number; message_id: string | null; thread: string[] | null; thread_subject: string | null };
type Mail = { account: string; conversation: string; index: number; address: string; messageId: string; thread: readonly string[]; subject: string | null };

export class MailThreads {
  constructor(private readonly pool: Pool) {}

  /** Subject, thread and sender's name of a mail that is about to go out. Notes it, so that the next one follows it. */
  readonly complete = async (claim: Claim, adapter: ChannelAdapter, delivery: Delivery): Promise<Delivery> => {
    const { rows: [row] } = await this.pool.query<Row>({ name: 'mail-thread', text: threadSql, values: [claim.delivery_id] });
    if (!row) return delivery;
    const subject = row.subject ?? (row.thread_subject === null ? undefined : answerSubject(row.thread_subject));
    const thread = row.message_id === null ? [] : referencesWith(row.thread ?? [], row.message_id);
    const messageId = adapter.answeredBy?.(delivery);
    if (messageId !== undefined) await this.note({
      account: claim.account, conversation: claim.conversation_sid, index: row.message_index, address: claim.recipient, messageId, thread, subject: subject ?? null,
    });
    return {
      ...delivery, references: thread, ...(row.message_id !== null && { inReplyTo: row.message_id }),
      ...(subject !== undefined && { subject }), ...(row.name && { authorName: row.name }),
    };
  };

  /** A mail that was routed; the same again changes nothing. */
  async noteInbound(account: string, { from, providerMessageId, email }: InboundMessage, conversation: ConversationSid, index: number): Promise<void> {
    if (!email) return;
    await this.note({ account, conversation, index, address: from, messageId: providerMessageId, thread: referencesWith(email.references, undefined), subject: email.subject });
  }

  private async note({ account, conversation, index, address, messageId, thread, subject }: Mail): Promise<void> {
    await this.pool.query({
      name: 'note-mail',
      text: `insert into delivery.mail (account, conversation_sid, message_index, address, message_id, thread, subject)
             values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
      values: [account, conversation, index, address, messageId, [...thread], subject],
    });
  }
}

const threadSql = `
select m.subject, c.email_name as name, d.message_index, t.message_id, t.thread, t.subject as thread_subject
  from delivery.delivery d
  left join model.conversation c on c.sid = d.conversation_sid
  left join model.message m on m.conversation_sid = d.conversation_sid and m.index = d.message_index
  left join lateral (
    select message_id, thread, subject from delivery.mail e
     where e.conversation_sid = d.conversation_sid and e.address = d.recipient and e.message_index < d.message_index
     order by e.message_index desc limit 1) t on true
 where d.delivery_id = $1`;
