/**
 * Whatever went wrong becomes one of the API's errors: refusals with their documented code, the client's mistakes 4xx, a
 * database that is away 503. Only what nobody foresaw is a 500, logged here and told without a word about our inside.
 */
import { Catch, HttpException, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { ApiError, apiErrorOf } from '@parley/contracts/error-catalogue';
import { DomainError } from '@parley/domain/domain-error';
import { isConnectionError } from '@parley/event-store/database';
import { logger } from '@parley/telemetry/logger';
import type { FastifyReply, FastifyRequest } from 'fastify';

const log = logger('api-gateway');
const RETRY_SECONDS = 1;

/** Nothing of this account is there under the requested path: unknown, somebody else's, or deleted. */
export class NotFound extends Error {
  override name = 'NotFound';
}

/** The requested path without `/v1` and query, as the 404 message shows it. */
export function resourcePath({ url }: Pick<FastifyRequest, 'url'>): string {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  return path.startsWith('/v1/') ? path.slice(3) : path;
}

export function apiError(error: unknown, request: Pick<FastifyRequest, 'url'>): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof DomainError) return apiErrorOf(error, resourcePath(request));
  if (error instanceof NotFound) return new ApiError(20404, resourcePath(request));
  if (isConnectionError(error) || isOverload(error)) return new ApiError(20503);
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  const status = error instanceof HttpException ? error.getStatus() : statusCode;
  if (status === 404 || code === 'FST_ERR_MAX_PARAM_LENGTH' || status === 414) return new ApiError(20404, resourcePath(request));
  if (status === 413) return new ApiError(20413);
  if (status === 415) return new ApiError(19056);
  if (typeof status === 'number' && status >= 400 && status < 500) return new ApiError(20001, 'request');
  // Class 22: a value the database cannot take. It came from the client, whatever let it through.
  if (typeof code === 'string' && /^22...$/.test(code)) {
    log.warn('a value only the database refused', { error });
    return new ApiError(20001, 'request');
  }
  log.error('request failed', { error });
  return new ApiError(20500);
}

/** Too many connections, cancelled, timed out: try again. */
function isOverload(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return code === '53300' || code === '57014' || message === 'Query read timeout';
}

const isAboutToken = ({ code }: ApiError) => (code > 20100 && code < 20200) || (code > 51000 && code < 52000);

export function answerError(reply: FastifyReply, error: ApiError, retrySeconds = RETRY_SECONDS): FastifyReply {
  if (error.status === 401) reply.header('WWW-Authenticate', `${isAboutToken(error) ? 'Bearer' : 'Basic'} realm="Parley API"`);
  if (error.code === 20429 || error.code === 20503) reply.header('Retry-After', retrySeconds);
  return reply.code(error.status).header('Content-Type', 'application/json; charset=utf-8').send(JSON.stringify(error));
}

/** Errors of our controllers, of Fastify itself and unknown paths; other services of the same process keep their own. */
@Catch()
export class ApiErrorFilter extends BaseExceptionFilter {
  override catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    // oxlint-disable-next-line promise/valid-params -- Nest's filter, not a promise
    if (!/^\/(v1|2010-04-01)\b/.test(request.url) && !request.is404) return super.catch(error, host);
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (!reply.sent) answerError(reply, apiError(error, request));
  }
}
