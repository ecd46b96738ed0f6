/** `parley service …`: services of an account, by the same commands the API uses. */
import { DomainError } from '@parley/domain/domain-error';
import { newSid } from '@parley/domain/sid';
import { DataKeys } from '@parley/event-store/data-keys';
import { apiTime } from '@parley/event-store/database';
import { GroupCommit } from '@parley/event-store/group-commit';
import { Streams } from '@parley/event-store/streams';
import type { RegistryService } from '@parley/participant-service/registry-commands';
import { mustFindAccount } from './account-commands.js';
import { CommandError, sidArgument, UsageError, type Group } from './command-group.js';
import type { Databases } from './new-account.js';

type ServiceRow = { sid: string; account: string; friendly_name: string; created_at: string };

async function services({ pool }: Databases, account: string, sid?: string): Promise<object[]> {
  const { rows } = await pool.query<ServiceRow>(
    'select sid, account, friendly_name, created_at from model.service where account = $1 and ($2::text is null or sid = $2) order by sid', [account, sid ?? null],
  );
  return rows.map((row) => ({ serviceSid: row.sid, accountSid: row.account, friendlyName: row.friendly_name, created: apiTime(row.created_at) }));
}

/** Loaded when it is needed: the other commands start faster without it. */
export async function withCommands({ pool, keysPool, box }: Databases, work: (commands: RegistryService) => Promise<void>): Promise<void> {
  const { RegistryService: Service } = await import('@parley/participant-service/registry-commands');
  const commit = new GroupCommit(pool, () => {});
  try {
    await work(new Service(new Streams(pool, commit, new DataKeys(keysPool, box)), pool));
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    if (error.code === 'resource_not_found') throw new CommandError('the account has no such service');
    throw new CommandError(error.code === 'service_is_default' ? 'it is the default service of the account, which stays' : error.code.replaceAll('_', ' '));
  } finally {
    await commit.stop();
  }
}

export const serviceGroup: Group<Databases> = {
  name: 'service', about: 'Conversation services of an account',
  actions: {
    create: {
      usage: 'create <account> <name>', args: [2, 2], about: 'a service with its four roles',
      async run(parts, [sid, name = '']) {
        if (name === '' || name.length > 256) throw new UsageError('a name has 1 to 256 characters');
        const account = await mustFindAccount(parts, sid);
        const [service, at] = [newSid('IS'), new Date().toISOString()];
        const row = { sid: service, account: account.sid, friendly_name: name, created_at: at, updated_at: at };
        await withCommands(parts, (commands) => commands.create({ account: account.sid }, 'Service', row));
        return services(parts, account.sid, service);
      },
    },
    list: { usage: 'list <account>', args: [1, 1], about: 'its services, oldest first', run: async (parts, [sid]) => services(parts, (await mustFindAccount(parts, sid)).sid) },
    delete: {
      usage: 'delete <account> <service>', args: [2, 2], about: 'the service and what is in it; not the default one',
      async run(parts, [sid, named]) {
        const service = sidArgument(named, 'IS', 'service SID');
        const account = await mustFindAccount(parts, sid);
        await withCommands(parts, (commands) => commands.remove({ account: account.sid }, 'Service', service));
        return { accountSid: account.sid, serviceSid: service, deleted: true };
      },
    },
  },
};
