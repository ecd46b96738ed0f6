/** The inbox's table: events are stored many at a time, taken in the order of their lanes, and marked when they are done. */
import { eventKeyOf, type InboundEvent } from '@parley/channel/inbound-event';
import { isoTime, transaction, type Pool } from '@parley/event-store/database';
import { textArray } from '@parley/event-store/pg-arrays';
import { Batcher } from './batcher.js';

/** What Postgres has no place for in text and JSON: NUL, half a character. */
const UNSTORABLE: ReadonlySet<unknown> = new Set(['22021', '22P02', '22P05']);

export type Arrival = { account: string; carrier: string; event: InboundEvent };
export type InboxRow = Arrival & { id: number; lane: string | null; attempts: number; receivedAt: string };
export type InboxEnd = { id: number; state: 'done' | 'unrouted' | 'unmatched' | 'failed' };
export type Stored = {
  /** Ours to work on at once; undefined: known before, or somebody else's turn. */
  row: InboxRow | undefined;
  /** Stored for the sweep to take. */
  left: boolean;
};

/** Who has taken an event and is silent for so long is taken for dead. */
const LEASE_MILLIS = 10_000;
const ANY_PROCESS_LOCK = 7_241_056;

export class InboxStore {
  private readonly arrivals = new Batcher<Arrival & { mayWork: boolean }, Stored>((all) => this.storeAll(all));
  private readonly ends = new Batcher<InboxEnd, void>((all) => this.endAll(all), { pauseMillis: 10, batchMax: 500 });

  constructor(
    private readonly pool: Pool,
    private readonly owner: string,
  ) {}

  /** Commits before it resolves. With `mayWork` the event is ours, unless an earlier one of its lane is in other hands. */
  store(arrival: Arrival, mayWork: boolean): Promise<Stored> {
    return this.arrivals.do({ ...arrival, mayWork });
  }

  /** Takes its time, as nobody waits: a mark that gets lost means that the event is handled again, which changes nothing. */
  end(end: InboxEnd): Promise<void> {
    return this.ends.do(end);
  }

  /** Puts back what is this instance's by name, but not in hand: of these lanes, or of all after a restart. */
  async disown(lanes: string[] | null, inHand: number[]): Promise<void> {
    await this.pool.query(
      `update delivery.inbox set owner = null, due_at = now()
        where state = 'received' and owner = $1 and ($2::text[] is null or lane = any ($2)) and id <> all ($3::bigint[])`, [this.owner, lanes, inHand],
    );
  }

  /** Puts an event back that has to be tried again. */
  async postpone(id: number, millis: number): Promise<void> {
    await this.pool.query(
      `update delivery.inbox set attempts = attempts + 1, owner = null, due_at = now() + $2 * interval '1 ms'
        where id = $1 and state = 'received'`, [id, millis],
    );
  }

  /** Puts back events that wait behind one that was postponed. */
  async release(ids: number[]): Promise<void> {
    await this.pool.query("update delivery.inbox set owner = null, due_at = now() where id = any ($1) and state = 'received'", [ids]);
  }

  /** Takes what is due and in nobody's hands, in order, of a lane only from its beginning. One process at a time. */
  async take(max: number, exceptIds: number[]): Promise<InboxRow[]> {
    const { rowCount } = await this.pool.query("select 1 from delivery.inbox where state = 'received' and due_at <= now() limit 1");
    if (rowCount === 0) return [];
    const { rows } = await transaction(this.pool, async (tx) => {
      await tx.query('select pg_advisory_xact_lock($1)', [ANY_PROCESS_LOCK]);
      // A statement of its own: its snapshot has to show what the process before us took.
      return tx.query<InboxRow & { received_at: string }>({
        name: 'take-inbox', text: takeSql, values: [max, this.owner, LEASE_MILLIS, exceptIds],
      });
    });
    return rows.sort((a, b) => a.id - b.id).map((row) => ({ ...row, receivedAt: isoTime(row.received_at) }));
  }

  /** Adapters clean what they read; what one has missed costs a second statement, and nobody who came in the same moment their event. */
  private storeAll(arrivals: (Arrival & { mayWork: boolean })[]): Promise<Stored[]> {
    return this.tryAll(arrivals).catch((error: unknown) => {
      if (!UNSTORABLE.has((error as { code?: unknown }).code)) throw error;
      return this.tryAll(arrivals.map((arrival) => ({ ...arrival, event: storable(arrival.event) as InboundEvent })));
    });
  }

  private async tryAll(arrivals: (Arrival & { mayWork: boolean })[]): Promise<Stored[]> {
    const keys = arrivals.map(({ event }) => eventKeyOf(event));
    const lanes = arrivals.map(laneOf);
    const { rows } = await this.pool.query<{ id: number; account: string; carrier: string; event_key: string; ours: boolean; received_at: string }>({
      name: 'store-inbox', text: storeSql,
      values: [
        textArray(arrivals.map(({ account }) => account)), textArray(arrivals.map(({ carrier }) => carrier)), textArray(keys),
        textArray(lanes), textArray(arrivals.map(({ event }) => JSON.stringify(event))), arrivals.map(({ mayWork }) => mayWork),
        this.owner, LEASE_MILLIS,
      ],
    });
    const stored = new Map(rows.map((row) => [`${row.account} ${row.carrier} ${row.event_key}`, row]));
    return arrivals.map(({ mayWork: _, ...arrival }, i) => {
      const key = `${arrival.account} ${arrival.carrier} ${keys[i]}`;
      const row = stored.get(key);
      stored.delete(key); // the same event twice in one batch is one event
      if (!row?.ours) return { row: undefined, left: row !== undefined };
      return { row: { ...arrival, id: row.id, lane: lanes[i]!, attempts: 0, receivedAt: isoTime(row.received_at) }, left: false };
    });
  }

  private async endAll(ends: InboxEnd[]): Promise<void[]> {
    await this.pool.query({ name: 'end-inbox', text: endSql, values: [ends.map(({ id }) => id), ends.map(({ state }) => state)] });
    return ends.map(() => undefined);
  }
}

function storable(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '').toWellFormed();
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [storable(name), storable(each)]));
}

/**
 * Messages of one sender to one of ours keep their order; status reports need none. What happens to messages keeps an order
 * of its own: one that waits for its message must not hold up the next ones.
 */
export function laneOf({ account, event }: Arrival): string | null {
  switch (event.kind) {
    case 'status': case 'ignore': return null;
    case 'edit': case 'delete': case 'system': return JSON.stringify([account, event.from, event.to, 'changes']);
    default: return JSON.stringify([account, event.from, event.to]);
  }
}

// Numbered as they came, which is the order of their lanes, and written in the order of their keys: two processes that are told the same
// things in different orders never wait for each other crosswise.
const storeSql = `
with arrived as materialized (
  select a.*, nextval('delivery.inbox_id_seq') as id
    from (select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[]) with ordinality
          t (account, carrier, event_key, lane, event, may_work, o) order by o) a
)
insert into delivery.inbox (id, account, carrier, event_key, lane, event, owner, due_at) overriding system value
select a.id, a.account, a.carrier, a.event_key, a.lane, a.event::jsonb, case when b.free then $7 end,
       case when b.free then now() + $8 * interval '1 ms' else now() end
  from arrived a
 cross join lateral (select a.may_work and not exists (
   select 1 from delivery.inbox e where e.lane = a.lane and e.state = 'received' and e.owner is distinct from $7) as free) b
 order by a.account, a.carrier, a.event_key, a.o
on conflict on constraint inbox_event do nothing
returning id, account, carrier, event_key, owner is not distinct from $7 as ours, received_at`;

// What is done has nothing left to say, except where media wait to be fetched. What failed is kept to be looked at.
const endSql = `
update delivery.inbox i
   set state = e.state, owner = null, event = case when e.state = 'failed' or i.event->'media'->0 is not null then i.event end
  from unnest($1::bigint[], $2::text[]) e (id, state) where i.id = e.id and i.state = 'received'`;

const takeSql = `
with free as (
  select r.id from delivery.inbox r
   where r.state = 'received' and r.due_at <= now() and r.id <> all ($4::bigint[]) and not exists (
     select 1 from delivery.inbox e where e.lane = r.lane and e.state = 'received' and e.id < r.id and e.due_at > now())
   order by r.id limit $1)
update delivery.inbox i set owner = $2, due_at = now() + $3 * interval '1 ms' from free
 where i.id = free.id and i.state = 'received' and i.due_at <= now()
returning i.id, i.account, i.carrier, i.lane, i.event, i.attempts, i.received_at`;
