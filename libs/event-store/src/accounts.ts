/**
 * Who may come in. Read from `registry`, cached for at most CACHE_MILLIS: a revoked key or a suspended account is refused
 * within that time by every process.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isSid } from '@parley/domain/sid';
import type { Pool } from './database.js';
import { LruMap } from './lru-map.js';
import type { SecretBox } from './secret-box.js';

export const CACHE_MILLIS = 10_000;

export type Account = {
  sid: string;
  friendlyName: string;
  status: 'active' | 'suspended' | 'closed';
  authToken: string;
  defaultChatServiceSid: string;
};
export type ApiKey = { sid: string; account: string; secret: string };

type AccountRow = {
  sid: string; friendly_name: string; status: Account['status']; auth_token: Buffer; default_chat_service_sid: string;
};

export class Accounts {
  private readonly accounts = new LruMap<string, { account: Account | undefined; until: number }>(10_000);
  private readonly keys = new LruMap<string, { key: ApiKey | undefined; until: number }>(10_000);

  constructor(
    private readonly pool: Pool,
    private readonly box: SecretBox,
  ) {}

  async find(sid: string): Promise<Account | undefined> {
    if (!isSid(sid, 'AC')) return undefined;
    const known = this.accounts.get(sid);
    if (known && known.until > Date.now()) return known.account;
    const { rows } = await this.pool.query<AccountRow>(
      'select sid, friendly_name, status, auth_token, default_chat_service_sid from registry.account where sid = $1', [sid],
    );
    const row = rows[0];
    const account = row && {
      sid: row.sid, friendlyName: row.friendly_name, status: row.status, authToken: this.box.open(row.auth_token),
      defaultChatServiceSid: row.default_chat_service_sid,
    };
    this.accounts.set(sid, { account, until: Date.now() + CACHE_MILLIS });
    return account;
  }

  async findKey(sid: string): Promise<ApiKey | undefined> {
    if (!isSid(sid, 'SK')) return undefined;
    const known = this.keys.get(sid);
    if (known && known.until > Date.now()) return known.key;
    const { rows } = await this.pool.query<{ sid: string; account: string; secret: Buffer }>(
      'select sid, account, secret from registry.api_key where sid = $1', [sid],
    );
    const row = rows[0];
    const key = row && { sid: row.sid, account: row.account, secret: this.box.open(row.secret) };
    this.keys.set(sid, { key, until: Date.now() + CACHE_MILLIS });
    return key;
  }

  /** `AC…` with its auth token or `SK…` with its secret; undefined when they do not fit. Any status: the caller decides. */
  async verifyBasic(user: string, password: string): Promise<Account | undefined> {
    if (user.startsWith('AC')) {
      const account = await this.find(user);
      return account && sameSecret(account.authToken, password) ? account : undefined;
    }
    if (!user.startsWith('SK')) return undefined;
    const key = await this.findKey(user);
    return key && sameSecret(key.secret, password) ? this.find(key.account) : undefined;
  }
}

/** In constant time: compared are digests of equal length. */
export function sameSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
