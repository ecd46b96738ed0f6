/** `parley key …`: API keys of an account, standard or restricted to a list of permissions. */
import { permissions, PERMISSIONS_MAX, unknownPermission } from '@parley/contracts/rest/key-permissions';
import type { KeyRecord } from '@parley/event-store/account-registry';
import { apiTime } from '@parley/event-store/database';
import { inWords, mustFindAccount, registryOf } from './account-commands.js';
import { CommandError, sidArgument, UsageError, type Group } from './command-group.js';
import type { Databases } from './new-account.js';

const shown = ({ sid, account, friendlyName, kind, policy, createdAt }: KeyRecord) =>
  ({ apiKeySid: sid, accountSid: account, friendlyName, kind, ...(policy && { allow: policy.allow }), created: apiTime(createdAt) });

export const keyGroup: Group<Databases> = {
  name: 'key', about: 'API keys',
  actions: {
    create: {
      usage: 'create <account> [name] [--allow <permission>]...', args: [1, 2],
      about: 'a standard key, or one restricted to the permissions given; prints its secret, this once',
      options: { allow: { type: 'string', multiple: true } },
      async run(parts, [sid, friendlyName], { allow }) {
        if ((friendlyName?.length ?? 0) > 64) throw new UsageError('a name has at most 64 characters');
        const unknown = allow && unknownPermission(allow as string[]);
        if (unknown !== undefined) throw new UsageError(`${unknown} is no permission; see parley key permissions`);
        if ((allow?.length ?? 0) > PERMISSIONS_MAX) throw new UsageError(`a key has at most ${PERMISSIONS_MAX} permissions`);
        const account = await mustFindAccount(parts, sid);
        if (account.status !== 'active') throw new CommandError(`${account.sid} is ${account.status}`);
        const { key, secret } = await inWords(registryOf(parts).createKey({
          account: account.sid, friendlyName: friendlyName ?? null, ...(allow && { policy: { allow: allow as string[] } }),
        }));
        return { ...shown(key), apiKeySecret: secret };
      },
    },
    list: {
      usage: 'list <account>', args: [1, 1], about: 'its keys, oldest first',
      async run(parts, [sid]) {
        const account = await mustFindAccount(parts, sid);
        return (await registryOf(parts).listKeys(account.sid, { limit: 1000 })).map(shown);
      },
    },
    delete: {
      usage: 'delete <account> <key>', args: [2, 2], about: 'the key ends within 10 s, its sockets and access tokens within 40 s',
      async run(parts, [sid, key]) {
        const apiKeySid = sidArgument(key, 'SK', 'API key SID');
        const account = await mustFindAccount(parts, sid);
        if (!(await registryOf(parts).deleteKey(account.sid, apiKeySid))) throw new CommandError(`${account.sid} has no key ${apiKeySid}`);
        return { accountSid: account.sid, apiKeySid, deleted: true };
      },
    },
    permissions: { usage: 'permissions', args: [0, 0], about: 'what a restricted key may be allowed', run: async () => permissions.map((permission) => ({ permission })) },
  },
};
