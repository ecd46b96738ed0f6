/** Chat members exist as users from their first connection on (API reference 7). */
import type { ParticipantCommands } from '@parley/contracts/commands';
import type { ServiceSid } from '@parley/domain/sid';
import type { Principal } from '@parley/event-store/access-token';
import { LruMap } from '@parley/event-store/lru-map';
import { logger } from '@parley/telemetry/logger';

const log = logger('realtime');

export class Welcome {
  /** Who comes back often is not asked about each time; who was deleted in between is `missing` to those who need him. */
  private readonly known = new LruMap<string, true>(100_000);

  constructor(private readonly participants: Pick<ParticipantCommands, 'ensureUser'>) {}

  /** Nobody is kept outside because this fails. `missing`: whatever is known of him, he is not there. */
  async greet({ account, service, identity, roleSid }: Principal, missing = false): Promise<void> {
    const name = `${service} ${identity}`;
    if (identity === undefined || (!missing && this.known.get(name))) return;
    try {
      await this.participants.ensureUser({ account }, service as ServiceSid, identity, roleSid);
      this.known.set(name, true);
    } catch (error) {
      log.warn('a user could not be made, he comes in without', { account, error });
    }
  }
}
