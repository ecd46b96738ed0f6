/** Which account a request about accounts is about: the caller's own, or one of its subaccounts. */
import { Inject, Injectable } from '@nestjs/common';
import { ApiError } from '@parley/contracts/error-catalogue';
import { AccountRegistry, RegistryRefusal, type AccountRecord, type KeyRecord } from '@parley/event-store/account-registry';
import { isSid } from '@parley/domain/sid';
import type { Call } from './call.js';
import { NotFound } from './error-answer.js';
import { readPageToken, sidOfKind, type Cursor } from './page-token.js';

@Injectable()
export class AccountAccess {
  constructor(@Inject(AccountRegistry) readonly registry: AccountRegistry) {}

  /** `named`: its SID, perhaps with `.json` behind it. Throws NotFound for everybody else's. */
  async reach({ account }: Call, named: string): Promise<AccountRecord> {
    const sid = withoutFormat(named);
    const found = isSid(sid, 'AC') ? await this.registry.account(sid) : undefined;
    if (!found || (found.sid !== account.sid && found.parent !== account.sid)) throw new NotFound();
    return found;
  }

  /** Throws NotFound when no account in reach has such a key. */
  async keyInReach({ account }: Call, sid: string): Promise<KeyRecord> {
    const key = await this.registry.keyBelow(account.sid, sid);
    if (!key) throw new NotFound();
    return key;
  }

  /** For what an account that is not active gets no more: throws 20005. */
  async reachActive(call: Call, named: string): Promise<AccountRecord> {
    const found = await this.reach(call, named);
    if (found.status !== 'active') throw new ApiError(20005);
    return found;
  }
}

export const withoutFormat = (named: string): string => named.replace(/\.json$/, '');

/** The SID of a key in a path. Throws 70002 when it is none. */
export function keySid(named: string): string {
  const sid = withoutFormat(named);
  if (!isSid(sid, 'SK')) throw new ApiError(70002, 'Sid provided in the request');
  return sid;
}

export function sidCursor(token: string | undefined, list: string, prefix: string): Cursor<string> | undefined {
  return readPageToken(token, list, ([sid]) => (sidOfKind(sid, prefix) ? sid : undefined));
}
export const pageAt = (cursor: Cursor<string> | undefined, size: number) =>
  ({ limit: size + 1, ...(cursor && { after: cursor.key, back: cursor.back }) });

/** Runs a change; what the registry refuses gets its documented code. */
export async function told<T>(change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (error) {
    if (!(error instanceof RegistryRefusal)) throw error;
    switch (error.reason) {
      case 'too_many_subaccounts': throw new ApiError(21480);
      case 'too_many_keys': throw new ApiError(70151);
      case 'owner_not_active': throw new ApiError(20005);
      case 'closed': throw new ApiError(20001, 'Status: a closed account stays closed');
      case 'secondary_exists': throw new ApiError(20409, 'there is a secondary auth token: promote or delete it first');
      case 'no_secondary': throw new NotFound();
    }
  }
}
