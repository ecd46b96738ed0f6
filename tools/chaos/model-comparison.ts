/** The read models against the fold of the log: a rebuild must give the same rows as what the appends wrote. */
import { connectDatabase } from '../../infra/local/database.mjs';
import { rebuild } from './faults.ts';

/** `[]` when every table of the read models is the same before and after; nothing may write meanwhile. */
export async function modelDifferences(databaseUrl: string, home: string): Promise<string[]> {
  const before = await tableHashes(databaseUrl);
  await rebuild(home);
  const after = await tableHashes(databaseUrl);
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((table) => before.get(table) !== after.get(table))
    .map((table) => `model.${table} is ${before.get(table)}, the fold of the log gives ${after.get(table)} (rows and hash)`);
}

async function tableHashes(databaseUrl: string): Promise<Map<string, string>> {
  const client = await connectDatabase(databaseUrl);
  try {
    const { rows: tables } = await client.query<{ name: string }>("select table_name as name from information_schema.tables where table_schema = 'model' order by 1");
    const hashes = new Map<string, string>();
    for (const { name } of tables) {
      const { rows } = await client.query<{ hash: string }>(
        `select count(*) || ' ' || coalesce(md5(string_agg(t::text, e'\\n' order by t::text collate "C")), '-') as hash from model."${name}" t`,
      );
      hashes.set(name, rows[0]!.hash);
    }
    return hashes;
  } finally {
    await client.end();
  }
}
