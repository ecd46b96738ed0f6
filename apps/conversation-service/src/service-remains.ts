/**
 * What a deleted service leaves: its conversations, users, bindings, roles and settings go by the same commands that delete
 * them one by one, so everybody who follows facts is told. In bounded steps; repeating one does no harm.
 */
import type { AutoCreation, Caller, ConversationCommands, ParticipantCommands, RegistryCommands } from '@parley/contracts/commands';
import { DomainError } from '@parley/domain/domain-error';
import type { RegistryKind } from '@parley/domain/registry-events';
import type { ConversationSid, Sid } from '@parley/domain/sid';
import type { Pool } from '@parley/event-store/database';

const STEP = 200;
const AT_ONCE = 20;

export type DeletedService = { sid: string; account: string };
type Left = 'empty' | 'more' | 'stuck';
type Row = { sid: string };
type Removal = { sql: string; remove(caller: Caller, row: Row): Promise<unknown> };

export class ServiceRemains {
  /** In this order: a user leaves his conversations before he goes, so those go first. */
  private readonly removals: readonly Removal[];
  private stopped = false;

  constructor(
    private readonly pool: Pool, conversations: Pick<ConversationCommands, 'deleteConversation'>,
    participants: Pick<ParticipantCommands, 'deleteUser' | 'updateAddressConfiguration'>, registry: Pick<RegistryCommands, 'remove'>,
  ) {
    const ofService = (table: string) => `select sid from model.${table} where account = $1 and chat_service_sid = $2 limit ${STEP}`;
    const itself = (table: string) => `select sid from model.${table} where account = $1 and sid = $2`;
    const removing = (kind: RegistryKind) => (caller: Caller, { sid }: Row) => registry.remove(caller, kind, sid);
    this.removals = [
      { sql: ofService('conversation'), remove: (caller, { sid }) => conversations.deleteConversation(caller, sid as ConversationSid) },
      { sql: ofService('chat_user'), remove: (caller, { sid }) => participants.deleteUser(caller, sid as Sid<'US'>) },
      { sql: ofService('push_binding'), remove: removing('PushBinding') },
      { sql: ofService('role'), remove: removing('Role') },
      { sql: itself('service_notification'), remove: removing('ServiceNotification') },
      { sql: itself('webhook_configuration'), remove: removing('WebhookConfiguration') },
      {
        // These open conversations in the account's default service from now on.
        sql: `select sid, auto_creation from model.address_configuration
               where account = $1 and auto_creation->>'conversation_service_sid' = $2 limit ${STEP}`,
        remove: (caller, row) => {
          const { conversation_service_sid: _gone, ...autoCreation } = (row as Row & { auto_creation: AutoCreation }).auto_creation;
          return participants.updateAddressConfiguration(caller, row.sid as Sid<'IG'>, { autoCreation: autoCreation as AutoCreation });
        },
      },
    ];
  }

  /** One service after the other; `failed` is told of what one of them throws, and the others go on. */
  async empty(services: readonly DeletedService[], emptied: (service: DeletedService, left: Left) => Promise<void>, failed: (error: unknown) => void): Promise<void> {
    for (const service of services) {
      try {
        let left: Left = 'more';
        while (left === 'more' && !this.stopped) left = await this.removeSome(service);
        await emptied(service, left);
      } catch (error) {
        failed(error);
      }
    }
  }

  /** After the step in hand. */
  stop(): void {
    this.stopped = true;
  }

  /** `stuck`: something is left that no command finds any more; that must not become a busy loop. */
  async removeSome({ sid, account }: DeletedService): Promise<Left> {
    let found = 0;
    for (const { sql, remove } of this.removals) {
      const { rows } = await this.pool.query<Row>(sql, [account, sid]);
      found += rows.length;
      let any = false;
      for (let at = 0; at < rows.length; at += AT_ONCE) {
        const removed = await Promise.all(rows.slice(at, at + AT_ONCE).map((row) => done(remove({ account }, row))));
        any ||= removed.includes(true);
      }
      if (any) return 'more';
    }
    return found === 0 ? 'empty' : 'stuck';
  }
}

/** False when it was gone already. */
async function done(removal: Promise<unknown>): Promise<boolean> {
  try {
    await removal;
    return true;
  } catch (error) {
    if (error instanceof DomainError && error.code.endsWith('_not_found')) return false;
    throw error;
  }
}
