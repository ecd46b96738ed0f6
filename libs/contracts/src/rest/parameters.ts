/**
 * What request parameters are made of: zod schemas whose issues carry the documented error code as their message, so
 * that one table gives validation, error codes and the OpenAPI description. Form values are strings; outputs are typed.
 */
import { durationMillis } from '@parley/domain/conversation/timers';
import { isSid, type Sid, type SidPrefix } from '@parley/domain/sid';
import { z } from 'zod';
import { ApiError, isErrorCode, type ErrorCode } from '../error-catalogue.js';

/** The zod error of a check: the code travels as text. */
export const fault = (code: ErrorCode): { error: string } => ({ error: String(code) });

export const text = (charsMax: number, tooLong: ErrorCode) => z.string().max(charsMax, fault(tooLong));
/** `Name=` clears. */
export const clearable = (charsMax: number, tooLong: ErrorCode) =>
  text(charsMax, tooLong).transform((value) => (value === '' ? null : value));

/** Case does not matter in the API's enums. */
export const oneOf = <const V extends readonly [string, ...string[]]>(values: V, invalid: ErrorCode) =>
  z.string().toLowerCase().pipe(z.enum(values, fault(invalid)));

export const flag = (invalid: ErrorCode) => oneOf(['true', 'false'], invalid).transform((value) => value === 'true');

export const sid = <P extends SidPrefix>(prefix: P, invalid: ErrorCode) =>
  z.string().refine((value): value is Sid<P> => isSid(value, prefix), fault(invalid)).meta({ pattern: `^${prefix}[0-9a-fA-F]{32}$` });

/** Serialized JSON, kept as the exact text received. `bytesMax` counts UTF-8. */
export const jsonText = (bytesMax: number, invalid: ErrorCode = 50304, tooLong: ErrorCode = 50303) =>
  z.string().superRefine((value, context) => {
    if (value === '{}') return;
    if (utf8Length(value) > bytesMax) return context.addIssue({ code: 'custom', message: String(tooLong) });
    try {
      JSON.parse(value);
    } catch {
      context.addIssue({ code: 'custom', message: String(invalid) });
    }
  }).meta({ contentMediaType: 'application/json', description: `JSON of at most ${bytesMax} bytes.` });

// A JavaScript character is at most three bytes of UTF-8, so most texts need no counting.
const utf8Length = (value: string): number =>
  value.length * 3 <= 4096 ? value.length : new TextEncoder().encode(value).length;
/** At most that many bytes of UTF-8. */
export const body = (bytesMax: number, tooLong: ErrorCode) =>
  z.string().refine((value) => utf8Length(value) <= bytesMax, fault(tooLong));

const iso8601 = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?$/i;
const rfc2822 = /^(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d(:\d\d)? (GMT|UTC?|[+-]\d{4})$/;

/** Date.parse takes a 30th of February for the 1st of March. */
function isDayOfMonth(value: string, iso: boolean): boolean {
  const date = iso ? value.slice(0, 10) : /\d{1,2} [A-Z][a-z]{2} \d{4}/.exec(value)![0];
  return new Date(iso ? date : `${date} UTC`).getUTCDate() === Number(iso ? date.slice(8) : date.split(' ', 1)[0]);
}

/** ISO 8601 (UTC when it names no zone) or RFC 2822 to ISO 8601 with milliseconds; undefined when it is neither. */
export function parseDateTime(value: string): string | undefined {
  const iso = iso8601.test(value);
  if ((!iso && !rfc2822.test(value)) || !isDayOfMonth(value, iso)) return undefined;
  const zoned = iso && !/(Z|[+-]\d\d:?\d\d)$/i.test(value) ? `${value}Z` : value;
  const millis = Date.parse(zoned.replace(',', iso ? '.' : ','));
  // The stored year has four digits everywhere; nothing was said before 1900.
  return millis >= -2_208_988_800_000 && millis <= 253_402_300_799_999 ? new Date(millis).toISOString() : undefined;
}
export const dateTime = (invalid: ErrorCode) => parsed(parseDateTime, invalid).meta({ description: 'ISO 8601 or RFC 2822.' });

/** Runs `parse`; undefined is the fault. */
export const parsed = <T>(parse: (value: string) => T | undefined, invalid: ErrorCode) =>
  z.string().transform((value, context) => {
    const result = parse(value);
    if (result !== undefined) return result;
    context.addIssue({ code: 'custom', message: String(invalid) });
    return z.NEVER;
  });

// A deadline must stay a date: a thousand years is for ever.
const longestMillis = 31_536_000_000_000;
/** An ISO 8601 duration of at least `minMillis`; empty removes the timer. */
export const timer = (minMillis: number, tooShort: ErrorCode, invalid: ErrorCode) =>
  z.string().superRefine((value, context) => {
    if (value === '') return;
    const millis = durationMillis(value);
    if (millis === undefined || !(millis <= longestMillis)) context.addIssue({ code: 'custom', message: String(invalid) });
    else if (millis < minMillis) context.addIssue({ code: 'custom', message: String(tooShort) });
  }).meta({ description: `ISO 8601 duration of at least ${minMillis / 60_000} min.` });

/** No text in it, at any depth, has a NUL or half a character: JSON can write them, Postgres takes neither. */
export function isStorable(json: unknown): boolean {
  let storable = true;
  const check = (text: string) => { storable &&= !text.includes('\0') && text.isWellFormed(); };
  try {
    JSON.stringify(json, (key, value: unknown) => {
      check(key);
      if (typeof value === 'string') check(value);
      return value;
    });
  } catch {
    return false; // nested deeper than anybody writes
  }
  return storable;
}

/** Whole number in a range; SDKs send it as text. */
export const integer = (min: number, max: number, invalid: ErrorCode) =>
  parsed((value) => {
    const number = /^[+-]?\d{1,16}$/.test(value) ? Number(value) : NaN;
    return number >= min && number <= max ? number : undefined;
  }, invalid).meta({ pattern: '^[+-]?\\d{1,16}$', description: `Whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`}.` });

/** Without the parameters that were not given: an update leaves those alone. */
export function given<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> | (undefined extends T[K] ? undefined : never) } {
  for (const key in values) if (values[key] === undefined) delete values[key];
  return values as never;
}

/** Decoded form or query: a repeated key is an array. */
export type Form = Readonly<Record<string, string | readonly string[]>>;

/** Parses, or throws the ApiError of the first fault; what has no code of its own is 20001 with the parameter's name, and the reason where the check gave one. */
export function parameters<S extends z.ZodType>(schema: S, form: Form): z.output<S> {
  const result = schema.safeParse(form);
  if (result.success) return result.data;
  const { message, path, params } = result.error.issues[0] as z.core.$ZodIssue & { params?: { reason?: string } };
  const code = Number(message);
  throw new ApiError(isErrorCode(code) ? code : 20001, params?.reason === undefined ? path.join('.') : `${path.join('.')} (${params.reason})`);
}
