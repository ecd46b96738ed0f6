/** Requests that another process of ours answers, as they came and under the same path. */
import proxy from '@fastify/http-proxy';
import { ApiError } from '@parley/contracts/error-catalogue';
import type { Fastify } from '@parley/runtime/bootstrap';
import { logger } from '@parley/telemetry/logger';
import { answerError } from './error-answer.js';

const log = logger('pass-on');

/** Bodies go on as they came: signatures are over them. Answered 503 while the process is away: whoever asks comes again. */
export async function passOn(fastify: Fastify, prefix: string, upstream: string | undefined): Promise<void> {
  if (!upstream) return;
  await fastify.register(async (scope) => {
    scope.removeAllContentTypeParsers(); // also texts, which have a parser and a bound of their own
    await scope.register(proxy, { upstream, prefix, rewritePrefix: prefix, replyOptions: {
      onError(reply, { error }) {
        log.warn('cannot be reached', { prefix, error });
        answerError(reply as unknown as Parameters<typeof answerError>[0], new ApiError(20503));
      },
    } });
  });
}
