/** Commands on participants and on the addresses that open conversations by themselves. */
import { Inject, Injectable } from '@nestjs/common';
import type {
  AddParticipant, AutoCreation, Caller, CreateAddressConfiguration, ParticipantCommands, UpdateParticipant,
} from '@parley/contracts/commands';
import { DomainError } from '@parley/domain/domain-error';
import type { RegistryEvent } from '@parley/domain/registry-events';
import { newSid, type ConversationSid, type ParticipantSid, type Sid } from '@parley/domain/sid';
import type { Pool } from '@parley/event-store/database';
import { derivedSid } from '@parley/event-store/derived-sid';
import { Streams } from '@parley/event-store/streams';
import type { Config } from '@parley/runtime/config';
import { CONFIG, POOL } from '@parley/runtime/parts';

const now = () => new Date().toISOString();

@Injectable()
export class ParticipantService implements ParticipantCommands {
  constructor(
    private readonly streams: Streams,
    @Inject(POOL) private readonly pool: Pool,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async addParticipant(caller: Caller, sid: ConversationSid, data: AddParticipant): Promise<{ participantSid: ParticipantSid }> {
    const participantSid = newSid('MB');
    const { participantsMax, nonChatParticipantsMax } = this.config;
    const { identity = null, binding = null, attributes = '{}', roleSid = null } = data;
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
      throw binding ? await this.withOwner(error, caller.account, binding.address, binding.proxyAddress) : error;
    }
  }

  async updateParticipant(
    caller: Caller, sid: ConversationSid, participantSid: ParticipantSid, data: UpdateParticipant,
  ): Promise<void> {
    await this.streams.onConversation(
      caller, sid, () => ({ type: 'UpdateParticipant', data: { ...data, participantSid, now: now() } }),
      { result: null, unique: typeof data.proxyAddress === 'string' },
    );
  }

  async removeParticipant(caller: Caller, sid: ConversationSid, participantSid: ParticipantSid): Promise<void> {
    await this.streams.onConversation(
      caller, sid, () => ({ type: 'RemoveParticipant', data: { participantSid, now: now() } }), { result: null },
    );
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
    const { rows } = await this.pool.query<{ conversation_sid: string }>(
      'select conversation_sid from model.address_binding where account = $1 and address = $2 and proxy_address = $3',
      [account, address, proxyAddress],
    );
    return rows[0] ? new DomainError('address_pair_in_use', { conversationSid: rows[0].conversation_sid }) : error;
  }
}
