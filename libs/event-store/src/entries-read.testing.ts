/**
 * What statements read, as the server counts it: that work costs the same however much is stored (design, P7). A plan that takes an
 * index from end to end is no better than one that takes the table, so entries are counted, of both.
 */
import type { Pool } from './database.js';

/** Tables and indexes of which `work` read more than so many entries, and how many. `pool` has one connection, so that the statistics are its own. */
export async function readMoreThan(entriesMax: number, pool: Pool, work: () => Promise<void>): Promise<Record<string, number>> {
  const before = await entriesRead(pool);
  await work();
  const after = await entriesRead(pool);
  return Object.fromEntries(Object.entries(after).map(([name, read]) => [name, read - (before[name] ?? 0)] as const).filter(([, read]) => read > entriesMax));
}

async function entriesRead(pool: Pool): Promise<Record<string, number>> {
  await pool.query('select pg_stat_force_next_flush()');
  await pool.query('select pg_stat_clear_snapshot()');
  const { rows } = await pool.query<{ name: string; read: number }>(
    `select schemaname || '.' || relname as name, seq_tup_read as read from pg_stat_user_tables
     union all select schemaname || '.' || indexrelname, idx_tup_read from pg_stat_user_indexes`,
  );
  return Object.fromEntries(rows.map(({ name, read }) => [name, read]));
}
