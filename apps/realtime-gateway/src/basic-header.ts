/** HTTP Basic credentials as the Authorization header carries them. */
import type { Accounts, Credentials } from '@parley/event-store/accounts';

/** Whose they are; undefined when they do not fit, or the header says no such thing. Any status: the caller decides. */
export async function verifyBasicHeader(authorization: string, accounts: Accounts): Promise<Credentials | undefined> {
  const [, encoded] = /^basic ([\w+/=-]{1,684})$/i.exec(authorization) ?? [];
  if (encoded === undefined) return undefined;
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon > 0 ? accounts.verifyBasic(pair.slice(0, colon), pair.slice(colon + 1)) : undefined;
}
