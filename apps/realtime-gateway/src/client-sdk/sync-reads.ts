/**
 * Reads of what the synchronised objects show. Each is one statement and so one snapshot: together with the rows it tells how
 * far the log of their shard was, and that position is what clients go on from. Whoever may not see a conversation gets none.
 */
import type { Pool } from '@parley/event-store/database';
import { shardOf } from '@parley/event-store/shard';
import type { DocumentRow, InfoRow, MessageRow, MineRow, RosterRow } from './sync-data.js';

/** A chat member, and who he is in the read models. */
export type Reader = { account: string; service: string; identity: string };
/** `head`: every fact of the conversation up to this position is in the rows, none behind it. */
export type Read<Row> = { head: number; rows: Row[] };
export type Range<Key> = { from: Key | undefined; descending: boolean; limit: number };

/** Members see it; so does who made it, until somebody takes part or writes. */
const visible = `c.sid = $1 and c.account = $2 and c.chat_service_sid = $3 and (
    exists (select 1 from model.participant v where v.conversation_sid = c.sid and v.identity = $4)
    or (c.created_by = $4 and not exists (select 1 from model.participant v where v.conversation_sid = c.sid)
      and not exists (select 1 from model.message v where v.conversation_sid = c.sid)))`;
const found = (columns: string) => `select s.head, ${columns} as rows from model.conversation c join log.shard s on s.shard = $5 where ${visible}`;

const document = `select c.sid, c.friendly_name, c.unique_name, c.attributes, c.state, c.created_by, c.email_address, c.email_name, c.created_at, c.updated_at, c.timers_from,
    l.index as last_index, l.created_at as last_at`;
const last = 'left join lateral (select index, created_at from model.message where conversation_sid = c.sid order by index desc limit 1) l on true';

/** Sizes of what came in by a carrier are known later than its message. */
const media = `case when m.media is not null then (
    select json_agg(json_build_object('sid', e.file->>'sid', 'size', coalesce(f.size, (e.file->>'size')::bigint),
      'contentType', coalesce(f.content_type, e.file->>'contentType'), 'filename', coalesce(f.filename, e.file->>'filename'), 'category', coalesce(f.category, 'media')) order by e.place)
      from json_array_elements(m.media::json) with ordinality e (file, place) left join media.media f on f.sid = e.file->>'sid') end`;
const message = `m.index, m.sid, m.author, m.participant_sid, m.body, m.attributes, ${media} as media, m.content_sid, m.subject, m.recipients, m.created_at, m.updated_at,
    case when m.recipients is not null then (
      select json_build_array(count(*) filter (where r.status in ('sent', 'delivered', 'read')), count(*) filter (where r.status in ('delivered', 'read')),
        count(*) filter (where r.status = 'read'), count(*) filter (where r.status = 'failed'), count(*) filter (where r.status = 'undelivered'))
        from model.receipt r where r.message_sid = m.sid) end as receipts`;
const rowsOf = (select: string) => `(select coalesce(json_agg(x), '[]') from (${select}) x)`;
const mine = `select p.conversation_sid as conversation, p.sid as participant_sid, p.last_read_message_index, coalesce(n.notification_level, 'default') as notification_level
    from model.participant p join model.conversation c on c.sid = p.conversation_sid and c.chat_service_sid = $2
    left join model.user_conversation n on n.sid = p.sid where p.account = $1 and p.identity = $3`;
const info = (by: string) => `select u.sid, u.identity, u.friendly_name, u.attributes, u.updated_at, s.reachability_enabled as reachable,
    exists (select 1 from model.push_binding b where b.chat_service_sid = u.chat_service_sid and b.identity = u.identity) as notifiable
    from model.chat_user u join model.service s on s.sid = u.chat_service_sid where u.account = $1 and u.chat_service_sid = $2 and u.${by} = $3`;

export class SyncReads {
  constructor(private readonly pool: Pool) {}

  /** Undefined: not there, or not his. */
  document(reader: Reader, conversation: string): Promise<Read<DocumentRow> | undefined> {
    return this.visible('client-document', rowsOf(`${document} from (select 1) one ${last}`), reader, conversation);
  }

  /** Whether he may see it, and how far the log is. */
  conversation(reader: Reader, conversation: string): Promise<Read<never> | undefined> {
    return this.visible('client-conversation', "'[]'::json", reader, conversation);
  }

  messages(reader: Reader, conversation: string, { from, descending, limit }: Range<number>): Promise<Read<MessageRow> | undefined> {
    const page = `select ${message} from model.message m where m.conversation_sid = c.sid and m.index ${descending ? '<=' : '>='} $6 order by m.index ${descending ? 'desc' : 'asc'} limit $7`;
    return this.visible(`client-messages-${descending}`, rowsOf(page), reader, conversation, from ?? (descending ? 2_147_483_647 : 0), limit);
  }

  roster(reader: Reader, conversation: string, { from, descending, limit }: Range<string>): Promise<Read<RosterRow> | undefined> {
    const page = `select * from model.participant m where m.conversation_sid = c.sid and m.sid ${descending ? '<=' : '>='} $6 order by m.sid ${descending ? 'desc' : 'asc'} limit $7`;
    return this.visible(`client-roster-${descending}`, rowsOf(page), reader, conversation, from ?? (descending ? 'MC' : ''), limit);
  }

  /** The present state of what facts were about; unlike the reads above it asks for nobody in particular. */
  async documentNow(conversation: string): Promise<DocumentRow | undefined> {
    const { rows } = await this.pool.query<DocumentRow>({ name: 'client-document-now', text: `${document} from model.conversation c ${last} where c.sid = $1`, values: [conversation] });
    return rows[0];
  }

  async messagesNow(conversation: string, sids: readonly string[]): Promise<Map<string, MessageRow>> {
    const { rows } = await this.pool.query<MessageRow>({
      name: 'client-messages-now', text: `select ${message} from model.message m where m.sid = any ($2) and m.conversation_sid = $1`, values: [conversation, sids],
    });
    return new Map(rows.map((row) => [row.sid, row]));
  }

  async rosterNow(sids: readonly string[]): Promise<Map<string, RosterRow>> {
    const { rows } = await this.pool.query<RosterRow>({ name: 'client-roster-now', text: 'select * from model.participant where sid = any ($1)', values: [sids] });
    return new Map(rows.map((row) => [row.sid, row]));
  }

  async mine({ account, service, identity }: Reader, { from, descending, limit }: Range<string>): Promise<MineRow[]> {
    const text = `${mine} and p.conversation_sid ${descending ? '<=' : '>='} $4 order by p.conversation_sid ${descending ? 'desc' : 'asc'} limit $5`;
    return (await this.pool.query<MineRow>({ name: `client-mine-${descending}`, text, values: [account, service, identity, from ?? (descending ? 'CI' : ''), limit] })).rows;
  }

  /** One, or none. */
  async mineOf({ account, service, identity }: Reader, conversation: string): Promise<MineRow[]> {
    return (await this.pool.query<MineRow>({ name: 'client-mine-of', text: `${mine} and p.conversation_sid = $4`, values: [account, service, identity, conversation] })).rows;
  }

  async info({ account, service }: Omit<Reader, 'identity'>, user: { sid: string } | { identity: string }): Promise<InfoRow | undefined> {
    const [by, value] = 'sid' in user ? ['sid', user.sid] : ['identity', user.identity];
    return (await this.pool.query<InfoRow>({ name: `client-info-${by}`, text: info(by!), values: [account, service, value] })).rows[0];
  }

  /** When something last happened in each of them, in milliseconds. */
  async lastActivity(account: string, conversations: readonly string[]): Promise<Map<string, number>> {
    const { rows } = await this.pool.query<{ sid: string; at: string }>({
      name: 'client-last-activity',
      text: `select f.sid, extract(epoch from greatest(e.recorded_at, n.updated_at)) * 1000 as at from unnest($1::text[], $2::smallint[]) f (sid, shard)
        left join lateral (select recorded_at from log.event where shard = f.shard and key_id = f.sid order by position desc limit 1) e on true
        left join lateral (select max(updated_at) as updated_at from model.user_conversation where conversation_sid = f.sid) n on true`,
      values: [conversations, conversations.map((sid) => shardOf(account, sid))],
    });
    return new Map(rows.map(({ sid, at }) => [sid, Number(at ?? 0)]));
  }

  /** Of those he may see: the position of their last fact, and who he is in them; null: nobody, he made it. */
  async lastPositions({ account, service, identity }: Reader, conversations: readonly string[]): Promise<Map<string, { last: number; participant: string | null }>> {
    const { rows } = await this.pool.query<{ sid: string; last: number | null; participant: string | null }>({
      name: 'client-last-positions',
      text: `select c.sid, (select max(e.position) from log.event e where e.shard = f.shard and e.key_id = f.sid) as last,
          (select p.sid from model.participant p where p.conversation_sid = f.sid and p.identity = $4) as participant
        from unnest($1::text[], $5::smallint[]) f (sid, shard) join model.conversation c on ${visible.replace('c.sid = $1', 'c.sid = f.sid')}`,
      values: [conversations, account, service, identity, conversations.map((sid) => shardOf(account, sid))],
    });
    return new Map(rows.map(({ sid, last: position, participant }) => [sid, { last: Number(position ?? 0), participant }]));
  }

  private async visible<Row>(name: string, columns: string, { account, service, identity }: Reader, conversation: string, ...more: unknown[]): Promise<Read<Row> | undefined> {
    const values = [conversation, account, service, identity, shardOf(account, conversation), ...more];
    const { rows } = await this.pool.query<{ head: number; rows: Row[] }>({ name, text: found(columns), values });
    return rows[0];
  }
}
