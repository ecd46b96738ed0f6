/** Who calls the simulator: an account of Parley with its own credentials, as at a real carrier. Accounts are walls. */
import { HttpException } from '@nestjs/common';
import { Accounts, type Account } from '@parley/event-store/accounts';

export class Callers {
  constructor(private readonly accounts: Accounts) {}

  /** Basic authentication, as Twilio's API asks for. Throws 401 with code 20003. */
  async identify(authorization: string | undefined): Promise<Account> {
    const [, encoded = ''] = /^Basic ([\w+/=-]+)$/i.exec(authorization ?? '') ?? [];
    const text = Buffer.from(encoded, 'base64').toString();
    const colon = text.indexOf(':');
    const { account, key } = (colon < 0 ? undefined : await this.accounts.verifyBasic(text.slice(0, colon), text.slice(colon + 1))) ?? {};
    if (account?.status !== 'active' || key?.allow) throw refusal(401, 20003, 'Authenticate');
    return account;
  }
}

/** An error as Twilio's API writes it. */
export const refusal = (status: number, code: number, message: string): HttpException =>
  new HttpException({ code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status }, status);
