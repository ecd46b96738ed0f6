/**
 * A DELETE that is sent again with its Idempotency-Key finds nothing any more, perhaps not even by the name it used; its
 * answer is still the first one's. So does an update that gave the conversation another name than the one it used.
 */
import { Inject, Injectable } from '@nestjs/common';
import { DomainError } from '@parley/domain/domain-error';
import type { ConversationSid } from '@parley/domain/sid';
import type { Call } from './call.js';
import { NotFound } from './error-answer.js';
import { prepared, Reads } from './reads.js';

const find = prepared('earlier-command', 'select hash, result from log.command where account = $1 and key = $2');

@Injectable()
export class Repetitions {
  constructor(@Inject(Reads) private readonly reads: Reads) {}

  /** Runs `work`; when it finds nothing to delete but this very request was done before, that is success. */
  async orRun(call: Call, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      await this.before(call, error);
    }
  }

  /** Finds a conversation; when there is none, the one that this very request changed before. */
  async orFind(call: Call, find: () => Promise<ConversationSid>): Promise<ConversationSid> {
    try {
      return await find();
    } catch (error) {
      const result = JSON.parse(await this.before(call, error)) as { conversationSid?: ConversationSid } | null;
      if (!result?.conversationSid) throw error;
      return result.conversationSid;
    }
  }

  /** What this request did before; throws `error` when it was not that something is gone, or nothing was done. */
  private async before({ caller }: Call, error: unknown): Promise<string> {
    const gone = error instanceof NotFound || (error instanceof DomainError && error.code.endsWith('_not_found'));
    if (caller.key === undefined || !gone) throw error;
    const [before] = await this.reads.query<{ hash: string; result: string }>(find(caller.account, caller.key));
    if (!before) throw error;
    if (before.hash !== caller.hash) throw new DomainError('idempotency_key_reused');
    return before.result;
  }
}
