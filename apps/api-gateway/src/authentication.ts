/**
 * HTTP Basic: `AC…` with the auth token, or `SK…` with the API key's secret (API reference 2.1). A header that was right is
 * remembered for some seconds, so that a busy client costs neither a hash nor a query. Or a user's access token as Bearer
 * (API reference, section 5): what he may then do is asked in member-permissions.ts.
 */
import { Inject, Injectable } from '@nestjs/common';
import { ApiError } from '@parley/contracts/error-catalogue';
import { Accounts, type Credentials } from '@parley/event-store/accounts';
import { AuthenticationError, verifyAccessToken } from '@parley/event-store/access-token';
import { LruMap } from '@parley/event-store/lru-map';
import type { Member } from './call.js';

const HEADER_CHARS_MAX = 512;
const TOKEN_CHARS_MAX = 4096;

export type Authenticated = Credentials & { member?: Member };

@Injectable()
export class Authentication {
  private readonly remembered = new LruMap<string, Credentials>(10_000);

  constructor(@Inject(Accounts) private readonly accounts: Accounts) {}

  /** Whose header it is, if it was right a moment ago. */
  known(header: string | undefined): Credentials | undefined {
    if (header === undefined) return undefined;
    const entry = this.remembered.get(header);
    return entry?.current() ? entry : undefined;
  }

  /** Throws ApiError 20003 when it does not fit anybody, 20005 when the account is suspended or closed. */
  async verify(header: string | undefined): Promise<Authenticated> {
    if (header !== undefined && /^bearer /i.test(header)) return this.verifyMember(header.slice(7).trim());
    const pair = basicCredentials(header);
    const found = pair && (await this.accounts.verifyBasic(...pair));
    if (!found) throw new ApiError(20003);
    if (found.account.status !== 'active') throw new ApiError(20005);
    this.remembered.set(header!, found);
    return found;
  }

  /** Not remembered: keys and accounts are cached where they are read, and a signature costs little. */
  private async verifyMember(token: string): Promise<Authenticated> {
    try {
      if (token.length > TOKEN_CHARS_MAX) throw new ApiError(20101);
      const { account: sid, key: keySid, identity, service, roleSid, pushCredentialSid } = await verifyAccessToken(token, this.accounts);
      const [account, key] = [await this.accounts.find(sid), await this.accounts.findKey(keySid!)];
      if (!account || !key) throw new ApiError(20003);
      return { account, key, current: () => false, member: { identity: identity!, service: service!, ...(roleSid !== undefined && { roleSid }), ...(pushCredentialSid !== undefined && { pushCredentialSid }) } };
    } catch (error) {
      throw error instanceof AuthenticationError ? new ApiError(error.code) : error;
    }
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
