/** Who opens the websocket with credentials of the account: HTTP Basic at the upgrade, perhaps in the name of a chat member. */
import type { IncomingMessage } from 'node:http';
import { isIdentity } from '@parley/domain/identity';
import { isSid } from '@parley/domain/sid';
import { AuthenticationError, type Principal } from '@parley/event-store/access-token';
import type { Accounts } from '@parley/event-store/accounts';
import { verifyBasicHeader } from './basic-header.js';
import type { Session } from './session.js';

/** Answered by HTTP instead of the upgrade. */
export class UpgradeRefusal extends Error {
  constructor(readonly status: number, readonly code: number, message: string) {
    super(message);
  }
}

/** Account-level credentials; with `identity` they act as that chat member. Throws AuthenticationError and UpgradeRefusal. */
export async function basicPrincipal({ headers }: IncomingMessage, query: URLSearchParams, accounts: Accounts): Promise<Principal> {
  const { account, key } = (await verifyBasicHeader(headers.authorization!, accounts)) ?? {};
  // No permission of a restricted key opens the stream.
  if (!account || key?.allow) throw new AuthenticationError(20003);
  if (account.status !== 'active') throw new AuthenticationError(20005);
  // A browser adds remembered credentials by itself: another site's page must not use them.
  if (headers.origin !== undefined && originHost(headers.origin) !== headers.host)
    throw new UpgradeRefusal(403, 20003, 'Basic authentication is not for pages of other origins: use an access token');
  const identity = query.get('identity') ?? undefined;
  if (identity !== undefined && !isIdentity(identity)) throw new UpgradeRefusal(400, 20001, 'identity has 1 to 256 characters, and is neither "system" nor a SID');
  const service = query.get('chat_service_sid') ?? account.defaultChatServiceSid;
  if (!isSid(service, 'IS')) throw new UpgradeRefusal(400, 20001, 'chat_service_sid is no service SID');
  return {
    account: account.sid, key: key?.sid, identity,
    service: identity === undefined ? undefined : service, expiresAt: undefined,
  };
}

/** What the REST API is asked with for who came with these: as the account, or as the member. */
export function basicCredentials({ identity, service }: Principal, authorization: string): Session['credentials'] {
  return { authorization, ...(identity !== undefined && { 'x-parley-acts-as': `${service}/${encodeURIComponent(identity)}` }) };
}

function originHost(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
