/** Commands on participants, users and on the addresses that open conversations by themselves. */
import { Inject, Injectable } from '@nestjs/common';
import { REGISTRY_COMMANDS } from '@parley/contracts/command-tokens';
import type {
  AddParticipant, AutoCreation, Caller, CreateAddressConfiguration, ParticipantCommands, RegistryCommands, UpdateParticipant,
} from '@parley/contracts/commands';
import { numberOf } from '@parley/domain/conversation/group';
import { DomainError } from '@parley/domain/domain-error';
import type { RegistryEvent, RegistryKind } from '@parley/domain/registry-events';
import { newSid, type ConversationSid, type ParticipantSid, type ServiceSid, type Sid } from '@parley/domain/sid';
import { ChatUsers } from '@parley/event-store/chat-users';
import type { Pool } from '@parley/event-store/database';
import { numbersOfGroup, ownerOfGroup, ownerOfPairs } from '@parley/event-store/address-owner';
import { derivedSid } from '@parley/event-store/derived-sid';
import { Streams } from '@parley/event-store/streams';
import type { Config } from '@parley/runtime/config';
import { CONFIG, POOL } from '@parley/runtime/parts';
import { keepForWebhooks } from '@parley/webhooks/removed-rows';

const now = () => new Date().toISOString();

/** Conversations a leaving user is taken out of at the same time. */
const LEAVING_AT_ONCE = 16;

@Injectable()
export class ParticipantService implements ParticipantCommands {
  private readonly users: ChatUsers;

  constructor(
    private readonly streams: Streams,
    @Inject(POOL) private readonly pool: Pool,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(REGISTRY_COMMANDS) private readonly registry: RegistryCommands,
  ) {
    this.users = new ChatUsers(streams, pool, config.conversationsPerUserMax);
  }

  async addParticipant(caller: Caller, sid: ConversationSid, data: AddParticipant): Promise<{ participantSid: ParticipantSid }> {
    const participantSid = newSid('MB');
    const { participantsMax, nonChatParticipantsMax } = this.config;
    const { identity = null, binding = null, attributes = '{}', roleSid = null, group } = data;
    if (identity !== null) await this.joining(caller, sid, identity);
    try {
      const { result } = await this.streams.onConversation(
        caller, sid,
        () => ({
          type: 'AddParticipant',
          data: {
            ...data, participantSid, identity, binding, attributes, roleSid, limits: { participantsMax, nonChatParticipantsMax }, now: now(),
          },
        }),
        { result: { participantSid }, unique: true },
      );
      return result;
    } catch (error) {
      if (group) throw await this.withGroup(error, caller.account, sid, (numbers) => numbers.set(participantSid, numberOf(group)));
      throw binding ? await this.withOwner(error, caller.account, binding.address, binding.proxyAddress) : error;
    }
  }

  async updateParticipant(
    caller: Caller, sid: ConversationSid, participantSid: ParticipantSid, data: UpdateParticipant,
  ): Promise<void> {
    const { proxyAddress, projectedAddress } = data;
    if (data.identity !== undefined) await this.taking(caller, sid, participantSid, data.identity);
    try {
      await this.streams.onConversation(
        caller, sid, () => ({ type: 'UpdateParticipant', data: { ...data, participantSid, now: now() } }),
        { result: null, unique: typeof proxyAddress === 'string' || data.address !== undefined || projectedAddress !== undefined || data.identity !== undefined },
      );
    } catch (error) {
      if (projectedAddress) throw await this.withGroup(error, caller.account, sid, (numbers) => numbers.set(participantSid, projectedAddress));
      throw proxyAddress ? await this.withOwner(error, caller.account, await this.addressOf(participantSid), proxyAddress) : error;
    }
  }

  async removeParticipant(caller: Caller, sid: ConversationSid, participantSid: ParticipantSid): Promise<void> {
    await keepForWebhooks(this.pool, caller, 'participant', participantSid);
    try {
      await this.streams.onConversation(
        caller, sid, () => ({ type: 'RemoveParticipant', data: { participantSid, now: now() } }), { result: null, unique: true },
      );
    } catch (error) {
      throw await this.withGroup(error, caller.account, sid, (numbers) => numbers.delete(participantSid));
    }
  }

  /** What is left may be a group that has a conversation: the refusal names it (50438). */
  private async withGroup(error: unknown, account: string, sid: ConversationSid, change: (numbers: Map<string, string>) => void): Promise<unknown> {
    if (!(error instanceof DomainError) || error.code !== 'group_exists') return error;
    const numbers = await numbersOfGroup(this.pool, sid);
    change(numbers);
    const conversationSid = await ownerOfGroup(this.pool, account, [...numbers.values()]);
    return conversationSid === undefined ? error : new DomainError('group_exists', { conversationSid });
  }

  /** Who takes over a number of ours in a group becomes a user, like everybody who joins. */
  private async taking(caller: Caller, sid: ConversationSid, participantSid: ParticipantSid, identity: string): Promise<void> {
    const { rowCount } = await this.pool.query(
      'select 1 from model.participant where sid = $1 and conversation_sid = $2 and identity is null and projected_address is not null', [participantSid, sid]);
    if (rowCount === 1) await this.joining(caller, sid, identity);
  }

  private async addressOf(participantSid: ParticipantSid): Promise<string> {
    const { rows: [row] } = await this.pool.query<{ address: string | null }>('select address from model.participant where sid = $1', [participantSid]);
    return row?.address ?? '';
  }

  async ensureUser(caller: Caller, service: ServiceSid, identity: string, roleSid?: string): Promise<boolean> {
    return this.users.ensure(caller, service, [identity], roleSid);
  }

  /** The user's own fact comes last: when something breaks on the way, the command can be repeated. */
  async deleteUser(caller: Caller, sid: Sid<'US'>): Promise<void> {
    const { rows: [user] } = await this.pool.query<{ service: string; identity: string }>(
      'select chat_service_sid as service, identity from model.chat_user where sid = $1 and account = $2', [sid, caller.account]);
    if (!user) throw new DomainError('resource_not_found');
    const { key: _key, hash: _hash, ...step } = caller;
    await this.leaveAll(step, user.service, user.identity);
    await this.forget(step, 'PushBinding', 'push_binding', 'chat_service_sid = $2 and identity = $3', [user.service, user.identity]);
    await this.forget(step, 'UserConversation', 'user_conversation', 'user_sid = $2', [sid]);
    await this.registry.remove(caller, 'User', sid);
  }

  private async leaveAll(caller: Caller, service: string, identity: string): Promise<void> {
    const { rows } = await this.pool.query<{ conversation: ConversationSid; participant: ParticipantSid }>(
      `select c.sid as conversation, p.sid as participant from model.participant p
         join model.conversation c on c.sid = p.conversation_sid and c.chat_service_sid = $2
        where p.account = $1 and p.identity = $3 and p.ended is null`, [caller.account, service, identity],
    );
    for (let at = 0; at < rows.length; at += LEAVING_AT_ONCE)
      await Promise.all(rows.slice(at, at + LEAVING_AT_ONCE).map(async ({ conversation, participant }) => {
        try {
          await this.removeParticipant(caller, conversation, participant);
        } catch (error) {
          // Closed, deleted or left in the meantime.
          if (!(error instanceof DomainError && /_(not_found|closed)$/.test(error.code))) throw error;
        }
      }));
  }

  private async forget(caller: Caller, kind: RegistryKind, table: string, where: string, values: unknown[]): Promise<void> {
    const { rows } = await this.pool.query<{ sid: string }>(`select sid from model.${table} where account = $1 and ${where}`, [caller.account, ...values]);
    for (const { sid } of rows) await this.registry.remove(caller, kind, sid);
  }

  private async joining(caller: Caller, sid: ConversationSid, identity: string): Promise<void> {
    const { rows: [found] } = await this.pool.query<{ service: string }>(
      `select chat_service_sid as service from model.conversation where sid = $1 and account = $2 and state <> 'closed'`, [sid, caller.account]);
    if (found) await this.users.joining(caller, found.service, sid, [identity]);
  }

  async createAddressConfiguration(caller: Caller, data: CreateAddressConfiguration): Promise<{ sid: Sid<'IG'> }> {
    const sid = caller.key === undefined ? newSid('IG') : derivedSid('IG', caller.account, caller.key);
    const at = now();
    const created: RegistryEvent = {
      type: 'AddressConfigurationCreated',
      data: {
        sid, account: caller.account, type: data.type, address: data.address, friendly_name: data.friendlyName ?? null,
        auto_creation: data.autoCreation, address_country: data.addressCountry ?? null, created_at: at, updated_at: at,
      },
    };
    return this.streams.onRegistry(caller, sid, `address-${sid}`, (version) => {
      if (version > 0) throw new DomainError('conflicting_modification');
      return [created];
    }, { result: { sid }, unique: true });
  }

  async updateAddressConfiguration(
    caller: Caller, sid: Sid<'IG'>, { friendlyName, autoCreation }: { friendlyName?: string | null; autoCreation?: AutoCreation },
  ): Promise<void> {
    await this.mustExist(caller.account, sid);
    const changed: RegistryEvent = {
      type: 'AddressConfigurationUpdated',
      data: {
        sid, updated_at: now(), ...(friendlyName !== undefined && { friendly_name: friendlyName }),
        ...(autoCreation !== undefined && { auto_creation: autoCreation }),
      },
    };
    await this.streams.onRegistry(caller, sid, `address-${sid}`, () => [changed], { result: null });
  }

  async deleteAddressConfiguration(caller: Caller, sid: Sid<'IG'>): Promise<void> {
    await this.mustExist(caller.account, sid);
    const deleted: RegistryEvent = { type: 'AddressConfigurationDeleted', data: { sid } };
    await this.streams.onRegistry(caller, sid, `address-${sid}`, () => [deleted], { result: null });
  }

  private async mustExist(account: string, sid: string): Promise<void> {
    const { rowCount } = await this.pool.query('select 1 from model.address_configuration where sid = $1 and account = $2', [sid, account]);
    if (rowCount === 0) throw new DomainError('address_configuration_not_found');
  }

  /** The refusal names the conversation that has the pair, as clients look it up there (50416). */
  private async withOwner(error: unknown, account: string, address: string, proxyAddress: string): Promise<unknown> {
    if (!(error instanceof DomainError) || error.code !== 'address_pair_in_use') return error;
    const conversationSid = await ownerOfPairs(this.pool, account, [{ address, proxyAddress }]);
    return conversationSid === undefined ? error : new DomainError('address_pair_in_use', { conversationSid });
  }
}
