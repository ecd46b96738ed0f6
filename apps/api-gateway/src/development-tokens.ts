/**
 * `GET /development/token?identity=…&password=…`: an access token as plain text, for pages that have no backend yet. It is what
 * the original's demo application asks its backend for (client SDK facts, section 18). Off unless the installation has a password for
 * it: whoever knows that is any user of the first account.
 */
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { isIdentity } from '@parley/domain/identity';
import { isSid } from '@parley/domain/sid';
import type { Pool } from '@parley/event-store/database';
import { newAccessToken, TokenRefusal, type TokenOrder } from '@parley/event-store/new-access-token';
import { SecretBox } from '@parley/event-store/secret-box';
import type { Fastify } from '@parley/runtime/bootstrap';
import { POOL } from '@parley/runtime/parts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { GatewayConfig } from './config.js';
import { answerError, apiError } from './error-answer.js';
import { GATEWAY_CONFIG } from './tokens.js';

const LIFETIME_SECONDS = 3_600;
const known = new Set(['identity', 'password', 'service_sid', 'push_credential_sid']);

export function developmentTokens(fastify: Fastify, app: NestFastifyApplication): void {
  const { developmentTokenPassword: password } = app.get<GatewayConfig>(GATEWAY_CONFIG);
  if (password === undefined) return; // 404, as any path that is none
  const pool = app.get<Pool>(POOL);
  const box = app.get(SecretBox);

  fastify.get('/development/token', async (request: FastifyRequest, reply: FastifyReply) => {
    // Any page may ask: it has to know the password.
    reply.headers({ 'Content-Type': 'text/plain; charset=utf-8', 'Access-Control-Allow-Origin': '*', 'Cache-Control': 'no-store' });
    const query = request.query as Record<string, string | string[] | undefined>;
    if (!isSame(query['password'], password)) return reply.code(401).send('The password is not the one of this installation (tokenPassword in run.json)');
    const order = orderOf(query);
    if (typeof order === 'string') return reply.code(400).send(order);
    try {
      return reply.send((await newAccessToken(pool, box, order)).token);
    } catch (error) {
      if (!(error instanceof TokenRefusal)) return answerError(reply, apiError(error, request));
      return reply.code(400).send(`No token: ${error.message}`);
    }
  });
}

/** What is wrong with it, otherwise. */
function orderOf(query: Record<string, string | string[] | undefined>): TokenOrder | string {
  const unknown = Object.keys(query).find((name) => !known.has(name));
  if (unknown !== undefined) return `Unknown parameter ${unknown}: there are ${[...known].join(', ')}`;
  const { identity, service_sid: service, push_credential_sid: pushCredential } = query;
  if (typeof identity !== 'string' || !isIdentity(identity)) return 'identity is missing, or cannot be one: 1 to 256 characters, not "system", nothing like a user\'s SID';
  if (service !== undefined && (typeof service !== 'string' || !isSid(service, 'IS'))) return 'service_sid is no SID of a service: IS and 32 hex digits';
  if (pushCredential !== undefined && (typeof pushCredential !== 'string' || !isSid(pushCredential, 'CR'))) return 'push_credential_sid is no SID of a credential: CR and 32 hex digits';
  return { identity, service, pushCredential, seconds: LIFETIME_SECONDS };
}

/** In constant time, whatever their lengths. */
function isSame(given: string | string[] | undefined, password: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return typeof given === 'string' && timingSafeEqual(digest(given), digest(password));
}
