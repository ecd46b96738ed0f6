/** `parley content …`: what WhatsApp said about a template, told by the operator until templates are submitted from here. */
import { mustFindAccount } from './account-commands.js';
import { CommandError, sidArgument, UsageError, type Group } from './command-group.js';
import type { Databases } from './new-account.js';
import { withCommands } from './service-commands.js';

const statuses = ['received', 'pending', 'approved', 'rejected', 'paused', 'disabled'];
type Approval = { status: string; rejection_reason: string };

async function mustFindApproval({ pool }: Databases, account: string, sid: string): Promise<Approval> {
  const { rows } = await pool.query<{ approval: Approval | null }>('select approval from model.content_template where account = $1 and sid = $2', [account, sid]);
  if (!rows[0]) throw new CommandError('the account has no such content template');
  if (!rows[0].approval) throw new CommandError('nobody asked for its approval: POST /v1/Content/{Sid}/ApprovalRequests/whatsapp');
  return rows[0].approval;
}

export const contentGroup: Group<Databases> = {
  name: 'content', about: 'Content templates of an account',
  actions: {
    approval: {
      usage: 'approval <account> <template> <status> [reason]', args: [3, 4], about: `the state of its WhatsApp approval: ${statuses.join(', ')}`,
      async run(parts, [sid, named, status = '', reason = '']) {
        const template = sidArgument(named, 'HX', 'content template SID');
        if (!statuses.includes(status)) throw new UsageError(`${status} is none of ${statuses.join(', ')}`);
        if (reason !== '' && status !== 'rejected') throw new UsageError('only a rejection has a reason');
        const account = await mustFindAccount(parts, sid);
        const approval = { ...(await mustFindApproval(parts, account.sid, template)), status, rejection_reason: reason };
        await withCommands(parts, (commands) => commands.update({ account: account.sid }, 'ContentTemplate', template, { approval }));
        return { accountSid: account.sid, contentSid: template, ...approval };
      },
    },
  },
};
