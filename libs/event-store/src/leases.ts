/**
 * Who works on what, by the database's clock. Only saves double work: what must not happen twice is guarded by the
 * checkpoint's compare-and-set. `owner` is stable over a restart of the same instance, which then goes on at once.
 */
import type { Pool } from './database.js';

export const LEASE_SECONDS = 6;
export const RENEW_MILLIS = 2000;

export class Leases {
  constructor(
    private readonly pool: Pool,
    readonly owner: string,
  ) {}

  /** Takes or renews those of `names` that are free, expired or ours; returns the ones held now. */
  async hold(names: readonly string[]): Promise<Set<string>> {
    const { rows } = await this.pool.query<{ name: string }>(
      `insert into log.lease as l (name, owner, expires_at)
       select name, $2, now() + make_interval(secs => $3) from unnest($1::text[]) name order by name
       on conflict (name) do update set owner = excluded.owner, expires_at = excluded.expires_at
         where l.owner = excluded.owner or l.expires_at < now()
       returning name`,
      [names, this.owner, LEASE_SECONDS],
    );
    return new Set(rows.map(({ name }) => name));
  }

  /** Those of `names` that others hold now. */
  async heldByOthers(names: readonly string[]): Promise<Set<string>> {
    const { rows } = await this.pool.query<{ name: string }>(
      'select name from log.lease where name = any ($1) and owner <> $2 and expires_at > now()', [names, this.owner],
    );
    return new Set(rows.map(({ name }) => name));
  }

  /** How many instances hold a lease of this kind, ourselves included. */
  async instances(prefix: string): Promise<number> {
    const { rows } = await this.pool.query<{ n: number }>(
      `select count(*)::integer as n from log.lease where name like $1 and expires_at > now()`, [`${prefix}%`],
    );
    return Math.max(1, rows[0]!.n);
  }

  async release(names: readonly string[]): Promise<void> {
    await this.pool.query('delete from log.lease where name = any ($1) and owner = $2', [names, this.owner]);
  }
}
