/**
 * One call of a webhook's target: form or query, signed over the URL as it is requested (API reference 4.3 and 4.7), one limit
 * of time for all of it, no redirect followed, and no connection into a private network unless the installation allows them.
 */
import { twilioSignature } from '@parley/channel/signatures';
import http from 'node:http';
import https from 'node:https';
import type { Parameters } from './event-parameters.js';
import { isPrivateTarget, leadsInside, publicLookup } from './target-address.js';

export type TargetCall = { url: string; method: string; parameters: Parameters; authToken: string; headers?: Record<string, string> };
export type TargetAnswer = { status: number; body: string };
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

/** What more an answer holds is not read. */
const ANSWER_BYTES_MAX = 64 * 1024;
const TIMEOUT_MILLIS = 5_000;
/** Shorter than the five seconds after which many servers close a connection nobody uses. */
const idle = { keepAlive: true, timeout: 3_000, maxFreeSockets: 64 };
/** A connection that was kept from an earlier call was closed at the other end just then: nobody read this one. */
class ClosedMeanwhile extends Error {}

const agents = { 'http:': new http.Agent(idle), 'https:': new https.Agent(idle) };

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
    return await exchange(call, ending, privateAllowed).catch((error: unknown) => {
      if (!(error instanceof ClosedMeanwhile)) throw error;
      return exchange(call, ending, privateAllowed, false);
    });
  } catch (error) {
    if (limit.aborted) throw new TargetError('timeout', error);
    if (ending.aborted) throw new TargetError('aborted', error);
    throw new TargetError(leadsInside(error) ? 'private' : 'unreachable', error);
  }
}

function exchange(call: TargetCall, signal: AbortSignal, privateAllowed: boolean, mayReuse = true): Promise<TargetAnswer> {
  const url = requestedUrl(call);
  const get = call.method.toUpperCase() === 'GET';
  const { username, password } = new URL(call.url);
  const form = new URLSearchParams(call.parameters).toString();
  const secure = url.protocol === 'https:';
  return new Promise((resolve, reject) => {
    const request = (secure ? https : http).request(url, {
      method: get ? 'GET' : 'POST', signal, agent: mayReuse && agents[secure ? 'https:' : 'http:'],
      ...(!privateAllowed && { lookup: publicLookup }),
      ...(username && { auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` }),
      headers: {
        'User-Agent': 'TwilioProxy/1.1', Accept: '*/*', 'X-Twilio-Signature': signatureOf(call), ...call.headers,
        ...(!get && { 'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8', 'Content-Length': Buffer.byteLength(form) }),
      },
    });
    let answered = false;
    request.on('error', (error: NodeJS.ErrnoException) =>
      reject(mayReuse && request.reusedSocket && !answered && error.code === 'ECONNRESET' ? new ClosedMeanwhile() : error));
    // Also what is no answer (101) ends a request, and then neither an error nor time tells.
    request.on('close', () => { if (!answered) reject(new Error('no answer')); });
    request.on('response', (answer) => {
      answered = true;
      const parts: Buffer[] = [];
      let size = 0;
      const done = () => resolve({ status: answer.statusCode!, body: Buffer.concat(parts).toString('utf8') });
      answer.on('error', reject).on('end', done).on('data', (part: Buffer) => {
        parts.push(part);
        if ((size += part.length) <= ANSWER_BYTES_MAX) return;
        done();
        answer.destroy();
      });
    });
    request.end(get ? undefined : form);
  });
}
