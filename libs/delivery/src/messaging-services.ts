/**
 * Messaging services: a pool of an account's senders under one name. A recipient gets a sender of the pool once and keeps it
 * (sticky), senders stand in for each other in the order of their places.
 */
import { newSid } from '@parley/domain/sid';
import { isoTime, type Pool } from '@parley/event-store/database';
import { isGone } from './senders.js';

export type MessagingServiceRecord = { sid: string; account: string; friendlyName: string; sticky: boolean; created: string; updated: string };
export type PoolSender = { sid: string; service: string; account: string; channel: string; address: string; place: number; added: string };
type Row = { sid: string; account: string; friendly_name: string; sticky: boolean; created_at: string; updated_at: string };
type PoolRow = { sid: string; service: string; account: string; channel: string; address: string; place: number; added_at: string };
type Page = { after?: string; back?: boolean; limit?: number };

const COLUMNS = 'sid, account, friendly_name, sticky, created_at, updated_at';
const POOL = `select s.sid, p.service, s.account, s.channel, s.address, p.place, p.added_at
  from delivery.messaging_service m join delivery.messaging_service_sender p on p.service = m.sid join delivery.sender s on s.sid = p.sender
 where m.account = $1 and m.sid = $2`;

/** Senders that go, one after the other, just when they are chosen. */
const ATTEMPTS = 5;
function unlessGone(error: unknown): undefined {
  if (!isGone(error)) throw error;
}

export class MessagingServices {
  constructor(private readonly pool: Pool) {}

  /** With `sid` a repetition meets itself. */
  async create(account: string, { friendlyName, sticky = true }: { friendlyName: string; sticky?: boolean }, sid: string = newSid('MG')): Promise<MessagingServiceRecord> {
    await this.pool.query(
      'insert into delivery.messaging_service (sid, account, friendly_name, sticky) values ($1, $2, $3, $4) on conflict do nothing', [sid, account, friendlyName, sticky],
    );
    return (await this.find(account, sid))!;
  }

  async find(account: string, sid: string): Promise<MessagingServiceRecord | undefined> {
    const { rows: [row] } = await this.pool.query<Row>(`select ${COLUMNS} from delivery.messaging_service where account = $1 and sid = $2`, [account, sid]);
    return row && recordOf(row);
  }

  /** By SID, ascending; `after` exclusive. */
  async list(account: string, { after = '', back = false, limit = 1000 }: Page = {}): Promise<MessagingServiceRecord[]> {
    const { rows } = await this.pool.query<Row>(
      `select ${COLUMNS} from delivery.messaging_service where account = $1 and sid ${back ? '<' : '>'} $2 order by sid ${back ? 'desc' : 'asc'} limit $3`,
      [account, after, limit],
    );
    return rows.map(recordOf);
  }

  async update(account: string, sid: string, { friendlyName, sticky }: { friendlyName?: string; sticky?: boolean }): Promise<MessagingServiceRecord | undefined> {
    const { rows: [row] } = await this.pool.query<Row>(
      `update delivery.messaging_service set friendly_name = coalesce($3, friendly_name), sticky = coalesce($4, sticky), updated_at = now()
        where account = $1 and sid = $2 returning ${COLUMNS}`, [account, sid, friendlyName ?? null, sticky ?? null],
    );
    return row && recordOf(row);
  }

  async remove(account: string, sid: string): Promise<boolean> {
    const { rowCount } = await this.pool.query('delete from delivery.messaging_service where account = $1 and sid = $2', [account, sid]);
    return rowCount === 1;
  }

  /** Behind the others unless a place is given; there already, it moves. Undefined: the account has no such service or sender. */
  async addSender(account: string, service: string, sender: string, place?: number): Promise<PoolSender | undefined> {
    const added = await this.pool.query(
      `insert into delivery.messaging_service_sender (service, sender, place)
       select m.sid, s.sid, coalesce($4, (select coalesce(max(place) + 1, 0) from delivery.messaging_service_sender where service = m.sid))
         from delivery.messaging_service m, delivery.sender s where m.account = $1 and m.sid = $2 and s.account = $1 and s.sid = $3
       on conflict (service, sender) do update set place = coalesce($4, messaging_service_sender.place)`, [account, service, sender, place ?? null],
    ).catch(unlessGone);
    if (!added) return undefined;
    // Who refused one of the pool has refused all of it, also those that come later.
    await this.pool.query(
      `insert into delivery.opt_out (account, channel, sender, recipient, reason)
       select distinct on (x.recipient) x.account, x.channel, s.address, x.recipient, x.reason
         from delivery.messaging_service m join delivery.messaging_service_sender p on p.service = m.sid join delivery.sender o on o.sid = p.sender
         join delivery.opt_out x on x.account = o.account and x.channel = o.channel and x.sender = o.address
         join delivery.sender s on s.sid = $3 and s.account = $1 and s.channel = o.channel and s.sid <> o.sid
        where m.account = $1 and m.sid = $2 on conflict do nothing`, [account, service, sender],
    );
    return this.sender(account, service, sender);
  }

  async sender(account: string, service: string, sender: string): Promise<PoolSender | undefined> {
    const { rows: [row] } = await this.pool.query<PoolRow>(`${POOL} and s.sid = $3`, [account, service, sender]);
    return row && poolSenderOf(row);
  }

  /** By SID, ascending; their order as stand-ins is `place`. */
  async senders(account: string, service: string, { after = '', back = false, limit = 1000 }: Page = {}): Promise<PoolSender[]> {
    const { rows } = await this.pool.query<PoolRow>(
      `${POOL} and s.sid ${back ? '<' : '>'} $3 order by s.sid ${back ? 'desc' : 'asc'} limit $4`, [account, service, after, limit],
    );
    return rows.map(poolSenderOf);
  }

  async removeSender(account: string, service: string, sender: string): Promise<boolean> {
    const { rowCount } = await this.pool.query(
      `delete from delivery.messaging_service_sender p using delivery.messaging_service m
        where m.sid = p.service and m.account = $1 and p.service = $2 and p.sender = $3`, [account, service, sender],
    );
    return rowCount === 1;
  }

  /**
   * The sender that talks to this recipient: the one he had before, unless another conversation has the pair; else, of those
   * without a conversation with him, that may write to where he is and with room in their day, the one fewest people have. Noted for the next time.
   * Undefined: the account has no such service, or it has no sender on the channel.
   */
  async senderFor(account: string, service: string, channel: string, recipient: string): Promise<string | undefined> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const chosen = await this.pool.query<{ address: string }>(senderForSql, [account, service, channel, recipient]).catch(unlessGone);
      if (chosen) return chosen.rows[0]?.address;
    }
    return undefined;
  }
}

const senderForSql = `
with chosen as (
  select s.sid, s.address from delivery.messaging_service m join delivery.messaging_service_sender p on p.service = m.sid
    join delivery.sender s on s.sid = p.sender and s.channel = $3
    left join delivery.sticky_sender k on k.service = m.sid and k.channel = $3 and k.recipient = $4 and k.sender = s.sid
    left join delivery.sender_day d on d.sender = s.sid and d.day = (now() at time zone 'utc')::date
   where m.account = $1 and m.sid = $2
   order by exists (select 1 from model.address_binding b where (b.account, b.address, b.proxy_address) = ($1, $4, s.address)),
            not delivery.may_write_to(s.policy, $4), case when m.sticky then k.updated_at end desc nulls last, coalesce(d.sent >= s.daily_cap, false),
            (select count(*) from (select 1 from delivery.sticky_sender o where o.sender = s.sid limit 10000) n), p.place, s.sid
   limit 1
), noted as (
  insert into delivery.sticky_sender (service, channel, recipient, sender) select $2, $3, $4, sid from chosen
  on conflict (service, channel, recipient, sender) do update set updated_at = now()
)
select address from chosen`;

const recordOf = (row: Row): MessagingServiceRecord => ({
  sid: row.sid, account: row.account, friendlyName: row.friendly_name, sticky: row.sticky, created: isoTime(row.created_at), updated: isoTime(row.updated_at),
});
const poolSenderOf = ({ added_at, ...row }: PoolRow): PoolSender => ({ ...row, added: isoTime(added_at) });
