/** Chat members exist as users from their first connection on (API reference 7). */
import type { ParticipantCommands } from '@parley/contracts/commands';
import type { ServiceSid } from '@parley/domain/sid';
import { AuthenticationError, type Principal } from '@parley/event-store/access-token';
import { LruMap } from '@parley/event-store/lru-map';
import { logger } from '@parley/telemetry/logger';

const log = logger('realtime');

export class Welcome {
  /** Who comes back often is not asked about each time; who was deleted in between is `missing` to those who need him. */
  private readonly known = new LruMap<string, true>(100_000);

  constructor(private readonly participants: Pick<ParticipantCommands, 'ensureUser'>) {}

  /**
   * Nobody is kept outside because this fails; who names a chat service that his account does not have is (51102, AuthenticationError).
   * `missing`: he is in, and whatever is known of him, he is not there.
   */
  async greet({ account, service, identity, roleSid }: Principal, missing = false): Promise<void> {
    const name = `${account} ${service} ${identity}`;
    if (identity === undefined || (!missing && this.known.get(name))) return;
    try {
      const found = await this.participants.ensureUser({ account }, service as ServiceSid, identity, roleSid);
      if (found === false && !missing) throw new AuthenticationError(51102);
      this.known.set(name, true);
    } catch (error) {
      if (error instanceof AuthenticationError) throw error;
      log.warn('a user could not be made, he comes in without', { account, error });
    }
  }
}
