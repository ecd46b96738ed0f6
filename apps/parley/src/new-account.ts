/** Makes an account: auth token, one API key, and its default service with the roles of every service. */
import { newService } from '@parley/domain/roles';
import { newSid } from '@parley/domain/sid';
import { AccountRegistry } from '@parley/event-store/account-registry';
import { DataKeys } from '@parley/event-store/data-keys';
import type { Pool } from '@parley/event-store/database';
import { GroupCommit } from '@parley/event-store/group-commit';
import type { SecretBox } from '@parley/event-store/secret-box';
import { Streams } from '@parley/event-store/streams';

export type Credentials = {
  accountSid: string;
  authToken: string;
  apiKeySid: string;
  apiKeySecret: string;
  serviceSid: string;
};
export type Databases = { pool: Pool; keysPool: Pool; box: SecretBox };

export async function createAccount({ pool, keysPool, box }: Databases, { friendlyName, parent }: { friendlyName: string; parent?: string }): Promise<Credentials> {
  const registry = new AccountRegistry(pool, box);
  const [sid, serviceSid] = [newSid('AC'), newSid('IS')];
  const { authToken } = await registry.createAccount({ sid, friendlyName, defaultChatServiceSid: serviceSid, ...(parent !== undefined && { parent }) }, async () => {
    const commit = new GroupCommit(pool, () => {});
    const at = new Date().toISOString();
    const service = newService({ sid: serviceSid, account: sid, friendly_name: 'Default Conversations Service', created_at: at, updated_at: at });
    const streams = new Streams(pool, commit, new DataKeys(keysPool, box));
    await streams.onRegistry({ account: sid }, serviceSid, `service-${serviceSid}`, () => service, { result: null });
    await commit.stop();
  });
  return { accountSid: sid, authToken, ...(await firstKey(registry, sid)), serviceSid };
}

export async function firstKey(registry: AccountRegistry, account: string): Promise<Pick<Credentials, 'apiKeySid' | 'apiKeySecret'>> {
  const { key, secret } = await registry.createKey({ account, friendlyName: 'First key' });
  return { apiKeySid: key.sid, apiKeySecret: secret };
}
