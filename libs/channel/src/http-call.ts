/**
 * One call of a carrier's HTTP API, and what its failure means for the message: certainly not there (never connected, refused),
 * or perhaps there (no answer, an answer cut short, trouble inside the carrier). Adapters only read the answer and the codes.
 */
import type { LookupFunction } from 'node:net';
import { Agent } from 'undici';
import { carrierFaults, type CarrierFault, type CarrierFaultName } from './carrier-errors.js';
import { SendError } from './send-error.js';
import { reasonOf } from './twilio/errors.js';

export type HttpCall = {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  headers?: Readonly<Record<string, string>>;
  /** Sent as application/json. */
  json?: unknown;
  body?: string | URLSearchParams | FormData | Uint8Array<ArrayBuffer>;
  signal: AbortSignal;
  /** As CarrierConnection has it: nobody calls a carrier without having thought of it. */
  lookup: LookupFunction | undefined;
};
export type HttpAnswer = { status: number; ok: boolean; headers: Headers; text: string };

/** Errors of fetch before a single byte of the request left: nobody can have got it. */
const neverConnected = new Set([
  'EPRIVATE', 'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'ERR_TLS_CERT_ALTNAME_INVALID',
]);
const ANSWER_BYTES_MAX = 1_048_576;
/** A carrier that asks for more is asked again all the same. */
const RETRY_AFTER_MILLIS_MAX = 3_600_000;

/** Forms become bytes: fetch makes a stream of them, and one that is given up at its very end throws where nobody can catch it. */
async function encoded(body: HttpCall['body']): Promise<{ body: Exclude<HttpCall['body'], FormData>; type?: string }> {
  if (!(body instanceof FormData)) return { body };
  const form = new Response(body);
  return { body: new Uint8Array(await form.arrayBuffer()), type: form.headers.get('content-type')! };
}

/** Any answer resolves, redirects too, which are not followed. Throws SendError when there is none, or no end of it. */
export async function callCarrier(url: string, { json, signal, method, lookup, ...given }: HttpCall): Promise<HttpAnswer> {
  const { body, type } = json === undefined ? await encoded(given.body) : { body: JSON.stringify(json), type: 'application/json' };
  const headers = { accept: 'application/json', ...(type !== undefined && { 'content-type': type }), ...given.headers };
  const response = await fetch(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'), headers, signal, redirect: 'manual', ...(body !== undefined && { body }), ...(lookup && { dispatcher: agentOf(lookup) }),
  }).catch((error: unknown) => {
    throw neverConnected.has(codeOf(error)) ? new SendError('unreachable', 'retryable', { cause: error }) : noAnswer(error);
  });
  const text = await read(response).catch((error: unknown) => {
    // What a refusal says beyond its status is not worth asking for.
    if (response.ok) throw noAnswer(error);
    return '';
  });
  return { status: response.status, ok: response.ok, headers: response.headers, text };
}

const agents = new WeakMap<LookupFunction, Agent>();

/** With connections of its own: none is used that somebody else was allowed to open. */
function agentOf(lookup: LookupFunction): NonNullable<RequestInit['dispatcher']> {
  let agent = agents.get(lookup);
  if (!agent) agents.set(lookup, (agent = new Agent({ connect: { lookup } })));
  // Node's fetch takes it; only the types were published apart.
  return agent as unknown as NonNullable<RequestInit['dispatcher']>;
}

/** The answer's object; `{}` for anything else. */
export function jsonOf({ text }: { text: string }): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : {};
  } catch {
    return {};
  }
}

/** The carrier may have it. */
export const noAnswer = (cause: unknown): SendError => new SendError('no_answer', 'ambiguous', { cause });

/**
 * What an answer outside 2xx means. `fault`: what the carrier's own code in it says, if it was understood; the status decides
 * otherwise. Wrong credentials and unpaid accounts are the operator's to mend: the message waits for that. `said`: the carrier's
 * own code, or its words where it has none; kept with the attempt, behind the status.
 */
export function refusalOf({ status, headers }: Pick<HttpAnswer, 'status' | 'headers'>, fault?: CarrierFaultName | CarrierFault, said?: { code?: string | undefined; words?: unknown }): SendError {
  const carrierCode = carrierCodeOf(status, said);
  if (status >= 500 || status === 408) return new SendError('no_answer', 'ambiguous', { carrierCode, ...retryAfter(headers) });
  if (status < 400) return new SendError('unreachable', 'retryable', { carrierCode, cause: new Error(`answered ${status}`) });
  const named = fault ?? byStatus[status] ?? 'unknown';
  const { errorCode, retryable } = typeof named === 'string' ? carrierFaults[named] : named;
  const code = status === 429 ? 'rate_limited' : reasonOf(errorCode);
  return new SendError(code, retryable || status === 429 || status === 401 ? 'retryable' : 'permanent', { errorCode, carrierCode, ...retryAfter(headers) });
}

const CARRIER_CODE_CHARS_MAX = 200;

function carrierCodeOf(status: number, { code, words }: { code?: string | undefined; words?: unknown } = {}): string {
  if (code !== undefined) return code;
  const text = typeof words === 'string' ? words.replaceAll('\0', '').replace(/\s+/g, ' ').trim() : '';
  return `HTTP ${status}${text === '' ? '' : `: ${text}`}`.slice(0, CARRIER_CODE_CHARS_MAX).toWellFormed();
}

const byStatus: Readonly<Record<number, CarrierFaultName>> = { 401: 'authentication', 429: 'rate_limited', 402: 'account_suspended', 413: 'media_too_large' };

/** The pause the carrier asks for, in seconds or as a date. */
export function retryAfter(headers: Headers): { retryAfterMillis?: number } {
  const header = headers.get('retry-after');
  if (header === null) return {};
  const millis = /^\d+(\.\d+)?$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return millis > 0 ? { retryAfterMillis: Math.min(millis, RETRY_AFTER_MILLIS_MAX) } : {};
}

export const basicAuthorization = (user: string, password: string): string => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const codeOf = (error: unknown): string => (error as { cause?: { code?: string } }).cause?.code ?? '';

async function read(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`an answer of more than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
