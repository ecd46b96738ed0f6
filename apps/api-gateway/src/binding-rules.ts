/** Whether an address pair may be used by this account: what the form alone cannot tell (API reference 1.7). */
import { Inject, Injectable } from '@nestjs/common';
import { ApiError } from '@parley/contracts/error-catalogue';
import { bindingFault } from '@parley/contracts/rest/participants';
import { channelOf, type MessagingBinding } from '@parley/domain/address';
import type { Pool } from '@parley/event-store/database';
import type { Call } from './call.js';
import { bindingRights, type BindingRights } from './participants.sql.js';
import { READ_POOL } from './tokens.js';

@Injectable()
export class BindingRules {
  constructor(@Inject(READ_POOL) private readonly pool: Pool) {}

  /** Throws 50407 when the address is one of our own, 50413 or 50415 when the proxy address is not the account's. */
  async mustBeAllowed({ account }: Call, { type, address, proxyAddress }: MessagingBinding): Promise<void> {
    const { rows: [rights] } = await this.pool.query<BindingRights>(
      bindingRights(account.sid, type, proxyAddress, proxyAddress.replace(/^whatsapp:/, ''), address));
    if (rights!.address_is_ours) throw new ApiError(50407);
    if (!rights!.proxy_usable) throw new ApiError(type === 'whatsapp' && rights!.sms_sender ? 50415 : 50413);
  }

  /** A new proxy address for an address that stays. */
  async mustFit(call: Call, address: string, proxyAddress: string): Promise<void> {
    const code = bindingFault(address, proxyAddress);
    if (code !== undefined) throw new ApiError(code);
    await this.mustBeAllowed(call, { type: channelOf(address)!, address, proxyAddress });
  }

  /** An address of ours that opens conversations: 409 when it is somebody else's. */
  async mustBeOurs({ account }: Call, channel: string, address: string): Promise<void> {
    const { rows: [answer] } = await this.pool.query<{ usable: boolean }>(
      'select delivery.may_use_proxy($1, $2, $3) as usable', [account.sid, channel, address]);
    if (!answer!.usable) throw new ApiError(20409, 'this address does not belong to the account');
  }
}
