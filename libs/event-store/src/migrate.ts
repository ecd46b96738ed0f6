/**
 * Brings a database to this build's schema: numbered SQL files, and the read models' schema. Refuses a database that a newer
 * build made, and files that changed after they were applied. Read models of another shape are no obstacle: they are
 * derived, so the caller has them built again (`modelsAreCurrent`, rebuild.ts).
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { transaction, type Connection, type Pool } from './database.js';
import { modelApply, modelSchema } from './model-schema.js';

/** Says what to do in one line. */
export class MigrationError extends Error {
  override name = 'MigrationError';
}

type Step = { name: string; sql: string };

const models: Step = { name: '0002_z_model', sql: modelSchema('model') + modelApply('model') };

/** Migrates the main database. Only one instance works at it; others wait. */
export async function migrate(pool: Pool): Promise<string[]> {
  const steps = await stepsIn('../migrations/');
  const afterRegistry = steps.findIndex(({ name }) => name > '0002') + 1;
  steps.splice(afterRegistry, 0, models);
  return apply(pool, steps);
}

/** False: the read models have another shape than this build's. To be asked after `migrate`. */
export async function modelsAreCurrent(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ checksum: string }>('select checksum from schema_migration where name = $1', [models.name]);
  return rows[0]?.checksum === checksum(models.sql);
}

/** After they were built again. */
export async function noteModelsCurrent(pool: Pool): Promise<void> {
  await pool.query('update schema_migration set checksum = $2, at = now() where name = $1', [models.name, checksum(models.sql)]);
}

/** Migrates the database of data keys. */
export const migrateKeys = async (pool: Pool): Promise<string[]> => apply(pool, await stepsIn('../migrations-keys/'));

async function stepsIn(folder: string): Promise<Step[]> {
  const url = new URL(folder, import.meta.url);
  const names = (await readdir(url)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(names.map(async (file) => ({ name: file.slice(0, -4), sql: await readFile(new URL(file, url), 'utf8') })));
}

async function apply(pool: Pool, steps: Step[]): Promise<string[]> {
  return transaction(pool, async (tx) => {
    await tx.query('select pg_advisory_xact_lock(7241055)');
    await tx.query(
      'create table if not exists schema_migration (name text primary key, checksum text not null, at timestamptz not null default now())',
    );
    const { rows } = await tx.query<{ name: string; checksum: string }>('select name, checksum from schema_migration');
    const applied = new Map(rows.map(({ name, checksum }) => [name, checksum]));
    check(applied, steps);
    const missing = steps.filter(({ name }) => !applied.has(name));
    for (const step of missing) await applyStep(tx, step);
    return missing.map(({ name }) => name);
  });
}

function check(applied: ReadonlyMap<string, string>, steps: readonly Step[]): void {
  const known = new Set(steps.map(({ name }) => name));
  const newer = [...applied.keys()].filter((name) => !known.has(name));
  if (newer.length > 0)
    throw new MigrationError(`the database was made by a newer Parley (it has ${newer[0]}): start that version, or give another DATABASE_URL`);
  for (const { name, sql } of steps) {
    if (name === models.name) continue;
    const before = applied.get(name);
    if (before !== undefined && before !== checksum(sql))
      throw new MigrationError(`the database was made by another build of Parley (${name} differs): use that build, or start with an empty database`);
  }
}

async function applyStep(tx: Connection, { name, sql }: Step): Promise<void> {
  await tx.query(sql);
  await tx.query('set local search_path = public');
  await tx.query('insert into schema_migration (name, checksum) values ($1, $2)', [name, checksum(sql)]);
}

const checksum = (sql: string) => createHash('sha256').update(sql).digest('hex');
