/** Who calls the simulator: an account of Parley with its own credentials, as at a real carrier. Accounts are walls. */
import { HttpException } from '@nestjs/common';
import { Accounts, type Account, type Credentials } from '@parley/event-store/accounts';

export class Callers {
  constructor(private readonly accounts: Accounts) {}

  /** Basic authentication, as Twilio's API asks for. Throws 401 with code 20003. */
  async identify(authorization: string | undefined): Promise<Account> {
    return (await this.credentials(authorization)).account;
  }

  /** An account's credentials open that account; its auth token opens its subaccounts too. Throws as `identify` does. */
  async mustReach(sid: string, authorization: string | undefined): Promise<void> {
    const { account, key } = await this.credentials(authorization);
    if (account.sid === sid) return;
    const other = key ? undefined : await this.accounts.find(sid);
    if (other?.parent !== account.sid || other.status !== 'active') throw refusal(401, 20003, 'Authenticate');
  }

  private async credentials(authorization: string | undefined): Promise<Credentials> {
    const [, encoded = ''] = /^Basic ([\w+/=-]+)$/i.exec(authorization ?? '') ?? [];
    const text = Buffer.from(encoded, 'base64').toString();
    const colon = text.indexOf(':');
    const found = colon < 0 ? undefined : await this.accounts.verifyBasic(text.slice(0, colon), text.slice(colon + 1));
    if (found?.account.status !== 'active' || found.key?.allow) throw refusal(401, 20003, 'Authenticate');
    return found;
  }
}

/** An error as Twilio's API writes it. */
export const refusal = (status: number, code: number, message: string): HttpException =>
  new HttpException({ code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status }, status);
