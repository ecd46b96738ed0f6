/** Reads the log from Postgres: what the live tail did not bring, and all that lies in the past. Decrypts and upcasts. */
import type { LogEvent } from '@parley/domain/event';
import { isoTime, type Pool } from './database.js';
import type { DataKeys } from './data-keys.js';
import { decode } from './event-codec.js';
import { withoutRemoved } from './removed-messages.js';
import { currentVersion } from './upcasters.js';

export type EventRow = {
  shard: number;
  position: number;
  stream: string;
  version: number;
  account: string;
  type: string;
  schema_version: number;
  event_id: string;
  recorded_at: string;
  key_id: string | null;
  cause: string | null;
  data: Buffer | null;
};
export const eventColumns =
  'e.shard, e.position, e.stream, e.version, e.account, e.type, e.schema_version, e.event_id, e.recorded_at, e.key_id, e.cause, e.data';

export class LogReader {
  constructor(
    private readonly pool: Pool,
    private readonly keys: DataKeys,
  ) {}

  /** Facts of a shard after a position, in order; at most `limit`. Of types not `wanted` only the place comes (see placeOf). */
  async read(shard: number, after: number, limit = 500, wanted?: ReadonlySet<string>): Promise<LogEvent[]> {
    if (wanted) return this.readWanted(shard, after, limit, wanted);
    const { rows } = await this.pool.query<EventRow>({
      name: 'log-read',
      text: `select ${eventColumns} from log.event e where e.shard = $1 and e.position > $2 order by e.position limit $3`,
      values: [shard, after, limit],
    });
    return this.decodeAll(rows);
  }

  /** What nobody wants is neither carried nor decrypted: who catches up passes over most of the log. */
  private async readWanted(shard: number, after: number, limit: number, wanted: ReadonlySet<string>): Promise<LogEvent[]> {
    const { rows } = await this.pool.query<EventRow>({
      name: 'log-read-wanted',
      text: `select ${eventColumns.replace('e.data', 'case when e.type = any ($4) then e.data end as data')}
               from log.event e where e.shard = $1 and e.position > $2 order by e.position limit $3`,
      values: [shard, after, limit, [...wanted]],
    });
    const events: LogEvent[] = [];
    for (const row of rows) events.push(wanted.has(row.type) ? await this.decode(row) : placeOf(shard, row.position));
    return events;
  }

  /** Facts of one conversation (its receipts among them) after a position, in order; at most `limit`. */
  async readConversation(shard: number, conversation: string, after: number, limit = 500): Promise<LogEvent[]> {
    const { rows } = await this.pool.query<EventRow>({
      name: 'log-read-conversation',
      text: `select ${eventColumns} from log.event e
              where e.shard = $1 and e.key_id = $2 and e.position > $3 order by e.position limit $4`,
      values: [shard, conversation, after, limit],
    });
    return this.decodeAll(rows);
  }

  /** The same for clients: deleted messages say nothing any more. */
  async readPast(shard: number, conversation: string, after: number, limit = 500): Promise<LogEvent[]> {
    const events = await this.readConversation(shard, conversation, after, limit);
    return withoutRemoved(this.pool, events, events.length === limit);
  }

  /** The last position of every shard, by shard. */
  async heads(): Promise<number[]> {
    const { rows } = await this.pool.query<{ head: number }>({ name: 'log-heads', text: 'select head from log.shard order by shard' });
    return rows.map(({ head }) => head);
  }

  async decodeAll(rows: readonly EventRow[]): Promise<LogEvent[]> {
    const events: LogEvent[] = [];
    for (const row of rows) events.push(await this.decode(row));
    return events;
  }

  private async decode(row: EventRow): Promise<LogEvent> {
    const envelope = {
      shard: row.shard, position: row.position, stream: row.stream, version: row.version, account: row.account,
      conversation: row.key_id?.startsWith('CH') ? row.key_id : null, type: row.type, schemaVersion: row.schema_version, eventId: row.event_id,
      recordedAt: isoTime(row.recorded_at), ...(row.cause !== null && { cause: row.cause }),
    };
    const key = row.key_id === null ? undefined : (this.keys.cached(row.key_id) ?? (await this.keys.find(row.key_id, row.account)));
    if (row.data === null || (row.key_id !== null && !key)) return { ...envelope, data: {}, erased: true };
    try {
      // Lifted on the way: what consumers get has the present shape.
      const data = decode(row.type, row.schema_version, row.data, row.stream, row.version, key);
      return { ...envelope, schemaVersion: currentVersion(row.type), data };
    } catch (error) {
      return { ...envelope, data: {}, unreadable: String(error) };
    }
  }
}

/** Stands for a fact that is there but not wanted: type `''`, and nothing else. */
export const placeOf = (shard: number, position: number): LogEvent => ({ shard, position, type: '' }) as LogEvent;
