/**
 * A DELETE that is sent again with its Idempotency-Key finds nothing any more, perhaps not even by the name it used; its
 * answer is still the first one's.
 */
import { Inject, Injectable } from '@nestjs/common';
import { DomainError } from '@parley/domain/domain-error';
import type { Call } from './call.js';
import { NotFound } from './error-answer.js';
import { prepared, Reads } from './reads.js';

const find = prepared('earlier-command', 'select hash from log.command where account = $1 and key = $2');

@Injectable()
export class Repetitions {
  constructor(@Inject(Reads) private readonly reads: Reads) {}

  /** Runs `work`; when it finds nothing to delete but this very request was done before, that is success. */
  async orRun({ caller }: Call, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const gone = error instanceof NotFound || (error instanceof DomainError && error.code.endsWith('_not_found'));
      if (caller.key === undefined || !gone) throw error;
      const [before] = await this.reads.query<{ hash: string }>(find(caller.account, caller.key));
      if (!before) throw error;
      if (before.hash !== caller.hash) throw new DomainError('idempotency_key_reused');
    }
  }
}
