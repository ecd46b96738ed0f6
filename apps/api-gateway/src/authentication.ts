/**
 * HTTP Basic: `AC…` with the auth token, or `SK…` with the API key's secret (API reference 2.1). A header that was right is
 * remembered for some seconds, so that a busy client costs neither a hash nor a query.
 */
import { Inject, Injectable } from '@nestjs/common';
import { ApiError } from '@parley/contracts/error-catalogue';
import { Accounts, type Account } from '@parley/event-store/accounts';
import { LruMap } from '@parley/event-store/lru-map';

/** On top of what Accounts keeps: a revoked key ends within both. */
const REMEMBER_MILLIS = 10_000;
const HEADER_CHARS_MAX = 512;

@Injectable()
export class Authentication {
  private readonly remembered = new LruMap<string, { account: Account; until: number }>(10_000);

  constructor(@Inject(Accounts) private readonly accounts: Accounts) {}

  /** The account of a header that was right a moment ago. */
  known(header: string | undefined): Account | undefined {
    if (header === undefined) return undefined;
    const entry = this.remembered.get(header);
    return entry && entry.until > Date.now() ? entry.account : undefined;
  }

  /** Throws ApiError 20003 when it does not fit anybody, 20005 when the account is suspended or closed. */
  async verify(header: string | undefined): Promise<Account> {
    const credentials = basicCredentials(header);
    const account = credentials && (await this.accounts.verifyBasic(...credentials));
    if (!account) throw new ApiError(20003);
    if (account.status !== 'active') throw new ApiError(20005);
    this.remembered.set(header!, { account, until: Date.now() + REMEMBER_MILLIS });
    return account;
  }
}

/** User and password; undefined for anything that cannot be a SID and its secret. */
export function basicCredentials(header: string | undefined): [user: string, password: string] | undefined {
  if (header === undefined || header.length > HEADER_CHARS_MAX || !/^basic /i.test(header)) return undefined;
  const text = Buffer.from(header.slice(6), 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const user = text.slice(0, colon);
  return colon > 0 && /^(AC|SK)[0-9a-fA-F]{32}$/.test(user) ? [user, text.slice(colon + 1)] : undefined;
}
