/** `/v1/AuthTokens`: a second auth token beside the first, then in its place. */
import { Controller, Delete, HttpCode, Inject, Post } from '@nestjs/common';
import type { TokenDates } from '@parley/event-store/account-registry';
import { AccountAccess, told } from './account-access.js';
import { TheCall, type Call } from './call.js';
import { time } from './json-text.js';

@Controller('v1/AuthTokens')
export class AuthTokensController {
  constructor(@Inject(AccountAccess) private readonly access: AccountAccess) {}

  @Post('Secondary')
  async create(@TheCall() call: Call): Promise<string> {
    const made = await told(this.access.registry.createSecondaryToken(call.account.sid, call.caller));
    return tokenJson(call, 'Secondary', 'secondary_auth_token', made);
  }

  @Delete('Secondary')
  @HttpCode(204)
  async remove(@TheCall() { account, caller }: Call): Promise<void> {
    await told(this.access.registry.deleteSecondaryToken(account.sid, caller));
  }

  @Post('Promote')
  @HttpCode(200)
  async promote(@TheCall() call: Call): Promise<string> {
    return tokenJson(call, 'Promote', 'auth_token', await told(this.access.registry.promoteToken(call.account.sid, call.caller)));
  }
}

const tokenJson = ({ account, base }: Call, path: string, name: string, { authToken, createdAt, updatedAt }: TokenDates & { authToken: string }): string =>
  `{"account_sid":"${account.sid}","${name}":"${authToken}","date_created":${time(createdAt)},"date_updated":${time(updatedAt)},"url":"${base}/AuthTokens/${path}"}`;
