/**
 * Senders an account owns: numbers, WhatsApp senders, mail addresses, each with the connection that carries it. The first one
 * on a channel ends the simulator's part there for that account: from then on only its own senders are valid proxy addresses.
 */
import { carrierNamed } from '@parley/channel/carriers/catalogue';
import { channelOfProxy } from '@parley/domain/address';
import { newSid } from '@parley/domain/sid';
import { isoTime, type Pool } from '@parley/event-store/database';
import type { SecretBox } from '@parley/event-store/secret-box';
import { goOn } from './waiting.js';

export type SenderInput = {
  address: string;
  /** SID. */
  connection: string;
  /** Messages a second; null: as the carrier's definition says. */
  rate?: number | null;
  /** Sends of a day (UTC); null: no limit. */
  dailyCap?: number | null;
  capabilities?: string[] | null;
  policy?: Readonly<Record<string, unknown>>;
};
export type SenderRecord = {
  sid: string; account: string; channel: string; address: string; connection: string; carrier: string;
  rate: number | null; dailyCap: number | null; capabilities: string[] | null; policy: Record<string, unknown>;
  /** What the carrier says about it: quality, limits, templates. */
  state: Record<string, unknown>; created: string; updated: string;
};
type Row = {
  sid: string; account: string; channel: string; address: string; connection: string; carrier: string; rate: number | null; daily_cap: number | null;
  capabilities: string[] | null; policy: Record<string, unknown>; state: Record<string, unknown>; created_at: string; updated_at: string;
};

const columns = { connection: 'connection', rate: 'rate', dailyCap: 'daily_cap', capabilities: 'capabilities', policy: 'policy' } as const;

/** `field` as a caller wrote it. */
export class SenderFault extends Error {
  override name = 'SenderFault';
  constructor(readonly field: string, readonly reason: string) {
    super(`${field}: ${reason}`);
  }
}

/** A row that a statement is about went while it was under way. */
export const isGone = (error: unknown): boolean => (error as { code?: string }).code === '23503';
const noConnection = () => new SenderFault('ConnectionSid', 'is no connection of the account');
function connectionGone(error: unknown): never {
  throw isGone(error) ? noConnection() : error;
}

const SELECT = `select s.sid, s.account, s.channel, s.address, s.connection, c.carrier, s.rate, s.daily_cap, s.capabilities, s.policy, s.state, s.created_at, s.updated_at
  from delivery.sender s join delivery.connection c on c.sid = s.connection`;

export class Senders {
  constructor(private readonly pool: Pool) {}

  /** Throws SenderFault; `taken` when the account has the address already. */
  async create(account: string, input: SenderInput, sid: string = newSid('XE')): Promise<SenderRecord | 'taken'> {
    const channel = channelOfProxy(input.address);
    if (channel === undefined) throw new SenderFault('Address', 'is no address of any channel');
    await this.mustCarry(account, input.connection, channel);
    const made = await this.pool.query(
      `insert into delivery.sender (sid, account, channel, address, connection, rate, daily_cap, capabilities, policy)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing`,
      [sid, account, channel, input.address, input.connection, input.rate ?? null, input.dailyCap ?? null, input.capabilities ?? null, input.policy ?? {}],
    ).catch(connectionGone);
    const found = await this.find(account, sid); // a repetition meets itself
    if (!found && made.rowCount === 1) throw new SenderFault('Address', 'was removed meanwhile');
    return found ?? 'taken';
  }

  async find(account: string, sid: string): Promise<SenderRecord | undefined> {
    const { rows: [row] } = await this.pool.query<Row>(`${SELECT} where s.account = $1 and s.sid = $2`, [account, sid]);
    return row && recordOf(row);
  }

  /** By SID, ascending; `after` exclusive. */
  async list(account: string, { after = '', back = false, limit = 1000, channel = null as string | null } = {}): Promise<SenderRecord[]> {
    const { rows } = await this.pool.query<Row>(
      `${SELECT} where s.account = $1 and s.sid ${back ? '<' : '>'} $2 and ($4::text is null or s.channel = $4) order by s.sid ${back ? 'desc' : 'asc'} limit $3`,
      [account, after, limit, channel],
    );
    return rows.map(recordOf);
  }

  /** What is not given stays, also when somebody else changes it meanwhile. Throws SenderFault. */
  async update(account: string, sid: string, changes: Partial<Omit<SenderInput, 'address'>>): Promise<SenderRecord | undefined> {
    const sender = await this.find(account, sid);
    if (!sender) return undefined;
    if (changes.connection !== undefined) await this.mustCarry(account, changes.connection, sender.channel);
    const given = (Object.keys(columns) as (keyof typeof columns)[]).filter((field) => changes[field] !== undefined);
    const { rows: [limits] } = await this.pool.query<{ more_a_day: boolean; other_rate: boolean }>(
      `update delivery.sender s set ${given.map((field, i) => `${columns[field]} = $${i + 3}, `).join('')}updated_at = now()
         from (select sid, daily_cap, rate, policy->'recipient_rate' as of_recipient from delivery.sender where account = $1 and sid = $2 for update) b where s.sid = b.sid
       returning b.daily_cap is not null and coalesce(s.daily_cap > b.daily_cap, true) as more_a_day, (s.rate, s.policy->'recipient_rate') is distinct from (b.rate, b.of_recipient) as other_rate,
         case when (s.daily_cap, s.rate, s.policy->'recipient_rate') is distinct from (b.daily_cap, b.rate, b.of_recipient) then delivery.changes_waits($1) end as waits`,
      [account, sid, ...given.map((field) => changes[field])],
    ).catch(connectionGone);
    const its = { channel: sender.channel, sender: sender.address };
    if (limits?.more_a_day) await goOn(this.pool, 'daily_cap', account, its);
    if (limits?.other_rate) await goOn(this.pool, 'rate', account, its);
    return this.find(account, sid);
  }

  async remove(account: string, sid: string): Promise<boolean> {
    const { rows: [removed] } = await this.pool.query<{ channel: string; sender: string }>(
      'delete from delivery.sender where account = $1 and sid = $2 returning channel, address as sender, delivery.changes_waits($1)', [account, sid]);
    // Nothing is sent by it later either.
    if (removed) for (const waitsFor of ['daily_cap', 'rate'] as const) await goOn(this.pool, waitsFor, account, removed);
    return removed !== undefined;
  }

  private async mustCarry(account: string, connection: string, channel: string): Promise<void> {
    const { rows: [row] } = await this.pool.query<{ carrier: string }>('select carrier from delivery.connection where account = $1 and sid = $2', [account, connection]);
    if (!row) throw noConnection();
    const channels: readonly string[] = carrierNamed(row.carrier)?.channels ?? [];
    if (!channels.includes(channel)) throw new SenderFault('Address', `the carrier ${row.carrier} has no ${channel} senders`);
  }
}

const recordOf = (row: Row): SenderRecord => ({
  sid: row.sid, account: row.account, channel: row.channel, address: row.address, connection: row.connection, carrier: row.carrier, rate: row.rate,
  dailyCap: row.daily_cap, capabilities: row.capabilities, policy: row.policy, state: row.state, created: isoTime(row.created_at), updated: isoTime(row.updated_at),
});

/** What Twilio's console calls Account SID and Auth Token. */
export type TwilioSender = { account: string; address: string; carrier: 'twilio'; accountSid: string; authToken: string };

/**
 * Adds a sender at Twilio, or changes the credentials of the account's connection there: one connection for each account at
 * Twilio. Throws RangeError when no carrier here could send from the address.
 */
export async function saveSender(pool: Pool, box: SecretBox, { account, address, carrier, accountSid, authToken }: TwilioSender): Promise<void> {
  const channel = channelOfProxy(address);
  if (channel !== 'sms' && channel !== 'whatsapp') throw new RangeError(`${address} is neither a number nor a whatsapp: address`);
  await pool.query(
    `with known as (
       update delivery.connection set credentials = $5, version = version + 1, updated_at = now()
        where sid in (select c.sid from delivery.connection c left join delivery.sender s on s.connection = c.sid and s.account = c.account and s.address = $7
                       where c.account = $2 and c.carrier = $3 and c.carrier_account = $4 order by s.address is null, c.sid limit 1) returning sid
     ), made as (
       insert into delivery.connection (sid, account, carrier, carrier_account, credentials) select $1, $2, $3, $4, $5 where not exists (select 1 from known) returning sid
     )
     insert into delivery.sender (sid, account, channel, address, connection) select $6, $2, $8, $7, sid from (select sid from known union all select sid from made) c
     on conflict (account, channel, address) do update set connection = excluded.connection, updated_at = now()`,
    [newSid('CX'), account, carrier, accountSid, box.seal(JSON.stringify({ accountSid, authToken })), newSid('XE'), address, channel],
  );
}

/** False when there was none. */
export async function removeSender(pool: Pool, account: string, address: string): Promise<boolean> {
  const { rows: [sender] } = await pool.query<{ sid: string }>('select sid from delivery.sender where account = $1 and address = $2', [account, address]);
  return sender !== undefined && new Senders(pool).remove(account, sender.sid);
}

export type SenderInfo = { account: string; channel: string; address: string; carrier: string; carrierAccount: string | null };

/** Without secrets. */
export async function listSenders(pool: Pool, account: string): Promise<SenderInfo[]> {
  const { rows } = await pool.query<SenderInfo>(
    `select s.account, s.channel, s.address, c.carrier, c.carrier_account as "carrierAccount" from delivery.sender s
       join delivery.connection c on c.sid = s.connection where s.account = $1 order by s.channel, s.address`, [account],
  );
  return rows;
}
