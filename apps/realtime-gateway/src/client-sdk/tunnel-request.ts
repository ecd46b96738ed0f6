/** A request of the SDK inside the socket: an HTTP request in a header, its path and parameters still percent-encoded. */
import type { Header } from './frame-codec.js';

export type TunnelRequest = { method: string; segments: string[]; params: ReadonlyMap<string, string>; form: string; json: Readonly<Record<string, unknown>>; mutation: string | undefined };
export type TunnelAnswer = { status: number; body?: unknown };

/** Answered in the REST API's form. */
export class TunnelRefusal extends Error {
  constructor(readonly status: number, readonly code: number, message: string) {
    super(message);
  }
}

const SEGMENTS_MAX = 16;

/** Throws TunnelRefusal. */
export function tunnelRequest(header: Header, payload: string): TunnelRequest {
  const asked = header['http_request'];
  if (!isObject(asked) || typeof asked['method'] !== 'string' || typeof asked['path'] !== 'string') throw new TunnelRefusal(400, 20001, 'http_request has a method and a path');
  const headers = isObject(asked['headers']) ? asked['headers'] : {};
  const named = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const mutation = named['x-twilio-mutation-id'];
  const isForm = String(named['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  return {
    method: asked['method'].toUpperCase(), segments: segmentsOf(asked['path']), params: paramsOf(asked['params']), form: isForm ? payload : '', json: isForm ? {} : jsonOf(payload),
    mutation: typeof mutation === 'string' && /^[\x21-\x7e]{1,200}$/.test(mutation) ? mutation : undefined,
  };
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function segmentsOf(path: string): string[] {
  const segments = path.split('?', 1)[0]!.split('/').slice(1).filter((segment) => segment !== '');
  if (segments.length > SEGMENTS_MAX) throw new TunnelRefusal(404, 20404, 'The requested resource was not found');
  return segments.map(decoded);
}

function paramsOf(params: unknown): ReadonlyMap<string, string> {
  const all = new Map<string, string>();
  if (isObject(params)) for (const [name, value] of Object.entries(params)) {
    const one = Array.isArray(value) ? value[0] : value;
    if (['string', 'number', 'boolean'].includes(typeof one)) all.set(decoded(name), decoded(String(one)));
  }
  return all;
}

/** No name holds a NUL, and Postgres would not take it. */
function decoded(text: string): string {
  try {
    const plain = decodeURIComponent(text);
    if (!plain.includes('\0')) return plain;
  } catch { /* refused below */ }
  throw new TunnelRefusal(400, 20001, 'The path or a parameter is not percent-encoded UTF-8');
}

function jsonOf(payload: string): Readonly<Record<string, unknown>> {
  if (payload === '') return {};
  try {
    const value: unknown = JSON.parse(payload);
    if (isObject(value)) return value;
  } catch { /* refused below */ }
  throw new TunnelRefusal(400, 20001, 'The body is no JSON object');
}
