/**
 * Idempotency-Key for what is no fact of the log: the answer of the first time is kept for a day. A creation also takes its
 * SID from the key, so that one whose answer got lost on the way here meets itself.
 */
import { Inject, Injectable } from '@nestjs/common';
import { DomainError } from '@parley/domain/domain-error';
import { newSid, type Sid, type SidPrefix } from '@parley/domain/sid';
import { derivedSid } from '@parley/event-store/derived-sid';
import type { Pool } from '@parley/event-store/database';
import { POOL } from '@parley/runtime/parts';
import type { Call } from './call.js';

@Injectable()
export class Once {
  constructor(@Inject(POOL) private readonly pool: Pool) {}

  /** Throws DomainError `idempotency_key_reused` when the key was used for another request. */
  async run({ caller }: Call, work: () => Promise<string>): Promise<string> {
    const { account, key, hash = '' } = caller;
    if (key === undefined) return work();
    const { rows: [before] } = await this.pool.query<{ hash: string; result: string }>('select hash, result from log.command where account = $1 and key = $2', [account, key]);
    if (before && before.hash !== hash) throw new DomainError('idempotency_key_reused');
    if (before) return JSON.parse(before.result) as string;
    const answer = await work();
    await this.pool.query(
      `insert into log.command (account, key, hash, result, at, expires_at) values ($1, $2, $3, $4, now(), now() + interval '24 hours') on conflict do nothing`,
      [account, key, hash, JSON.stringify(answer)],
    );
    return answer;
  }

  /** For something new. */
  sid<P extends SidPrefix>({ account, caller }: Call, prefix: P): Sid<P> {
    return caller.key === undefined ? newSid(prefix) : derivedSid(prefix, account.sid, caller.key);
  }
}
