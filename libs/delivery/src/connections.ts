/**
 * Connections of accounts to carriers: stored with their secrets sealed, checked by the carrier's definition before they
 * are. What uses them learns of a change by `CONNECTION_CHANGED` and by the row's version.
 */
import { carrierNamed } from '@parley/channel/carriers/catalogue';
import type { CarrierDefinition } from '@parley/channel/carrier-definition';
import { newSid } from '@parley/domain/sid';
import { isoTime, type Pool } from '@parley/event-store/database';
import type { SecretBox } from '@parley/event-store/secret-box';
import { hostsNamed, isPrivateHost } from './connection-hosts.js';

/** NATS subject, with the SID of a connection that was made, changed or removed. */
export const CONNECTION_CHANGED = 'connection.changed';

export type ConnectionInput = {
  carrier: string;
  friendlyName?: string | null;
  credentials: Readonly<Record<string, unknown>>;
  settings?: Readonly<Record<string, unknown>>;
};
/** Without secrets. */
export type ConnectionRecord = {
  sid: string; account: string; carrier: string; friendlyName: string | null; settings: Record<string, unknown>;
  created: string; updated: string;
};
type Row = {
  sid: string; account: string; carrier: string; friendly_name: string | null; settings: Record<string, unknown>; created_at: string; updated_at: string;
};

/** What was given does not fit the carrier; `field` as a caller wrote it: `Credentials.authToken`, `Carrier`. */
export class ConnectionFault extends Error {
  override name = 'ConnectionFault';
  constructor(readonly field: string, readonly reason: string) {
    super(`${field}: ${reason}`);
  }
}

export type ConnectionsOptions = {
  pool: Pool;
  box: SecretBox;
  /** Whether a carrier may be at a private address: on one's own machine, and for the operator, yes. */
  privateAllowed: boolean;
  /** Tells whoever has the connection open. */
  tell?: (sid: string) => void;
};

const COLUMNS = 'sid, account, carrier, friendly_name, settings, created_at, updated_at';

export class Connections {
  constructor(private readonly options: ConnectionsOptions) {}

  /** Throws ConnectionFault. With `sid` a repetition meets itself. */
  async create(account: string, input: ConnectionInput, sid: string = newSid('CX')): Promise<ConnectionRecord> {
    const { pool, box } = this.options;
    const settings = input.settings ?? {};
    this.check(input.carrier, input.credentials, settings);
    await pool.query(
      `insert into delivery.connection (sid, account, carrier, friendly_name, carrier_account, credentials, settings, private_allowed)
       values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (sid) do nothing`,
      [sid, account, input.carrier, input.friendlyName ?? null, carrierAccount(input.credentials), box.seal(JSON.stringify(input.credentials)), settings, this.options.privateAllowed],
    );
    this.options.tell?.(sid);
    return (await this.find(account, sid))!;
  }

  async find(account: string, sid: string): Promise<ConnectionRecord | undefined> {
    const { rows: [row] } = await this.options.pool.query<Row>(`select ${COLUMNS} from delivery.connection where account = $1 and sid = $2`, [account, sid]);
    return row && recordOf(row);
  }

  /** By SID, ascending; `after` exclusive. */
  async list(account: string, { after = '', back = false, limit = 1000 } = {}): Promise<ConnectionRecord[]> {
    const { rows } = await this.options.pool.query<Row>(
      `select ${COLUMNS} from delivery.connection where account = $1 and sid ${back ? '<' : '>'} $2 order by sid ${back ? 'desc' : 'asc'} limit $3`,
      [account, after, limit],
    );
    return rows.map(recordOf);
  }

  /** Credentials and settings that are given replace those there are. Undefined: there is none. Throws ConnectionFault. */
  async update(account: string, sid: string, changes: Partial<Omit<ConnectionInput, 'carrier'>>): Promise<ConnectionRecord | undefined> {
    const { pool, box } = this.options;
    const { rows: [row] } = await pool.query<Row & { credentials: Buffer }>(
      `select ${COLUMNS}, credentials from delivery.connection where account = $1 and sid = $2`, [account, sid],
    );
    if (!row) return undefined;
    const credentials = changes.credentials ?? (JSON.parse(box.open(row.credentials)) as Record<string, unknown>);
    const settings = changes.settings ?? row.settings;
    this.check(row.carrier, credentials, settings);
    await pool.query(
      `update delivery.connection set friendly_name = $3, carrier_account = $4, credentials = $5, settings = $6, private_allowed = $7, version = version + 1, updated_at = now()
        where account = $1 and sid = $2`,
      [account, sid, changes.friendlyName === undefined ? row.friendly_name : changes.friendlyName, carrierAccount(credentials), box.seal(JSON.stringify(credentials)), settings, this.options.privateAllowed],
    );
    this.options.tell?.(sid);
    return this.find(account, sid);
  }

  /** `in_use`: a sender has it. */
  async remove(account: string, sid: string): Promise<'removed' | 'unknown' | 'in_use'> {
    try {
      const { rowCount } = await this.options.pool.query('delete from delivery.connection where account = $1 and sid = $2', [account, sid]);
      if (rowCount === 0) return 'unknown';
      this.options.tell?.(sid);
      return 'removed';
    } catch (error) {
      if ((error as { code?: string }).code === '23503') return 'in_use';
      throw error;
    }
  }

  private check(carrier: string, credentials: object, settings: object): void {
    const definition = carrierNamed(carrier);
    if (!definition) throw new ConnectionFault('Carrier', 'is no carrier known here');
    for (const [name, schema, given] of [['Credentials', definition.credentials, credentials], ['Settings', definition.settings, settings]] as const) {
      const fault = faultOf(schema, given);
      if (fault) throw new ConnectionFault([name, ...fault.path].join('.'), fault.message);
      const closed = this.options.privateAllowed ? undefined : hostsNamed(given).find(({ host }) => isPrivateHost(host));
      if (closed) throw new ConnectionFault(`${name}.${closed.field}`, 'names a private address');
    }
  }
}

type Schema = CarrierDefinition['credentials'];
function faultOf(schema: Schema, given: object): { path: string[]; message: string } | undefined {
  const result = schema.safeParse(given);
  if (result.success) return undefined;
  const issue = result.error.issues[0]! as { path: PropertyKey[]; message: string; keys?: string[] };
  return { path: [...issue.path, ...(issue.keys?.slice(0, 1) ?? [])].map(String), message: issue.message };
}

/** Twilio's webhooks name the account they come from. */
const carrierAccount = (credentials: Readonly<Record<string, unknown>>): string | null =>
  (typeof credentials['accountSid'] === 'string' ? credentials['accountSid'] : null);

const recordOf = (row: Row): ConnectionRecord => ({
  sid: row.sid, account: row.account, carrier: row.carrier, friendlyName: row.friendly_name, settings: row.settings,
  created: isoTime(row.created_at), updated: isoTime(row.updated_at),
});
