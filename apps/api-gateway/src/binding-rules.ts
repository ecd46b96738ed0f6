/** Whether an address pair may be used by this account: what the form alone cannot tell (API reference 1.7). */
import { Inject, Injectable } from '@nestjs/common';
import { ApiError } from '@parley/contracts/error-catalogue';
import { bindingFault } from '@parley/contracts/rest/participants';
import { MessagingServices } from '@parley/delivery/messaging-services';
import { carrierNamed } from '@parley/channel/carriers/catalogue';
import { channelOf, type MessagingBinding } from '@parley/domain/address';
import type { GroupBinding } from '@parley/domain/conversation/events';
import { GROUP_MEMBERS_MAX } from '@parley/domain/conversation/group';
import { DomainError } from '@parley/domain/domain-error';
import { isSid } from '@parley/domain/sid';
import type { Call } from './call.js';
import { addressRights, bindingRights, groupRights, oursAmong, type BindingRights, type GroupRight } from './participants.sql.js';
import { Reads } from './reads.js';

@Injectable()
export class BindingRules {
  constructor(
    @Inject(Reads) private readonly reads: Reads,
    @Inject(MessagingServices) private readonly services: MessagingServices,
  ) {}

  /** As it is stored: for a messaging service (MG…) one of its senders. Throws as `mustBeAllowed`; 50413 when the account has no such service or it no sender for the channel. */
  async allowed(call: Call, binding: MessagingBinding): Promise<MessagingBinding> {
    const settled = { ...binding, proxyAddress: await this.senderOf(call, binding) };
    await this.mustBeAllowed(call, settled);
    return settled;
  }

  /**
   * Does what gives somebody the pair. One of a messaging service that somebody else gave to the same person in that moment is no reason to
   * refuse: the service has others, until it comes back to one that was tried.
   */
  async withAllowed<T>(call: Call, binding: MessagingBinding, give: (allowed: MessagingBinding) => Promise<T>): Promise<T> {
    for (const tried = new Set<string>(); ;) {
      const allowed = await this.allowed(call, binding);
      try {
        return await give(allowed);
      } catch (error) {
        const mayHaveOthers = isSid(binding.proxyAddress, 'MG') && error instanceof DomainError && error.code === 'address_pair_in_use';
        if (!mayHaveOthers || tried.has(allowed.proxyAddress)) throw error;
        tried.add(allowed.proxyAddress);
      }
    }
  }

  private async senderOf({ account }: Call, { type, address, proxyAddress }: MessagingBinding): Promise<string> {
    if (!isSid(proxyAddress, 'MG')) return proxyAddress;
    const sender = await this.services.senderFor(account.sid, proxyAddress, type, address);
    if (sender === undefined) throw new ApiError(50413);
    return sender;
  }

  /** Throws 50407 when the address is one of our own, 50413 or 50415 when the proxy address is not the account's. */
  private async mustBeAllowed({ account }: Call, { type, address, proxyAddress }: MessagingBinding): Promise<void> {
    const [rights] = await this.reads.query<BindingRights>(
      bindingRights(account.sid, type, proxyAddress, proxyAddress.replace(/^whatsapp:/, ''), address));
    if (rights!.address_is_ours) throw new ApiError(50407);
    if (!rights!.proxy_usable) throw new ApiError(type === 'whatsapp' && rights!.sms_sender ? 50415 : 50413);
  }

  /**
   * Members of a group beside those of `conversation`: as many of them together as the carriers of its numbers of ours take. Throws 50407 when
   * a phone is one of our own, 50439 when a projected address is not the account's, 50452 when its carrier knows no groups.
   */
  async groupMembersMax({ account }: Call, joining: readonly GroupBinding[], conversation = ''): Promise<number> {
    const phones = joining.flatMap((one) => ('address' in one ? [one.address] : []));
    const projected = joining.flatMap((one) => ('projectedAddress' in one ? [one.projectedAddress] : []));
    if (phones.length > 0 && (await this.reads.query(oursAmong(account.sid, phones))).length > 0) throw new ApiError(50407);
    const rights = await this.reads.query<GroupRight>(groupRights(account.sid, projected, conversation));
    return Math.min(GROUP_MEMBERS_MAX, ...rights.map(({ number, carrier, capabilities }) => {
      if (carrier === null && projected.includes(number)) throw new ApiError(50439);
      const max = capabilities !== null && !capabilities.includes('group') ? undefined : carrierNamed(carrier ?? '')?.groupRecipientsMax;
      if (max === undefined && projected.includes(number)) throw new ApiError(50452);
      return max === undefined ? GROUP_MEMBERS_MAX : max + 1;
    }));
  }

  /** A new proxy address for an address that stays, as it is stored. */
  async fitting(call: Call, address: string, proxyAddress: string): Promise<string> {
    const code = bindingFault(address, proxyAddress);
    if (code !== undefined) throw new ApiError(code);
    return (await this.allowed(call, { type: channelOf(address)!, address, proxyAddress })).proxyAddress;
  }

  /** An address of ours that opens conversations: 409 when it is somebody else's. */
  async mustBeOurs({ account }: Call, channel: string, address: string): Promise<void> {
    const [answer] = await this.reads.query<{ usable: boolean }>(
      addressRights(account.sid, channel, address));
    if (!answer!.usable) throw new ApiError(20409, 'this address does not belong to the account');
  }
}
