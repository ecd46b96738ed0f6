/**
 * Makes an installation ready: databases migrated, the first account with its keys and its default service. Run again, it
 * changes nothing and tells the same credentials.
 */
import type { ServiceRow } from '@parley/domain/registry-events';
import { defaultRoles } from '@parley/domain/roles';
import { AccountRegistry } from '@parley/event-store/account-registry';
import { DataKeys } from '@parley/event-store/data-keys';
import { createPool, type Pool } from '@parley/event-store/database';
import { GroupCommit } from '@parley/event-store/group-commit';
import { migrate, migrateKeys, modelsAreCurrent, noteModelsCurrent } from '@parley/event-store/migrate';
import { rebuildModels } from '@parley/event-store/rebuild';
import { SecretBox } from '@parley/event-store/secret-box';
import { Streams } from '@parley/event-store/streams';
import { ConfigError, type Config } from '@parley/runtime/config';
import { createAccount, firstKey, type Credentials } from './new-account.js';

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
    return (await firstAccount(pool, box)) ?? (await createAccount({ pool, keysPool, box }, { friendlyName: 'First account' }));
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

/** The oldest account, with a key that signs access tokens: another one when the first was deleted. */
async function firstAccount(pool: Pool, box: SecretBox): Promise<Credentials | undefined> {
  const { rows: [account] } = await pool.query<{ sid: string; auth_token: Buffer; service: string }>(
    `select a.sid, a.auth_token, coalesce(c.default_chat_service_sid, a.default_chat_service_sid) as service
       from registry.account a left join model.account_configuration c on c.sid = a.sid where a.parent is null order by a.created_at, a.sid limit 1`,
  );
  if (!account) return undefined;
  const { rows: [key] } = await pool.query<{ sid: string; secret: Buffer }>(
    "select sid, secret from registry.api_key where account = $1 and kind = 'standard' order by created_at, sid limit 1", [account.sid],
  );
  return {
    accountSid: account.sid, authToken: box.open(account.auth_token), serviceSid: account.service,
    ...(key ? { apiKeySid: key.sid, apiKeySecret: box.open(key.secret) } : await firstKey(new AccountRegistry(pool, box), account.sid)),
  };
}
