/** `parley account …` and `parley token …`: top accounts are made here only, by whoever may read the database. */
import { AccountRegistry, RegistryRefusal, type AccountRecord } from '@parley/event-store/account-registry';
import type { AccountStatus } from '@parley/event-store/accounts';
import { apiTime } from '@parley/event-store/database';
import { accessTokenAction } from './access-token-command.js';
import { CommandError, sidArgument, UsageError, type Action, type Group } from './command-group.js';
import { createAccount, type Databases } from './new-account.js';

const statuses = ['active', 'suspended', 'closed'];
const PAGE = 500;

const shown = (account: AccountRecord) => ({
  accountSid: account.sid, parent: account.parent, friendlyName: account.friendlyName, status: account.status, serviceSid: account.defaultChatServiceSid,
  created: apiTime(account.createdAt), updated: apiTime(account.updatedAt),
});
export const registryOf = ({ pool, box }: Databases): AccountRegistry => new AccountRegistry(pool, box);

export async function mustFindAccount(parts: Databases, text: string | undefined): Promise<AccountRecord> {
  const sid = sidArgument(text, 'AC', 'account SID');
  const account = await registryOf(parts).account(sid);
  if (!account) throw new CommandError(`there is no account ${sid}`);
  return account;
}

/** What the registry refuses, in words. */
export async function inWords<T>(change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (error) {
    if (!(error instanceof RegistryRefusal)) throw error;
    throw new CommandError({
      closed: 'the account is closed, which is final', secondary_exists: 'there is a secondary auth token already: promote or cancel it first',
      no_secondary: 'there is no secondary auth token: make one by parley token rotate', too_many_keys: 'the account has as many API keys as it may have',
      too_many_subaccounts: 'the account has as many subaccounts as it may have', owner_not_active: 'the account that is to own it is not active',
    }[error.reason]);
  }
}

const becomes = (status: AccountStatus, usage: string, about: string): Action<Databases> => ({
  usage, about, args: [1, 1],
  async run(parts, [sid]) {
    const account = await mustFindAccount(parts, sid);
    await inWords(registryOf(parts).updateAccount(account.sid, { status }));
    return shown(await mustFindAccount(parts, sid));
  },
});

export const accountGroup: Group<Databases> = {
  name: 'account', about: 'Accounts and subaccounts',
  actions: {
    create: {
      usage: 'create [name] [--parent <account>]', args: [0, 1], about: 'a new account with its first API key and default service; prints its secrets, this once',
      options: { parent: { type: 'string' } },
      async run(parts, [friendlyName = 'Account'], { parent }) {
        if (friendlyName.length > 64) throw new UsageError('a name has at most 64 characters');
        if (parent === undefined) return createAccount(parts, { friendlyName });
        const owner = await mustFindAccount(parts, parent as string);
        if (owner.parent !== null) throw new CommandError(`${owner.sid} is a subaccount itself: subaccounts cannot contain subaccounts`);
        if (owner.status !== 'active') throw new CommandError(`${owner.sid} is ${owner.status}`);
        return inWords(createAccount(parts, { friendlyName, parent: owner.sid }));
      },
    },
    list: {
      usage: 'list [--parent <account>] [--status <status>]', args: [0, 0], about: 'all accounts, or one with its subaccounts, oldest first',
      options: { parent: { type: 'string' }, status: { type: 'string' } },
      async run(parts, _, { parent, status }) {
        if (status !== undefined && !statuses.includes(status as string)) throw new UsageError(`a status is one of ${statuses.join(', ')}`);
        const of = parent === undefined ? undefined : (await mustFindAccount(parts, parent as string)).sid;
        const all: AccountRecord[] = [];
        for (let page: AccountRecord[] | undefined; page === undefined || page.length === PAGE;) {
          const after = all.at(-1)?.sid;
          page = await registryOf(parts).listAccounts(of, { limit: PAGE, ...(after !== undefined && { after }) }, { status: status as AccountStatus | undefined });
          all.push(...page);
        }
        return all.map(shown);
      },
    },
    show: { usage: 'show <account>', args: [1, 1], about: 'one account, without its secrets', run: async (parts, [sid]) => shown(await mustFindAccount(parts, sid)) },
    suspend: becomes('suspended', 'suspend <account>', 'refuses it and its subaccounts everything, ends their sockets; deliveries wait'),
    activate: becomes('active', 'activate <account>', 'ends a suspension'),
    close: becomes('closed', 'close <account>', 'like a suspension, for ever'),
  },
};

export const tokenGroup: Group<Databases> = {
  name: 'token', about: 'Auth tokens: rotate, tell your applications the new one, promote; access tokens for development',
  actions: {
    access: accessTokenAction,
    rotate: {
      usage: 'rotate <account>', args: [1, 1], about: 'a secondary auth token, valid beside the first; printed this once',
      async run(parts, [sid]) {
        const account = await mustFindAccount(parts, sid);
        const { authToken } = await inWords(registryOf(parts).createSecondaryToken(account.sid));
        return { accountSid: account.sid, secondaryAuthToken: authToken };
      },
    },
    promote: {
      usage: 'promote <account>', args: [1, 1], about: 'the secondary token takes the place of the first, which ends within 10 s; webhooks are signed with the new one',
      async run(parts, [sid]) {
        const account = await mustFindAccount(parts, sid);
        await inWords(registryOf(parts).promoteToken(account.sid));
        return { accountSid: account.sid, promoted: true };
      },
    },
    cancel: {
      usage: 'cancel <account>', args: [1, 1], about: 'removes the secondary token',
      async run(parts, [sid]) {
        const account = await mustFindAccount(parts, sid);
        await inWords(registryOf(parts).deleteSecondaryToken(account.sid));
        return { accountSid: account.sid, cancelled: true };
      },
    },
  },
};
