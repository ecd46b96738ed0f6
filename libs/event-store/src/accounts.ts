/**
 * Who may come in. Read from `registry`, cached for at most CACHE_MILLIS: a revoked key or a suspended account is refused
 * within that time by every process, at once by the one that changed it and by those it reaches. New credentials work at
 * once everywhere: a secret that does not fit what is cached is compared with what is stored now.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isSid } from '@parley/domain/sid';
import type { Pool } from './database.js';
import { LruMap } from './lru-map.js';
import type { SecretBox } from './secret-box.js';

export const CACHE_MILLIS = 10_000;
/** Wrong secrets of one SID cost at most one look into the database in this time. */
const RECHECK_MILLIS = 1000;

export type AccountStatus = 'active' | 'suspended' | 'closed';
export type Account = {
  sid: string;
  /** The account it is a subaccount of. */
  parent: string | undefined;
  friendlyName: string;
  /** Its own, or its parent's when that is worse. */
  status: AccountStatus;
  /** The primary one: what we send is signed with it. */
  authToken: string;
  /** Accepted as well, until it is promoted or removed. */
  secondaryAuthToken: string | undefined;
  /** The one that is configured (a fact in the log), else the one it was made with. */
  defaultChatServiceSid: string;
};
export type ApiKey = {
  sid: string;
  account: string;
  /** Of a standard key: verifies access tokens. A restricted key has none that could be had back. */
  secret: string | undefined;
  secretHash: Buffer;
  /** Permissions of a restricted key (access-policy.ts); undefined: a standard key. */
  allow: readonly string[] | undefined;
};
/** Whose credentials they are; `key` is undefined for an auth token. */
export type Credentials = {
  account: Account;
  key: ApiKey | undefined;
  /** False once they may have changed: verify again. Cheap enough to ask for every request. */
  current(): boolean;
};

type AccountRow = {
  sid: string; parent: string | null; friendly_name: string; status: AccountStatus; auth_token: Buffer; secondary_auth_token: Buffer | null;
  default_chat_service_sid: string;
};
type KeyRow = { sid: string; account: string; secret: Buffer | null; secret_hash: Buffer | null; policy: { allow: string[] } | null };
type Cached<T> = { value: T | undefined; readAt: number; forgotten: boolean };

export class Accounts {
  private readonly accounts = new LruMap<string, Cached<Account>>(10_000);
  private readonly keys = new LruMap<string, Cached<ApiKey>>(10_000);
  private changes = 0;

  constructor(
    private readonly pool: Pool,
    private readonly box: SecretBox,
    /** Tells the other processes, which then call `drop`. */
    private readonly tell: (sid: string) => void = () => {},
  ) {}

  async find(sid: string): Promise<Account | undefined> {
    return isSid(sid, 'AC') ? (await this.account(sid)).value : undefined;
  }

  async findKey(sid: string): Promise<ApiKey | undefined> {
    return isSid(sid, 'SK') ? (await this.key(sid)).value : undefined;
  }

  /** `AC…` with an auth token or `SK…` with its secret; undefined when they do not fit. Any status: the caller decides. */
  async verifyBasic(user: string, password: string): Promise<Credentials | undefined> {
    return (await this.compare(user, password, CACHE_MILLIS)) ?? this.compare(user, password, RECHECK_MILLIS);
  }

  /** After a change of the account, of its keys, or of what its subaccounts inherit. */
  forget(sid: string): void {
    this.drop(sid);
    this.tell(sid);
  }

  drop(sid: string): void {
    for (const [key, cached] of this.accounts.entries()) if (key === sid || cached.value?.parent === sid) remove(this.accounts, key, cached);
    for (const [key, cached] of this.keys.entries()) if (cached.value?.account === sid) remove(this.keys, key, cached);
    this.changes++;
  }

  private async compare(user: string, password: string, ageMax: number): Promise<Credentials | undefined> {
    if (isSid(user, 'AC')) {
      const cached = await this.account(user, ageMax);
      const account = cached.value;
      const fits = account && (sameSecret(account.authToken, password)
        || (account.secondaryAuthToken !== undefined && sameSecret(account.secondaryAuthToken, password)));
      return fits ? { account, key: undefined, current: () => isCurrent(cached) } : undefined;
    }
    if (!isSid(user, 'SK')) return undefined;
    const cached = await this.key(user, ageMax);
    const key = cached.value;
    if (!key || !timingSafeEqual(key.secretHash, secretHash(password))) return undefined;
    const account = await this.account(key.account);
    return account.value && { account: account.value, key, current: () => isCurrent(cached) && isCurrent(account) };
  }

  private async account(sid: string, ageMax = CACHE_MILLIS): Promise<Cached<Account>> {
    return this.cached(this.accounts, sid, ageMax, async () => {
      const { rows: [row] } = await this.pool.query<AccountRow>(
        `select a.sid, a.parent, a.friendly_name, a.status, a.auth_token, a.secondary_auth_token,
                coalesce(c.default_chat_service_sid, a.default_chat_service_sid) as default_chat_service_sid
           from registry.account a left join model.account_configuration c on c.sid = a.sid where a.sid = $1`, [sid],
      );
      return row && {
        sid: row.sid, parent: row.parent ?? undefined, friendlyName: row.friendly_name, status: row.status,
        authToken: this.box.open(row.auth_token), secondaryAuthToken: row.secondary_auth_token ? this.box.open(row.secondary_auth_token) : undefined,
        defaultChatServiceSid: row.default_chat_service_sid,
      };
    });
  }

  private async key(sid: string, ageMax = CACHE_MILLIS): Promise<Cached<ApiKey>> {
    return this.cached(this.keys, sid, ageMax, async () => {
      const { rows: [row] } = await this.pool.query<KeyRow>('select sid, account, secret, secret_hash, policy from registry.api_key where sid = $1', [sid]);
      if (!row) return undefined;
      const secret = row.secret ? this.box.open(row.secret) : undefined;
      return {
        sid: row.sid, account: row.account, secret, secretHash: secret === undefined ? row.secret_hash! : secretHash(secret), allow: row.policy?.allow,
      };
    });
  }

  private async cached<T>(map: LruMap<string, Cached<T>>, sid: string, ageMax: number, read: () => Promise<T | undefined>): Promise<Cached<T>> {
    const known = map.get(sid);
    // The time before the query: what is committed while it runs may be missing in it.
    const readAt = Date.now();
    if (known && readAt - known.readAt < ageMax) return known;
    const before = this.changes;
    const fresh = { value: await read(), readAt, forgotten: false };
    // Read by another request at the same time: all share one, for only what is in the map is found when it is to be forgotten.
    const present = map.get(sid);
    if (present && present !== known) return present;
    if (known) known.forgotten = true;
    // What changed meanwhile may have been read too early: good for this answer, not to be kept.
    if (before === this.changes) map.set(sid, fresh);
    else fresh.forgotten = true;
    return fresh;
  }
}

const isCurrent = ({ forgotten, readAt }: Cached<unknown>): boolean => !forgotten && Date.now() - readAt < CACHE_MILLIS;

function remove<T>(map: LruMap<string, Cached<T>>, sid: string, cached: Cached<T>): void {
  cached.forgotten = true;
  map.delete(sid);
}

export const secretHash = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** In constant time: compared are digests of equal length. */
export const sameSecret = (a: string, b: string): boolean => timingSafeEqual(secretHash(a), secretHash(b));
