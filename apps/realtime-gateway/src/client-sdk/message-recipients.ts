/** Who wrote a message by mail, and who got it or a copy of it by mail. Of people who are no longer in the conversation nothing is told. */
import type { Pool } from '@parley/event-store/database';

const PAGE_MAX = 100;
type Person = { level: 'from' | 'to'; address: string };
type Row = { index: number; sid: string; attributes: string; people: Person[] };
type Recipient = { type: 'email'; message_sid: string; level: 'from' | 'to' | 'cc'; name: string; address: string };
type Mail = { from_name?: unknown; cc?: unknown };

const text = (one: boolean): string => `select m.index, m.sid, m.attributes, (
    select json_agg(x order by x.level, x.address) from (
      select 'from' as level, p.address from model.participant p where p.sid = m.participant_sid and p.type = 'email'
      union all
      select 'to', p.address from model.receipt r join model.participant p on p.sid = r.participant_sid and p.type = 'email' where r.message_sid = m.sid) x) as people
  from model.message m
  where m.conversation_sid = $1 and ${one ? 'm.sid = $2' : 'm.index > $2'} and (
    exists (select 1 from model.participant p where p.sid = m.participant_sid and p.type = 'email')
    or exists (select 1 from model.receipt r join model.participant p on p.sid = r.participant_sid and p.type = 'email' where r.message_sid = m.sid))
  order by m.index limit $3`;

export class MessageRecipients {
  constructor(private readonly pool: Pool) {}

  /** Of a message, or page by page of all of a conversation; a page has those of up to 100 messages (`PageSize`). */
  async page(conversation: string, params: ReadonlyMap<string, string>): Promise<object> {
    const message = params.get('MessageSid');
    const size = Math.min(Math.max(Math.trunc(Number(params.get('PageSize'))) || PAGE_MAX, 1), PAGE_MAX);
    const after = Math.trunc(Number(params.get('PageToken') ?? -1));
    const { rows } = await this.pool.query<Row>({
      name: `client-recipients-${message !== undefined}`, text: text(message !== undefined),
      values: [conversation, message ?? (Number.isSafeInteger(after) && after <= 2_147_483_647 ? Math.max(after, -1) : -1), size + 1],
    });
    const page = rows.slice(0, size);
    return { message_recipients: page.flatMap(recipientsOf), meta: { previous_token: null, next_token: rows.length > size ? String(page.at(-1)!.index) : null } };
  }
}

function recipientsOf({ sid, attributes, people }: Row): Recipient[] {
  const { from_name, cc } = mailOf(attributes);
  const copies = Array.isArray(cc) ? cc.filter((address) => typeof address === 'string') : [];
  const told = (level: Recipient['level'], address: string, name: unknown = ''): Recipient => ({ type: 'email', message_sid: sid, level, name: typeof name === 'string' ? name : '', address });
  return [...people.map(({ level, address }) => told(level, address, level === 'from' ? from_name : '')), ...copies.map((address) => told('cc', address))];
}

/** What came with the mail (docs/channels/email.md). */
function mailOf(attributes: string): Mail {
  try {
    const { email } = JSON.parse(attributes) as { email?: Mail | null };
    return email ?? {};
  } catch {
    return {}; // stored before it was checked
  }
}
