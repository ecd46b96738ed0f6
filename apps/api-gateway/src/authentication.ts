/**
 * HTTP Basic: `AC…` with the auth token, or `SK…` with the API key's secret (API reference 2.1). A header that was right is
 * remembered for some seconds, so that a busy client costs neither a hash nor a query.
 */
import { Inject, Injectable } from '@nestjs/common';
import { ApiError } from '@parley/contracts/error-catalogue';
import { Accounts, type Credentials } from '@parley/event-store/accounts';
import { LruMap } from '@parley/event-store/lru-map';

const HEADER_CHARS_MAX = 512;

@Injectable()
export class Authentication {
  private readonly remembered = new LruMap<string, Credentials>(10_000);
  private generation = 0;

  constructor(@Inject(Accounts) private readonly accounts: Accounts) {}

  /** Whose header it is, if it was right a moment ago. */
  known(header: string | undefined): Credentials | undefined {
    if (header === undefined || this.generation !== this.accounts.generation) return undefined;
    const entry = this.remembered.get(header);
    return entry && entry.until > Date.now() ? entry : undefined;
  }

  /** Throws ApiError 20003 when it does not fit anybody, 20005 when the account is suspended or closed. */
  async verify(header: string | undefined): Promise<Credentials> {
    if (this.generation !== this.accounts.generation) {
      this.generation = this.accounts.generation;
      this.remembered.clear();
    }
    const { generation } = this;
    const pair = basicCredentials(header);
    const found = pair && (await this.accounts.verifyBasic(...pair));
    if (!found) throw new ApiError(20003);
    if (found.account.status !== 'active') throw new ApiError(20005);
    if (generation === this.accounts.generation) this.remembered.set(header!, found);
    return found;
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
