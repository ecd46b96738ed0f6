/**
 * Connections for reads. Every query here walks an index: plans are made once per connection and may not fall back to
 * scans and sorts, which a table's stale statistics (or its being empty when the plan was made) would otherwise choose.
 * Planning each time doubled the database's part of a read (220 to 110 us).
 */
import { createPool, type Pool } from '@parley/event-store/database';
import type { GatewayConfig } from './config.js';

const ways = ['seqscan', 'bitmapscan', 'hashjoin', 'mergejoin', 'sort'].map((way) => [`enable_${way}`, 'off'] as const);
const settings = { plan_cache_mode: 'force_generic_plan', jit: 'off', ...Object.fromEntries(ways) };
/** A database that hangs must not keep requests: then 503. */
export const QUERY_MILLIS_MAX = 10_000;

export const createReadPool = ({ databaseUrl, readPoolMax }: GatewayConfig): Pool =>
  createPool(databaseUrl, { max: readPoolMax, applicationName: 'parley-read', settings });

/** A prepared query: `name` and `text` belong together for ever. */
export const prepared = (name: string, text: string) => (...values: unknown[]) =>
  ({ name, text, values, query_timeout: QUERY_MILLIS_MAX });
