/**
 * Changes accounts, their auth tokens and API keys. Secrets leave this file once, in the answer of what made them. Nothing
 * here is on a hot path; `Accounts` is what requests ask.
 */
import { DomainError } from '@parley/domain/domain-error';
import { newSid } from '@parley/domain/sid';
import { randomBytes, randomInt } from 'node:crypto';
import { secretHash, type Accounts, type AccountStatus } from './accounts.js';
import { transaction, type Connection, type Pool } from './database.js';
import type { SecretBox } from './secret-box.js';

export const SUBACCOUNTS_MAX = 1000;
export const KEYS_MAX = 1000;

/** Times as Postgres writes them. */
export type AccountRecord = {
  sid: string; parent: string | null; friendlyName: string; status: AccountStatus; defaultChatServiceSid: string; createdAt: string; updatedAt: string;
};
export type KeyPolicy = { allow: string[] };
export type KeyRecord = {
  sid: string; account: string; friendlyName: string | null; kind: 'standard' | 'restricted'; policy: KeyPolicy | null; createdAt: string; updatedAt: string;
};
export type NewAccount = { sid: string; parent?: string; friendlyName: string; defaultChatServiceSid: string };
export type NewKey = { account: string; friendlyName: string | null; policy?: KeyPolicy };
/** `after`: the SID the page begins behind, or before when it goes `back`. */
export type PageOf = { after?: string; back?: boolean; limit: number };
export type AccountFilter = { friendlyName?: string | undefined; status?: AccountStatus | undefined };
export type TokenDates = { createdAt: string; updatedAt: string };

/** A request with an Idempotency-Key: for 24 h its answer is that of the first time, secrets included, kept sealed. */
export type Repeatable = { account: string; key?: string; hash?: string };

/** A change that the present state does not allow. */
export class RegistryRefusal extends Error {
  override name = 'RegistryRefusal';
  constructor(readonly reason: 'too_many_subaccounts' | 'too_many_keys' | 'closed' | 'owner_not_active' | 'secondary_exists' | 'no_secondary') {
    super(reason);
  }
}

const accountColumns = `sid, parent, friendly_name as "friendlyName", status,
  coalesce((select c.default_chat_service_sid from model.account_configuration c where c.sid = account.sid), default_chat_service_sid) as "defaultChatServiceSid",
  created_at as "createdAt", updated_at as "updatedAt"`;
const keyColumns = `sid, account, friendly_name as "friendlyName", kind, policy, created_at as "createdAt", updated_at as "updatedAt"`;

const newToken = () => randomBytes(16).toString('hex');
const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const newSecret = () => Array.from({ length: 32 }, () => base62[randomInt(62)]).join('');

export class AccountRegistry {
  constructor(
    private readonly pool: Pool,
    private readonly box: SecretBox,
    /** The cache of this process, which shall see the change at once. */
    private readonly accounts?: Pick<Accounts, 'forget'>,
  ) {}

  /**
   * `prepare` makes the default service: before the account is there, after it is clear that it may be. In no transaction: who
   * holds a connection and waits for another one stops everybody, as soon as there are as many of them as connections.
   */
  async createAccount(
    { sid, parent, friendlyName, defaultChatServiceSid }: NewAccount, prepare: () => Promise<void>, by?: Repeatable,
  ): Promise<{ account: AccountRecord; authToken: string }> {
    const mayBe = async (tx: Connection) => {
      // Its SID follows from a key whose answer is no longer kept.
      if ((await tx.query('select 1 from registry.account where sid = $1', [sid])).rowCount !== 0) throw new DomainError('idempotency_key_reused');
      if (parent === undefined) return;
      // Asked with the owner's row held: a status reaches the subaccounts there are, so none may come to be behind it.
      if ((await countBelow(tx, 'account', 'parent', parent, SUBACCOUNTS_MAX, 'too_many_subaccounts')) !== 'active') throw new RegistryRefusal('owner_not_active');
    };
    const before = await transaction(this.pool, async (tx) => (await this.repetition<{ account: AccountRecord; authToken: string }>(tx, by)) ?? (await mayBe(tx)));
    if (before) return before;
    await prepare();
    return this.change(sid, by, async (tx) => {
      await mayBe(tx);
      const authToken = newToken();
      const { rows } = await tx.query<AccountRecord>(
        `insert into registry.account (sid, parent, friendly_name, auth_token, default_chat_service_sid) values ($1, $2, $3, $4, $5) returning ${accountColumns}`,
        [sid, parent ?? null, friendlyName, this.box.seal(authToken), defaultChatServiceSid],
      );
      return { account: rows[0]!, authToken };
    });
  }

  async account(sid: string): Promise<AccountRecord | undefined> {
    const { rows } = await this.pool.query<AccountRecord>(`select ${accountColumns} from registry.account where sid = $1`, [sid]);
    return rows[0];
  }

  /** An account with its subaccounts, or every account of the installation; oldest first. */
  async listAccounts(of: string | undefined, { after, back = false, limit }: PageOf, { friendlyName, status }: AccountFilter = {}): Promise<AccountRecord[]> {
    const { rows } = await this.pool.query<AccountRecord>(
      `select ${accountColumns} from registry.account
        where ($1::text is null or sid = $1 or parent = $1) and ($2::text is null or friendly_name = $2) and ($3::text is null or status = $3)
          and ($4::text is null or sid ${back ? '<' : '>'} $4) order by sid ${back ? 'desc' : 'asc'} limit $5`,
      [of ?? null, friendlyName ?? null, status ?? null, after ?? null, limit],
    );
    return rows;
  }

  /** A status holds for its subaccounts too. Closed is final. */
  async updateAccount(sid: string, { friendlyName, status }: { friendlyName?: string | undefined; status?: AccountStatus | undefined }, by?: Repeatable): Promise<void> {
    await this.change(sid, by, async (tx) => {
      if (status !== undefined) {
        const { rows } = await tx.query<{ set: boolean }>('select registry.set_status($1, $2) as set', [sid, status]);
        if (!rows[0]!.set) throw new RegistryRefusal('closed');
      }
      if (friendlyName !== undefined) await tx.query('update registry.account set friendly_name = $2, updated_at = now() where sid = $1', [sid, friendlyName]);
      return true;
    });
  }

  /** With a policy a restricted key, whose secret nobody can have back. */
  async createKey({ account, friendlyName, policy }: NewKey, by?: Repeatable): Promise<{ key: KeyRecord; secret: string }> {
    return this.change(undefined, by, async (tx) => {
      const secret = newSecret();
      const stored = policy ? ['restricted', null, secretHash(secret), policy] : ['standard', this.box.seal(secret), null, null];
      await countBelow(tx, 'api_key', 'account', account, KEYS_MAX, 'too_many_keys');
      const { rows } = await tx.query<KeyRecord>(
        `insert into registry.api_key (sid, account, friendly_name, kind, secret, secret_hash, policy) values ($1, $2, $3, $4, $5, $6, $7) returning ${keyColumns}`,
        [newSid('SK'), account, friendlyName, ...stored],
      );
      return { key: rows[0]!, secret };
    });
  }

  async key(account: string, sid: string): Promise<KeyRecord | undefined> {
    const { rows } = await this.pool.query<KeyRecord>(`select ${keyColumns} from registry.api_key where sid = $1 and account = $2`, [sid, account]);
    return rows[0];
  }

  /** A key of the account or of one of its subaccounts. */
  async keyBelow(account: string, sid: string): Promise<KeyRecord | undefined> {
    const { rows } = await this.pool.query<KeyRecord>(
      `select ${keyColumns} from registry.api_key where sid = $1 and account in (select a.sid from registry.account a where a.sid = $2 or a.parent = $2)`,
      [sid, account],
    );
    return rows[0];
  }

  /** Oldest first. */
  async listKeys(account: string, { after, back = false, limit }: PageOf): Promise<KeyRecord[]> {
    const { rows } = await this.pool.query<KeyRecord>(
      `select ${keyColumns} from registry.api_key where account = $1 and ($2::text is null or sid ${back ? '<' : '>'} $2)
        order by sid ${back ? 'desc' : 'asc'} limit $3`, [account, after ?? null, limit],
    );
    return rows;
  }

  /** What is undefined stays; the policy of a standard key too. undefined: there is no such key. */
  async updateKey(
    account: string, sid: string, { friendlyName, policy }: { friendlyName?: string | null; policy?: KeyPolicy }, by?: Repeatable,
  ): Promise<KeyRecord | undefined> {
    const changed = await this.change(account, by, async (tx) => {
      const { rows } = await tx.query<KeyRecord>(
        `update registry.api_key set friendly_name = case when $3 then $4 else friendly_name end,
                policy = case when kind = 'restricted' then coalesce($5, policy) end, updated_at = now()
          where sid = $1 and account = $2 returning ${keyColumns}`,
        [sid, account, friendlyName !== undefined, friendlyName ?? null, policy ?? null],
      );
      return rows[0] ?? null;
    });
    return changed ?? undefined;
  }

  /** False: there is no such key. */
  async deleteKey(account: string, sid: string, by?: Repeatable): Promise<boolean> {
    return this.change(account, by, async (tx) => {
      const { rowCount } = await tx.query('delete from registry.api_key where sid = $1 and account = $2', [sid, account]);
      return rowCount === 1;
    });
  }

  /** Valid beside the primary one from now on. */
  async createSecondaryToken(sid: string, by?: Repeatable): Promise<TokenDates & { authToken: string }> {
    return this.change(sid, by, async (tx) => {
      const authToken = newToken();
      const { rows } = await tx.query<TokenDates>(
        `update registry.account set secondary_auth_token = $2, secondary_created_at = now(), updated_at = now()
          where sid = $1 and secondary_auth_token is null returning secondary_created_at as "createdAt", updated_at as "updatedAt"`,
        [sid, this.box.seal(authToken)],
      );
      if (!rows[0]) throw new RegistryRefusal('secondary_exists');
      return { ...rows[0], authToken };
    });
  }

  async deleteSecondaryToken(sid: string, by?: Repeatable): Promise<void> {
    await this.change(sid, by, async (tx) => {
      const { rowCount } = await tx.query(
        `update registry.account set secondary_auth_token = null, secondary_created_at = null, updated_at = now()
          where sid = $1 and secondary_auth_token is not null`, [sid],
      );
      if (rowCount === 0) throw new RegistryRefusal('no_secondary');
      return true;
    });
  }

  /** The secondary token becomes the primary one; the old primary one ends. */
  async promoteToken(sid: string, by?: Repeatable): Promise<TokenDates & { authToken: string }> {
    return this.change(sid, by, async (tx) => {
      const { rows } = await tx.query<TokenDates & { token: Buffer }>(
        `update registry.account a set auth_token = b.secondary_auth_token, secondary_auth_token = null, secondary_created_at = null, updated_at = now()
           from registry.account b where a.sid = $1 and b.sid = a.sid and a.secondary_auth_token is not null and b.secondary_auth_token is not null
         returning a.auth_token as token, b.secondary_created_at as "createdAt", a.updated_at as "updatedAt"`, [sid],
      );
      if (!rows[0]) throw new RegistryRefusal('no_secondary');
      const { token, createdAt, updatedAt } = rows[0];
      return { authToken: this.box.open(token), createdAt, updatedAt };
    });
  }

  /** One transaction; a repetition gets the answer of the first time. `account`: of which something changes that may be cached. */
  private async change<T>(account: string | undefined, by: Repeatable | undefined, work: (tx: Connection) => Promise<T>): Promise<T> {
    try {
      return await transaction(this.pool, async (tx) => {
        if (by?.key === undefined) return work(tx);
        const before = await this.repetition<T>(tx, by);
        if (before !== undefined) return before;
        const answer = await work(tx);
        const { rowCount } = await tx.query(
          `insert into log.command (account, key, hash, result, at, expires_at) values ($1, $2, $3, $4, now(), now() + interval '24 hours')
           on conflict do nothing`,
          [by.account, by.key, by.hash ?? '', JSON.stringify(this.box.seal(JSON.stringify(answer)).toString('base64'))],
        );
        // Commands of the log take their keys without waiting for that lock.
        if (rowCount === 0) throw new DomainError('idempotency_key_reused');
        return answer;
      });
    } finally {
      if (account !== undefined) this.accounts?.forget(account);
    }
  }

  /** What was answered to this request before. Throws DomainError `idempotency_key_reused` when the key was another request's. */
  private async repetition<T>(tx: Connection, by: Repeatable | undefined): Promise<T | undefined> {
    if (by?.key === undefined) return undefined;
    // Two at once: the second waits here for the end of the first one's transaction.
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`${by.account} ${by.key}`]);
    const { rows: [before] } = await tx.query<{ hash: string; result: string }>('select hash, result from log.command where account = $1 and key = $2', [by.account, by.key]);
    if (!before) return undefined;
    if (before.hash !== (by.hash ?? '')) throw new DomainError('idempotency_key_reused');
    return JSON.parse(this.box.open(Buffer.from(JSON.parse(before.result) as string, 'base64'))) as T;
  }
}

/** The owner's row is locked, so that two creations at once do not pass the limit together. Resolves with his status. */
async function countBelow(
  tx: Connection, table: string, column: string, owner: string, max: number, reason: 'too_many_subaccounts' | 'too_many_keys',
): Promise<AccountStatus | undefined> {
  const { rows: [held] } = await tx.query<{ status: AccountStatus }>('select status from registry.account where sid = $1 for update', [owner]);
  const { rows } = await tx.query<{ count: number }>(`select count(*)::integer as count from registry.${table} where ${column} = $1`, [owner]);
  if (rows[0]!.count >= max) throw new RegistryRefusal(reason);
  return held?.status;
}
