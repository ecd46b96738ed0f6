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
import { setTimeout as pause } from 'node:timers/promises';
import type { Call } from './call.js';

/** In place of an answer, which is never null. */
const AT_WORK = 'null';
/** How long who comes again waits for the first; then its process is taken for gone. */
const PATIENCE_MILLIS = 5000;
const store = "insert into log.command as c (account, key, hash, result, at, expires_at) values ($1, $2, $3, $4, now(), now() + interval '24 hours') on conflict";

@Injectable()
export class Once {
  constructor(@Inject(POOL) private readonly pool: Pool) {}

  /** Throws DomainError `idempotency_key_reused` when the key was used for another request, done or at work. */
  async run({ caller }: Call, work: () => Promise<string>): Promise<string> {
    const { account, key, hash = '' } = caller;
    if (key === undefined) return work();
    const mine = [account, key, hash];
    const { rowCount: taken } = await this.pool.query(`${store} do nothing`, [...mine, AT_WORK]);
    const before = taken === 1 ? undefined : await this.answered(account, key, hash);
    if (before !== undefined) return JSON.parse(before) as string;
    try {
      const answer = await work();
      // Not only an update: who had the key at first may have been refused.
      await this.pool.query(`${store} (account, key) do update set result = excluded.result where c.hash = excluded.hash`, [...mine, JSON.stringify(answer)]);
      return answer;
    } catch (error) {
      // Refused: the key did nothing. Where this fails too, it stays this request's.
      if (taken === 1) await this.pool.query('delete from log.command where account = $1 and key = $2 and hash = $3 and result = $4', [...mine, AT_WORK]).catch(() => {});
      throw error;
    }
  }

  /** Waits for the same request that is at work; undefined: it was refused, or its process is gone. */
  private async answered(account: string, key: string, hash: string): Promise<string | undefined> {
    const until = performance.now() + PATIENCE_MILLIS;
    for (;;) {
      const { rows: [before] } = await this.pool.query<{ hash: string; result: string }>('select hash, result from log.command where account = $1 and key = $2', [account, key]);
      if (before && before.hash !== hash) throw new DomainError('idempotency_key_reused');
      if (before?.result !== AT_WORK) return before?.result;
      if (performance.now() > until) return undefined;
      await pause(25);
    }
  }

  /** For something new. */
  sid<P extends SidPrefix>({ account, caller }: Call, prefix: P): Sid<P> {
    return caller.key === undefined ? newSid(prefix) : derivedSid(prefix, account.sid, caller.key);
  }
}
