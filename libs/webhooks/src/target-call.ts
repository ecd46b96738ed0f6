/**
 * One call of a webhook's target: form or query, signed over the URL as it is requested (API reference 4.3 and 4.7), one limit
 * of time for all of it, no redirect followed, and no connection into a private network unless the installation allows them.
 */
import { twilioSignature } from '@parley/channel/signatures';
import type { Parameters } from './event-parameters.js';
import { HttpExchange, type HttpAnswer, type HttpRequest } from './http-exchange.js';
import { isPrivateTarget, leadsInside, publicLookup } from './target-address.js';

export type TargetCall = { url: string; method: string; parameters: Parameters; authToken: string; headers?: Record<string, string> };
export type TargetAnswer = Pick<HttpAnswer, 'status' | 'body'>;
/** `timeout`: it was connected to, or being connected to, when time was up. `private`: refused by us. `unreachable`: the rest. */
export class TargetError extends Error {
  override name = 'TargetError';
  constructor(readonly reason: 'timeout' | 'private' | 'unreachable' | 'aborted', cause?: unknown) {
    super(`webhook target: ${reason}`, { cause });
  }
}

export type TargetOptions = {
  privateAllowed: boolean;
  /** API reference 4.5: 5 seconds. */
  timeoutMillis?: number;
  signal?: AbortSignal;
};

const TIMEOUT_MILLIS = 5_000;
/** Kept for less than the five seconds after which many servers close a connection nobody uses. */
const kept = { idleMillis: 3_000, maxFree: 64 };
const anyTarget = new HttpExchange(kept);
const publicTarget = new HttpExchange({ ...kept, lookup: publicLookup });

/** What is requested and signed: the URL as configured, without what never travels; of a GET, with the parameters. */
export function requestedUrl({ url: configured, method, parameters }: Pick<TargetCall, 'url' | 'method' | 'parameters'>): URL {
  const url = new URL(configured);
  url.hash = url.username = url.password = '';
  if (method.toUpperCase() === 'GET') url.search += `${url.search ? '&' : '?'}${new URLSearchParams(parameters)}`;
  return url;
}

export const signatureOf = (call: TargetCall): string =>
  twilioSignature(call.authToken, requestedUrl(call).href, new URLSearchParams(call.method.toUpperCase() === 'GET' ? {} : call.parameters));

/** Resolves with whatever the target answered; throws TargetError when it did not. */
export async function callTarget(call: TargetCall, { privateAllowed, timeoutMillis = TIMEOUT_MILLIS, signal }: TargetOptions): Promise<TargetAnswer> {
  if (!privateAllowed && isPrivateTarget(call.url)) throw new TargetError('private');
  const limit = AbortSignal.timeout(timeoutMillis);
  const ending = signal ? AbortSignal.any([limit, signal]) : limit;
  try {
    return await (privateAllowed ? anyTarget : publicTarget).ask(requestedUrl(call), { ...requestOf(call), signal: ending });
  } catch (error) {
    if (limit.aborted) throw new TargetError('timeout', error);
    if (ending.aborted) throw new TargetError('aborted', error);
    throw new TargetError(leadsInside(error) ? 'private' : 'unreachable', error);
  }
}

function requestOf(call: TargetCall): Pick<HttpRequest, 'method' | 'headers' | 'auth' | 'body'> {
  const { username, password } = new URL(call.url);
  const auth = username ? `${decodeURIComponent(username)}:${decodeURIComponent(password)}` : undefined;
  const headers = { 'User-Agent': 'TwilioProxy/1.1', Accept: '*/*', 'X-Twilio-Signature': signatureOf(call), ...call.headers };
  if (call.method.toUpperCase() === 'GET') return { method: 'GET', headers, auth };
  const type = { 'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8' };
  return { method: 'POST', headers: { ...headers, ...type }, auth, body: new URLSearchParams(call.parameters).toString() };
}
