/** A migrated database of its own for a spec, on the server of TEST_DATABASE_URL (`npm test` provides it). */
import { newSid } from '@parley/domain/sid';
import { DataKeys } from './data-keys.js';
import { createPool, type Pool } from './database.js';
import { migrate, migrateKeys } from './migrate.js';
import { SecretBox } from './secret-box.js';

export type TestDatabase = { url: string; keysUrl: string; kek: string; pool: Pool; keysPool: Pool; keys: DataKeys; box: SecretBox; drop(): Promise<void> };

export async function testDatabase(): Promise<TestDatabase> {
  const server = process.env['TEST_DATABASE_URL'];
  if (!server) throw new Error('TEST_DATABASE_URL is not set: run the specs by `npm test -- <path>`');
  const admin = createPool(server, { max: 1 });
  const name = `spec_${newSid('CH').slice(2)}`;
  const urls = [name, `${name}_keys`].map((database) => Object.assign(new URL(server), { pathname: `/${database}` }).href);
  for (const database of [name, `${name}_keys`]) await admin.query(`create database ${database}`);
  const [url, keysUrl] = urls as [string, string];
  const pool = createPool(url, { max: 6 });
  const keysPool = createPool(keysUrl, { max: 1 });
  await migrate(pool);
  await migrateKeys(keysPool);
  const kek = Buffer.alloc(32, 7).toString('base64');
  const box = new SecretBox(kek);
  return {
    url, keysUrl, kek, pool, keysPool, box, keys: new DataKeys(keysPool, box),
    async drop() {
      await Promise.all([pool.end(), keysPool.end()]);
      for (const database of [name, `${name}_keys`]) await admin.query(`drop database ${database} with (force)`);
      await admin.end();
    },
  };
}

export async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('the condition was not met within a minute');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
