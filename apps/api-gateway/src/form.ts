/**
 * Decodes `application/x-www-form-urlencoded` text strictly: what is no UTF-8, holds a NUL or ends in half an escape is the
 * client's mistake (400), never something the database stumbles over. Same rules for a query.
 */
import { ApiError } from '@parley/contracts/error-catalogue';
import { listParameters } from '@parley/contracts/rest/addresses';
import type { Form } from '@parley/contracts/rest/parameters';

/** A body has at most 1 MiB; without this bound it could hold half a million empty parameters. */
const PARAMETERS_MAX = 1000;
const needsDecoding = /[%+\0]/;

/** A repeated key is the last value, or the list where the parameter is one. Throws ApiError 20001. */
export function decodeForm(text: unknown, lists: ReadonlySet<string> = listParameters): Form {
  const form: Record<string, string | string[]> = Object.create(null);
  if (typeof text !== 'string') return form;
  // Fastify read the bytes as UTF-8; what was none became this character, which a client would have escaped.
  if (text.includes('\uFFFD')) throw new ApiError(20001, 'body is not UTF-8');
  let count = 0;
  for (let start = 0; start < text.length; ) {
    let end = text.indexOf('&', start);
    if (end < 0) end = text.length;
    if (end > start) {
      if (++count > PARAMETERS_MAX) throw new ApiError(20001, `more than ${PARAMETERS_MAX} parameters`);
      let equals = text.indexOf('=', start);
      if (equals < 0 || equals > end) equals = end;
      const key = decode(text.slice(start, equals), 'name');
      const value = decode(text.slice(equals + 1, end), key);
      if (lists.has(key)) ((form[key] ??= []) as string[]).push(value);
      else form[key] = value;
    }
    start = end + 1;
  }
  return form;
}

function decode(part: string, about: string): string {
  if (!needsDecoding.test(part)) return part;
  try {
    const decoded = decodeURIComponent(part.replaceAll('+', ' '));
    if (!decoded.includes('\0')) return decoded;
  } catch {
    // Not UTF-8, or a broken escape: told like the NUL below.
  }
  throw new ApiError(20001, about);
}
