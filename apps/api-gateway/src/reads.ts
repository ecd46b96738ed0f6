/**
 * Reads from Postgres. Many requests share a few pipelined connections, and what comes up in one turn of the event loop is
 * written at once: waking the database costs more than most of these queries, and one wake-up then serves many.
 *
 * Every query here walks an index: plans are made once per connection and may not fall back to scans and sorts, which
 * stale statistics, or a table that was empty when the plan was made, would otherwise choose. Planning each time doubled
 * the database's part of a read (220 us instead of 110).
 */
import { DomainError } from '@parley/domain/domain-error';
import { createPool, isConnectionError, type Connection, type Pool } from '@parley/event-store/database';
import { logger } from '@parley/telemetry/logger';
import type { Socket } from 'node:net';
import type { GatewayConfig } from './config.js';

/** A database that hangs must not keep requests: a connection that answers nothing for this long is given up, then 503. */
const SILENCE_MILLIS_MAX = 10_000;
/** Looked at this often: a timer per query would outlive the young generation with all its request holds (measured). */
const WATCH_MILLIS = 500;
/** Queries under way at once, over all connections; more are refused with 503. */
const IN_FLIGHT_MAX = 4_000;

const log = logger('api-gateway');
const ways = ['seqscan', 'bitmapscan', 'hashjoin', 'mergejoin', 'sort'].map((way) => [`enable_${way}`, 'off'] as const);
const settings = { plan_cache_mode: 'force_generic_plan', jit: 'off', ...Object.fromEntries(ways) };

export type Query = { name: string; text: string; values: unknown[] };
/** A prepared query: `name` and `text` belong together for ever. */
export const prepared = (name: string, text: string) => (...values: unknown[]): Query =>
  ({ name, text, values });

type Lane = {
  client: Promise<Connection>;
  inFlight: number;
  corked: boolean;
  /** When it last had nothing to answer, or answered. */
  heardAt: number;
  /** Given up because it answered nothing. */
  silent: boolean;
  drop(): void;
};

export class Reads {
  private readonly pool: Pool;
  private readonly lanes: (Lane | undefined)[];
  private inFlight = 0;
  private readonly watch: NodeJS.Timeout;

  constructor({ databaseUrl, readConnections }: Pick<GatewayConfig, 'databaseUrl' | 'readConnections'>) {
    this.pool = createPool(databaseUrl, { max: readConnections, applicationName: 'parley-read', settings, pipeline: true });
    this.lanes = Array.from({ length: readConnections });
    this.watch = setInterval(() => this.dropSilent(), WATCH_MILLIS).unref();
  }

  /**
   * What a connection did not answer before it broke is asked once more on another one, unless it was silent for long. Throws
   * DomainError `overloaded`, `unavailable` (no connection to be had), else Postgres' errors as they come.
   */
  async query<Row>(query: Query): Promise<Row[]> {
    if (this.inFlight >= IN_FLIGHT_MAX) throw new DomainError('overloaded');
    this.inFlight++;
    try {
      const lane = this.lane();
      return await this.ask<Row>(lane, query).catch((error: unknown) => {
        if (!isConnectionError(error)) throw error;
        lane.drop(); // its end may be heard of later than its last words
        if (lane.silent) throw error;
        return this.ask<Row>(this.lane(), query);
      });
    } finally {
      this.inFlight--;
    }
  }

  private async ask<Row>(lane: Lane, query: Query): Promise<Row[]> {
    if (lane.inFlight++ === 0) lane.heardAt = performance.now();
    try {
      const client = await lane.client.catch(unavailable);
      return await new Promise<Row[]>((resolve, reject) => {
        hold(lane, client);
        client.query<Row & object>(query, (error, result) => (error ? reject(error) : resolve(result.rows)));
      });
    } finally {
      lane.inFlight--;
      lane.heardAt = performance.now();
    }
  }

  async end(): Promise<void> {
    clearInterval(this.watch);
    await Promise.all(this.lanes.map(async (lane) => {
      await lane?.client.catch(() => {});
      lane?.drop();
    }));
    await this.pool.end();
  }

  private dropSilent(): void {
    const before = performance.now() - SILENCE_MILLIS_MAX;
    for (const lane of this.lanes) {
      if (!lane || lane.inFlight === 0 || lane.heardAt > before) continue;
      log.warn('a database connection answers nothing, giving it up', { waiting: lane.inFlight });
      lane.silent = true;
      lane.drop();
    }
  }

  /** The one with the least to do. */
  private lane(): Lane {
    let best = 0;
    for (let at = 1; at < this.lanes.length; at++)
      if ((this.lanes[at]?.inFlight ?? 0) < (this.lanes[best]?.inFlight ?? 0)) best = at;
    return (this.lanes[best] ??= this.open(best));
  }

  /** A connection that breaks fails what is under way on it; the next query opens another. */
  private open(at: number): Lane {
    const forget = () => { if (this.lanes[at] === lane) this.lanes[at] = undefined; };
    const lane: Lane = { client: this.pool.connect(), inFlight: 0, corked: false, heardAt: performance.now(), silent: false, drop: forget };
    lane.client.then((client) => {
      let gone = false;
      lane.drop = () => {
        forget();
        if (gone) return;
        gone = true; // first: releasing ends the connection, which comes back here
        client.release(true);
      };
      client.once('error', lane.drop).once('end', lane.drop);
    }, forget);
    return lane;
  }
}

function unavailable(error: unknown): never {
  log.warn('no connection for reads', { error });
  throw new DomainError('unavailable');
}

/** Holds back what is written until the end of the turn. */
function hold(lane: Lane, client: Connection): void {
  if (lane.corked) return;
  lane.corked = true;
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
  stream.cork();
  setImmediate(() => {
    lane.corked = false;
    stream.uncork();
  });
}
