/**
 * Makes an installation ready: databases migrated, the first account with its keys and its default service. Run again, it
 * changes nothing and tells the same credentials.
 */
import type { ServiceRow } from '@parley/domain/registry-events';
import { defaultRoles, newService } from '@parley/domain/roles';
import { newSid } from '@parley/domain/sid';
import { DataKeys } from '@parley/event-store/data-keys';
import { createPool, type Pool } from '@parley/event-store/database';
import { GroupCommit } from '@parley/event-store/group-commit';
import { migrate, migrateKeys, modelsAreCurrent, noteModelsCurrent } from '@parley/event-store/migrate';
import { rebuildModels } from '@parley/event-store/rebuild';
import { SecretBox } from '@parley/event-store/secret-box';
import { Streams } from '@parley/event-store/streams';
import { ConfigError, type Config } from '@parley/runtime/config';
import { randomBytes } from 'node:crypto';

export type Credentials = {
  accountSid: string;
  authToken: string;
  apiKeySid: string;
  apiKeySecret: string;
  serviceSid: string;
};

const hex = (bytes: number) => randomBytes(bytes).toString('hex');

/** Throws MigrationError or ConfigError with one line that says what to do. */
export async function setup(config: Config): Promise<Credentials> {
  const pool = createPool(config.databaseUrl, { max: 2 });
  const keysPool = createPool(config.keysDatabaseUrl, { max: 1 });
  try {
    await migrate(pool);
    await migrateKeys(keysPool);
    const box = new SecretBox(config.kek);
    await checkKek(pool, box);
    if (!(await modelsAreCurrent(pool))) {
      await rebuildModels(pool, new DataKeys(keysPool, box), (line) => process.stderr.write(`${line}\n`));
      await noteModelsCurrent(pool);
    }
    await completeRoles(pool, keysPool, box);
    return (await firstAccount(pool, box)) ?? (await createAccount(pool, keysPool, box, 'First account'));
  } finally {
    await Promise.all([pool.end(), keysPool.end()]);
  }
}

async function checkKek(pool: Pool, box: SecretBox): Promise<void> {
  await pool.query('insert into registry.installation (key_check) values ($1) on conflict do nothing', [box.seal('parley')]);
  const { rows } = await pool.query<{ key_check: Buffer }>('select key_check from registry.installation');
  try {
    box.open(rows[0]!.key_check);
  } catch {
    throw new ConfigError('PARLEY_KEK is not the key this database was made with: give the right one, everything stored is sealed with it');
  }
}

/** Services of an earlier release named roles that nobody had made. */
async function completeRoles(pool: Pool, keysPool: Pool, box: SecretBox): Promise<void> {
  const { rows } = await pool.query<{ service: ServiceRow }>(
    `select to_jsonb(s) as service from model.service s
      where not exists (select 1 from model.role r where r.sid = s.default_chat_service_role_sid)`,
  );
  if (rows.length === 0) return;
  const commit = new GroupCommit(pool, () => {});
  const streams = new Streams(pool, commit, new DataKeys(keysPool, box));
  for (const { service } of rows) {
    const { sid, account } = service;
    await streams.onRegistry({ account }, sid, `service-${sid}`, () => defaultRoles(service), { result: null });
  }
  await commit.stop();
}

async function firstAccount(pool: Pool, box: SecretBox): Promise<Credentials | undefined> {
  const { rows } = await pool.query<{ sid: string; auth_token: Buffer; service: string; key: string; secret: Buffer }>(
    `select a.sid, a.auth_token, a.default_chat_service_sid as service, k.sid as key, k.secret
       from registry.account a join registry.api_key k on k.account = a.sid order by a.created_at, k.created_at limit 1`,
  );
  const row = rows[0];
  return row && {
    accountSid: row.sid, authToken: box.open(row.auth_token), apiKeySid: row.key, apiKeySecret: box.open(row.secret), serviceSid: row.service,
  };
}

/** An account with auth token, one API key and its default service. */
export async function createAccount(pool: Pool, keysPool: Pool, box: SecretBox, friendlyName: string): Promise<Credentials> {
  const credentials: Credentials = {
    accountSid: newSid('AC'), authToken: hex(16), apiKeySid: newSid('SK'), apiKeySecret: hex(16), serviceSid: newSid('IS'),
  };
  const { accountSid, serviceSid } = credentials;
  const commit = new GroupCommit(pool, () => {});
  const at = new Date().toISOString();
  const service = newService({
    sid: serviceSid, account: accountSid, friendly_name: 'Default Conversations Service', created_at: at, updated_at: at,
  });
  const streams = new Streams(pool, commit, new DataKeys(keysPool, box));
  await streams.onRegistry({ account: accountSid }, serviceSid, `service-${serviceSid}`, () => service, { result: null });
  await pool.query(
    `with a as (insert into registry.account (sid, friendly_name, auth_token, default_chat_service_sid) values ($1, $2, $3, $4) returning sid)
     insert into registry.api_key (sid, account, friendly_name, secret) select $5, sid, 'First key', $6 from a`,
    [accountSid, friendlyName, box.seal(credentials.authToken), serviceSid, credentials.apiKeySid, box.seal(credentials.apiKeySecret)],
  );
  await commit.stop();
  return credentials;
}
