/**
 * What every request to `/v1` passes before its controller: headers, authentication, rate limit, content type. Plain
 * Fastify hooks on those routes only: this is the hot path, and other services share the server in one process.
 */
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiError, notBuilt } from '@parley/contracts/error-catalogue';
import { findAccountPath, isAccountRoute } from '@parley/contracts/rest/account-operations';
import { findApiPath } from '@parley/contracts/rest/operations';
import { isAllowed, permissionOf } from '@parley/contracts/rest/key-permissions';
import { isStorable } from '@parley/contracts/rest/parameters';
import type { Caller } from '@parley/contracts/commands';
import { isIdentity } from '@parley/domain/identity';
import { isSid, newSid } from '@parley/domain/sid';
import type { Account, ApiKey } from '@parley/event-store/accounts';
import { BODY_BYTES_MAX, type Fastify } from '@parley/runtime/bootstrap';
import { parseTraceparent } from '@parley/telemetry/trace-context';
import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify';
import { Authentication, type Authenticated } from './authentication.js';
import type { ApiRequest, Call, Member } from './call.js';
import type { GatewayConfig } from './config.js';
import { developmentTokens } from './development-tokens.js';
import { answerError, apiError, ApiErrorFilter, NotFound, resourcePath } from './error-answer.js';
import { GoneServices } from './gone-services.js';
import { MemberPermissions } from './member-permissions.js';
import { mediaRoutes } from './media-routes.js';
import { RateLimit } from './rate-limit.js';
import { referenceRoutes } from './reference.js';
import { identify } from './repeated-request.js';
import { GATEWAY_CONFIG } from './tokens.js';

/** The websocket of the same host answers for itself. */
const notOurs = '/v1/stream';
const everythingElse = ['/v1/*', '/2010-04-01/*'];
const everyMethod = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'];
const answerHeaders = {
  'Content-Type': 'application/json; charset=utf-8',
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, POST, DELETE, OPTIONS',
  'Access-Control-Allow-Headers':
    'Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-Modified-Since, traceparent, X-Twilio-Token, X-Twilio-Webhook-Enabled',
  'Access-Control-Allow-Credentials': 'true',
  'Access-Control-Expose-Headers': 'Retry-After, Twilio-Request-Duration, Twilio-Request-Id',
};
/** What the body of a route is, where it is no form (`config.body`): JSON, or a file that the route reads itself. */
type BodyKind = { body?: 'json' | 'file' };
const jsonType = /^application\/json *(;|$)/i;
const formType = /^application\/x-www-form-urlencoded *(;|$)/i;
const printable = /^[\x20-\x7e]{1,255}$/;

export function configureGateway(fastify: Fastify, app: NestFastifyApplication): void {
  const config = app.get<GatewayConfig>(GATEWAY_CONFIG);
  const authentication = app.get(Authentication);
  const rateLimit = app.get(RateLimit);
  const members = app.get(MemberPermissions);
  const gone = app.get(GoneServices);
  const root = `${config.publicUrl}/v1`;

  app.useGlobalFilters(new ApiErrorFilter(app.getHttpAdapter()));
  fastify.decorateRequest('call', null);
  fastify.addHook('onRoute', (route) => {
    if (!/^\/(v1|2010-04-01)\//.test(route.url) || route.url.startsWith(notOurs)) return;
    route.onRequest = [admit, ...(everythingElse.includes(route.url) ? [unrouted] : isAccountRoute(route.url) ? [withToken, prepare] : [withPermission, prepare])];
    route.preHandler = permit;
    route.onSend = measure;
  });
  for (const url of everythingElse) fastify.route({ method: everyMethod, url, handler: () => {} }); // answered by its hook, before a body
  mediaRoutes(fastify, app);
  referenceRoutes(fastify);
  developmentTokens(fastify, app);
  fastify.addHook('onClose', (_instance, done) => {
    rateLimit.stop();
    done();
  });

  function admit(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    reply.headers(answerHeaders).header('Twilio-Request-Id', newSid('RQ'));
    if (request.method === 'OPTIONS') return void reply.code(204).removeHeader('Content-Type').send();
    const { 'x-twilio-token': token, authorization = typeof token === 'string' ? `Bearer ${token}` : undefined } = request.headers;
    const known = authentication.known(authorization);
    if (known) return enter(known);
    authentication.verify(authorization).then(enter, (error: unknown) => answerError(reply, apiError(error, request)));

    function enter({ account, key, ...as }: Authenticated): void {
      const wait = rateLimit.take(account.sid);
      if (wait > 0) return void answerError(reply, new ApiError(20429), wait);
      const member = as.member ?? actsAs(request);
      if (member === null) return void answerError(reply, new ApiError(20001, 'X-Parley-Acts-As'));
      const call = callOf(request, account, key, member);
      if (call.ofService && (!isSid(call.service, 'IS') || gone.has(call.service))) return void answerError(reply, apiError(new NotFound(), request));
      (request as ApiRequest).call = call;
      done();
    }
  }

  function permit(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    // Forms are checked as they are decoded (form.ts).
    if (typeof request.body === 'object' && !isStorable(request.body)) return void answerError(reply, new ApiError(20001, 'body'));
    identify(request as ApiRequest);
    const { member } = (request as ApiRequest).call;
    if (member === undefined) return done();
    const granted = () => done();
    members.check(request as ApiRequest, member).then(granted, (error: unknown) => answerError(reply, apiError(error, request)));
  }

  function callOf(request: FastifyRequest, account: Account, key: ApiKey | undefined, member: Member | undefined): Call {
    const { ChatServiceSid } = request.params as { ChatServiceSid?: string };
    const ofService = ChatServiceSid !== undefined;
    return {
      account, key, member, ofService, caller: callerOf(account, member), service: ChatServiceSid ?? account.defaultChatServiceSid,
      base: ofService ? `${root}/Services/${ChatServiceSid}` : root,
    };
  }
}

/**
 * Who has the account's credentials may ask for less than they allow: what one user of a service may, in his name. The header is the
 * service's SID, a slash and the identity, percent-encoded. null: it is none of that.
 */
function actsAs({ headers }: FastifyRequest): Member | undefined | null {
  const header = headers['x-parley-acts-as'];
  if (header === undefined) return undefined;
  const [service = '', encoded, ...more] = String(header).split('/');
  try {
    const identity = decodeURIComponent(encoded ?? '');
    return isSid(service, 'IS') && isIdentity(identity) && more.length === 0 ? { service, identity } : null;
  } catch {
    return null;
  }
}

/** A restricted key may do what its policy lists; everybody else everything. */
function withPermission(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
  const allow = (request as ApiRequest).call.key?.allow;
  if (allow === undefined) return done();
  const { url = '' } = request.routeOptions;
  const name = `${request.method === 'HEAD' ? 'GET' : request.method} ${url}`;
  let permission = permissionOfRoute.get(name);
  if (permission === undefined) permissionOfRoute.set(name, (permission = permissionOf(name.split(' ', 1)[0]!, url)));
  if (isAllowed(allow, permission)) return done();
  answerError(reply, new ApiError(70051, permission.slice(1)));
}
const permissionOfRoute = new Map<string, string>();

/** Accounts, keys and tokens are the business of who has the auth token: no API key manages them. */
function withToken(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
  if ((request as ApiRequest).call.key === undefined) return done();
  answerError(reply, new ApiError(20003));
}

/** Before the body is read. */
function prepare(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
  if (request.method === 'GET' || request.method === 'HEAD') return done();
  try {
    checkBody(request);
    readHeaders(request, (request as ApiRequest).call.caller);
  } catch (error) {
    return void answerError(reply, apiError(error, request));
  }
  done();
}

/** Its size, and that it is a form. */
function checkBody({ method, headers, routeOptions }: FastifyRequest): void {
  const { body } = routeOptions.config as BodyKind;
  if (body === 'file') return;
  const type = headers['content-type'];
  // Answered before Fastify reads it: Node then takes the rest off the wire, so that the client sees the answer.
  if (Number(headers['content-length']) > BODY_BYTES_MAX) throw new ApiError(20413);
  const empty = (headers['content-length'] ?? '0') === '0' && headers['transfer-encoding'] === undefined;
  if (type === undefined ? !empty : !(body === 'json' ? jsonType : formType).test(type)) {
    if (method !== 'DELETE' || !empty) throw new ApiError(19056);
    delete headers['content-type']; // some clients always name one
  }
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') throw new ApiError(19056);
}

/** The only operations that cause webhooks and do not declare the header (API reference 2.2). */
const userConversations = /\/Users\/[^/]+\/Conversations/;

function readHeaders({ headers, url }: FastifyRequest, caller: Caller): void {
  const key = headers['idempotency-key'];
  if (key !== undefined) {
    if (typeof key !== 'string' || !printable.test(key)) throw new ApiError(20001, 'Idempotency-Key');
    caller.key = `http:${key}`; // carriers' keys have prefixes of their own
  }
  const hooks = headers['x-twilio-webhook-enabled'];
  if (typeof hooks === 'string' && hooks.toLowerCase() === 'true' && !userConversations.test(url)) caller.webhook ??= { source: 'API' };
  const cause = headers.traceparent;
  if (typeof cause === 'string' && parseTraceparent(cause)) caller.cause = cause;
}

/** What a user does, webhooks are always told of. */
const callerOf = ({ sid: account }: Account, member: Member | undefined): Caller =>
  (member === undefined ? { account } : { account, webhook: { source: 'SDK', identity: member.identity } });

/** In seconds. */
function measure(_request: FastifyRequest, reply: FastifyReply, _payload: unknown, done: HookHandlerDoneFunction): void {
  reply.header('Twilio-Request-Duration', (reply.elapsedTime / 1000).toFixed(3));
  done();
}

/** A path of `/v1` that no controller has, or not with this verb. */
function unrouted(request: FastifyRequest, reply: FastifyReply): void {
  const where = resourcePath(request);
  const path = findApiPath(`/v1${where}`) ?? findAccountPath(where);
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  // A path we do have, but that no route took: over-long, or with something after its end.
  if (!path || (path.built as string[]).includes(method)) return void answerError(reply, apiError(new NotFound(), request));
  if ((path.verbs as string[]).includes(method)) return void answerError(reply, notBuilt(path.resource));
  answerError(reply.header('Allow', path.verbs.join(', ')), new ApiError(20004));
}
