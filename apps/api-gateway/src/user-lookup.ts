/** The user a path segment means: `US…` or an identity, of the call's account and service. */
import { Inject, Injectable } from '@nestjs/common';
import { isSid } from '@parley/domain/sid';
import type { Call } from './call.js';
import { mustBeText } from './conversation-lookup.js';
import { NotFound } from './error-answer.js';
import { Reads } from './reads.js';
import { userBy, type Reachable, type UserRow } from './users.sql.js';

@Injectable()
export class UserLookup {
  constructor(@Inject(Reads) private readonly reads: Reads) {}

  /** Throws NotFound. */
  async find({ account, service }: Call, user: string): Promise<UserRow & Reachable> {
    const query = userBy(isSid(user, 'US') ? 'sid' : 'identity')(account.sid, service, mustBeText(user));
    const [row] = await this.reads.query<UserRow & Reachable>(query);
    if (!row) throw new NotFound();
    return row;
  }
}
