/** `parley token access …`: an access token of a user, for development. In production a customer's backend makes them. */
import { IDENTITY_CHARS_MAX, isIdentity } from '@parley/domain/identity';
import { newAccessToken, TokenRefusal } from '@parley/event-store/new-access-token';
import { CommandError, sidArgument, UsageError, type Action } from './command-group.js';
import type { Databases } from './new-account.js';

const SECONDS_DEFAULT = 3_600;
const SECONDS_MAX = 86_400;
const text = { type: 'string' } as const;

export const accessTokenAction: Action<Databases> = {
  usage: 'access <identity> [--account <account>] [--service <service>] [--push-credential <credential>] [--seconds <1..86400>]', args: [1, 1],
  about: 'an access token of a user, for development: of the first account and its default service unless named, signed with its oldest standard key',
  options: { account: text, service: text, 'push-credential': text, seconds: text },
  async run({ pool, box }, [identity = ''], options) {
    const { account, service, 'push-credential': pushCredential, seconds = String(SECONDS_DEFAULT) } = options as Record<string, string | undefined>;
    const lifetime = Number(seconds);
    if (!isIdentity(identity)) throw new UsageError(`this is no identity: 1 to ${IDENTITY_CHARS_MAX} characters, not "system", nothing like a user's SID`);
    if (!Number.isInteger(lifetime) || lifetime < 1 || lifetime > SECONDS_MAX) throw new UsageError(`--seconds is a whole number from 1 to ${SECONDS_MAX}`);
    return newAccessToken(pool, box, {
      identity, seconds: lifetime,
      account: account === undefined ? undefined : sidArgument(account, 'AC', 'account SID'),
      service: service === undefined ? undefined : sidArgument(service, 'IS', 'service SID'),
      pushCredential: pushCredential === undefined ? undefined : sidArgument(pushCredential, 'CR', 'credential SID'),
    }).catch((error: unknown) => {
      throw error instanceof TokenRefusal ? new CommandError(error.message) : error;
    });
  },
};
