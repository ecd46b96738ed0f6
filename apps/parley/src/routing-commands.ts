/** `parley routing …`: how messages reach people outside the chat, of an account or of one conversation (docs/routing.md). */
import { routingPolicy } from '@parley/contracts/rest/routing-policies';
import { RoutingPolicies, type RoutingPolicyRecord } from '@parley/delivery/routing-policies';
import type { RoutingPolicy } from '@parley/domain/delivery/routing';
import { newSid } from '@parley/domain/sid';
import { mustFindAccount } from './account-commands.js';
import { CommandError, sidArgument, type Group } from './command-group.js';
import { jsonArgument } from './given-arguments.js';
import type { Databases } from './new-account.js';

const conversationOption = { conversation: { type: 'string' } } as const;

const policyOf = (text: string) => jsonArgument(routingPolicy, text, 'policy') as RoutingPolicy;

/** null: of the account. */
async function conversationOf({ pool }: Databases, account: string, named: unknown): Promise<string | null> {
  if (named === undefined) return null;
  const sid = sidArgument(String(named), 'CH', 'conversation SID');
  const { rowCount } = await pool.query('select 1 from model.conversation where account = $1 and sid = $2', [account, sid]);
  if (rowCount === 0) throw new CommandError(`the account has no conversation ${sid}`);
  return sid;
}

async function found(policies: RoutingPolicies, account: string, conversation: string | null): Promise<RoutingPolicyRecord | undefined> {
  return (await policies.list(account, { conversation: conversation ?? '' }))[0];
}

export const routingGroup: Group<Databases> = {
  name: 'routing', about: 'Policies: fallback, quiet hours, regions, files as links, authors by name, long texts; of an account, over which lies that of a conversation',
  actions: {
    list: { usage: 'list <account>', args: [1, 1], about: 'its policies', run: async (parts, [sid]) => new RoutingPolicies(parts.pool).list((await mustFindAccount(parts, sid)).sid) },
    set: {
      usage: 'set <account> <policy JSON> [--conversation=CH…]', args: [2, 2], about: 'in place of the one that there is', options: conversationOption,
      async run(parts, [named, text = ''], options) {
        const policy = policyOf(text);
        const account = (await mustFindAccount(parts, named)).sid;
        const conversation = await conversationOf(parts, account, options['conversation']);
        const policies = new RoutingPolicies(parts.pool);
        const missing = await policies.missingOf(account, policy);
        if (missing) throw new CommandError('template' in missing ? `the account has no content template ${missing.template}` : `${missing.sender} is no sender of the account`);
        const made = await policies.create(newSid('RP'), account, conversation, policy);
        if (made !== 'taken') return made;
        const before = await found(policies, account, conversation);
        const changed = before && (await policies.update(account, before.sid, policy));
        if (!changed) throw new CommandError('somebody else removed the policy at the same moment: try again');
        return changed;
      },
    },
    remove: {
      usage: 'remove <account> [--conversation=CH…]', args: [1, 1], about: 'that of the account, or of one conversation', options: conversationOption,
      async run(parts, [named], options) {
        const account = (await mustFindAccount(parts, named)).sid;
        const policies = new RoutingPolicies(parts.pool);
        const before = await found(policies, account, await conversationOf(parts, account, options['conversation']));
        if (!before) throw new CommandError('there is no such policy');
        return { policySid: before.sid, removed: await policies.remove(account, before.sid) };
      },
    },
  },
};
